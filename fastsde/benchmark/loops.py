"""Compiled loops of a single operation, on data in the L1 cache."""

# Compiled by numba; as in kernels/, types are for the compiler and not for mypy.
# mypy: ignore-errors

from fastsde.kernels.lanes import fma, load, store
from fastsde.kernels.matmul import matmul
from fastsde.kernels.options import kernel

__all__ = ["multiply", "update"]


@kernel
def multiply(a, b, c, n, m, inner, repeats):
    """``C = A B`` for one block of trajectories, `repeats` times; flat arrays of lane vectors."""
    for _ in range(repeats):
        matmul(a, 0, inner, 1, b, 0, m, 1, c, 0, n, m, inner, None)


@kernel
def update(w, h, rows, columns, repeats):
    """``W_ij += e h_j``, `repeats` times: the cost of a parameter update with its loads and stores."""
    for _ in range(repeats):
        for i in range(rows):
            e = load(h, i) * 1e-6
            for j in range(columns):
                at = i * columns + j
                store(w, at, fma(e, load(h, j), load(w, at)))
