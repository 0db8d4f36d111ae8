"""Products of interleaved matrices, and rows gathered by lanes, against NumPy."""

from itertools import product

import numpy as np
import probes
import pytest

from fastsde.kernels.cpu import aligned
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.matmul import matmul

SIZES = [
    (1, 1, 1),
    (1, 9, 3),
    (9, 1, 4),
    (4, 4, 4),
    (5, 7, 3),
    (10, 10, 10),
    (3, 6, 2),
    (8, 2, 11),
    (7, 3, 1),
    (6, 5, 2),
    (3, 4, 6),
    (35, 17, 5),  # with A transposed, its rows are far apart and are copied first
    (34, 16, 64),
    (32, 16, 66),
]


class Memory:
    """A block's memory with room behind each matrix that nobody may touch."""

    def __init__(self, dtype, seed=0):
        self.lanes = lane_count(dtype)
        self.memory = aligned(5000 * self.lanes, dtype)
        self.memory[...] = 7.0
        self.end = 3
        self.random = np.random.default_rng(seed)

    def put(self, rows, columns):
        """Place a random matrix; return its place and its values, (rows, columns, lanes)."""
        start, self.end = self.end, self.end + rows * columns + 2
        view = self.at(start, rows, columns)
        view[...] = self.random.normal(size=view.shape)
        return start, view.astype(np.float64)

    def at(self, start, rows, columns):
        whole = self.memory[start * self.lanes : (start + rows * columns) * self.lanes]
        return whole.reshape(rows, columns, self.lanes)


def strides(rows, columns, transposed):
    """Strides along (first, second) index of a matrix stored as it is, or transposed."""
    return (1, rows) if transposed else (columns, 1)


def close(got, exact, inner, dtype):
    """Within the rounding of sums of `inner` products of standard normals."""
    return np.all(np.abs(got - exact) <= 4 * np.finfo(dtype).eps * (1 + inner))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "m", "inner"), SIZES)
def test_products_of_sizes_and_strides(n, m, inner, dtype):
    for a_turned, b_turned in ((False, False), (True, False), (False, True), (True, True)):
        room = Memory(dtype, seed=n)
        a0, a = room.put(*((inner, n) if a_turned else (n, inner)))
        b0, b = room.put(*((m, inner) if b_turned else (inner, m)))
        c0, c = room.put(n, m)
        before = room.memory.copy()
        a, b = (a.swapaxes(0, 1) if a_turned else a), (b.swapaxes(0, 1) if b_turned else b)
        exact = np.einsum("ikv,kjv->ijv", a, b)
        left = room.memory, a0, *strides(n, inner, a_turned)
        right = room.memory, b0, *strides(inner, m, b_turned)
        matmul(*left, *right, room.memory, c0, n, m, inner, None)
        got = room.at(c0, n, m).copy()
        assert close(got, exact, inner, dtype)
        matmul(*left, *right, room.memory, c0, n, m, inner, 0.75)
        assert close(room.at(c0, n, m), got - 0.75 * exact, inner, dtype)
        room.at(c0, n, m)[...] = before[c0 * room.lanes : (c0 + n * m) * room.lanes].reshape(c.shape)
        assert np.array_equal(room.memory, before)  # nothing beside C was written


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_small_sizes(dtype):
    room = Memory(dtype)
    a0, b0, c0 = (room.put(13, 13)[0] for _ in range(3))
    for n, m, inner in product(range(1, 14), range(1, 14), (1, 2, 3, 4, 5, 6, 7, 10, 13)):
        a, b, c = room.at(a0, n, inner), room.at(b0, m, inner), room.at(c0, n, m)
        exact = c - 0.5 * np.einsum("ikv,jkv->ijv", a.astype(np.float64), b)
        left, right = (room.memory, a0, inner, 1), (room.memory, b0, 1, inner)
        matmul(*left, *right, room.memory, c0, n, m, inner, 0.5)
        assert close(c, exact, inner, dtype)
        c[...] = 1.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "m"), [(11, 13), (35, 17)])
def test_every_entry_is_the_same_sum_whatever_tile_it_is_in(n, m, dtype):
    room, inner = Memory(dtype), 10
    (a0, _), (b0, _), (c0, _) = room.put(inner, n), room.put(inner, m), room.put(n, m)
    matmul(room.memory, a0, 1, n, room.memory, b0, m, 1, room.memory, c0, n, m, inner, None)
    got = room.at(c0, n, m).copy()
    for i, j in product(range(n), range(m)):
        one = room.memory, c0, 1, 1, inner, None
        matmul(room.memory, a0 + i, 1, n, room.memory, b0 + j, m, 1, *one)
        assert np.array_equal(room.at(c0, 1, 1)[0, 0], got[i, j])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "m", "inner"), SIZES)
def test_products_with_a_matrix_that_all_lanes_share(n, m, inner, dtype):
    room = Memory(dtype, seed=m)
    a0, a = room.put(n, inner)
    c0, _ = room.put(n, m)
    shared = room.random.normal(size=(m, inner)).astype(dtype)
    matmul(room.memory, a0, inner, 1, shared, 0, 1, inner, room.memory, c0, n, m, inner, None)
    exact = np.einsum("ikv,jk->ijv", a, shared.astype(np.float64))
    assert close(room.at(c0, n, m), exact, inner, dtype)
    left = room.random.normal(size=(n, inner)).astype(dtype)
    b0, b = room.put(inner, m)
    c0, c = room.put(n, m)
    matmul(left, 0, inner, 1, room.memory, b0, m, 1, room.memory, c0, n, m, inner, -1.0)
    exact = c + np.einsum("ik,kjv->ijv", left.astype(np.float64), b)
    assert close(room.at(c0, n, m), exact, inner, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_gathered_by_lane(dtype):
    lanes, random = lane_count(dtype), np.random.default_rng(0)
    table = random.normal(size=(11, 12)).astype(dtype)
    indices = random.integers(0, 11, 5 * lanes).astype(np.int32)
    for row in range(5):
        for column in (0, 4, 8):
            out = aligned(4 * lanes, dtype)
            probes.gathered(out, table, indices, row * lanes, column)
            rows = indices[row * lanes : (row + 1) * lanes]
            assert np.array_equal(out.reshape(4, lanes), table[rows, column : column + 4].T)
