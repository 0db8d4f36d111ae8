"""Backward passes with updates against NumPy, and in halves of lane vectors."""

import numba as nb
import numpy as np
import pytest

from fastsde.kernels import chain
from fastsde.kernels.chain import back_columns
from fastsde.kernels.cpu import aligned
from fastsde.kernels.lanes import broadcast, lane_count

ROWS, COLUMNS = 6, 5


def updated(memory):
    """Compile and run a backward pass over weights, features and errors, which lie one after the other."""

    @nb.njit
    def passed(m, h, e, g, rows, columns, dt):
        back_columns(5, True, m, 0, columns, h, e, g, rows, broadcast(m, 0.0) - dt, None)

    after = aligned(memory.size, memory.dtype)
    after[...] = memory
    h, e = ROWS * COLUMNS, ROWS * COLUMNS + COLUMNS
    passed(after, h, e, e + ROWS, ROWS, COLUMNS, 0.25)
    return after


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_halves_of_vectors_give_the_same_bits_and_numpys_numbers(monkeypatch, dtype):
    lanes = lane_count(dtype)
    memory = aligned((ROWS * COLUMNS + 2 * COLUMNS + ROWS) * lanes, dtype)
    memory[...] = np.random.default_rng(1).normal(size=memory.size)
    monkeypatch.setattr(chain, "HALF_STORES", False)
    whole = updated(memory)
    monkeypatch.setattr(chain, "HALF_STORES", True)
    assert np.array_equal(updated(memory), whole)
    w, h, e, _ = np.split(
        memory.reshape(-1, lanes).astype(np.float64), np.cumsum([ROWS * COLUMNS, COLUMNS, ROWS])
    )
    w = w.reshape(ROWS, COLUMNS, lanes)
    exact = [(w - 0.25 * e[:, None] * h).reshape(-1, lanes), h, e, (w * e[:, None]).sum(axis=0)]
    assert np.allclose(whole.reshape(-1, lanes), np.concatenate(exact), rtol=0, atol=40 * np.finfo(dtype).eps)
