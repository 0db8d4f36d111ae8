"""Eigenvalues and vectors of small symmetric matrices, one per trajectory, by rotations of Jacobi (1846)."""

import math

from fastsde.kernels.dln import inner_product
from fastsde.kernels.lanes import any_lane, broadcast, load, scalar, select, store
from fastsde.kernels.options import kernel

__all__ = ["diagonalise", "rotate"]

SWEEPS = 16
"""At most; matrices of 16 rows take 6 to 8."""


@kernel
def diagonalise(m, a, vectors, k):
    """Make the symmetric k x k matrix at `a` diagonal; its eigenvectors become the columns of `vectors`.

    A matrix that is diagonal already takes rotations by exactly nothing, so that what becomes of it does not
    depend on the others.
    """
    for i in range(k):
        for j in range(k):
            store(m, vectors + i * k + j, broadcast(m, 1.0 if i == j else 0.0))
    unit = scalar(m, 1e-15 if m.itemsize == 8 else 1e-7)  # a share of the norm that counts as 0
    small = inner_product(m, a, a, k * k) * (unit * unit)
    for _ in range(SWEEPS):
        turned = False
        for p in range(k):
            for q in range(p + 1, k):
                off = load(m, a + p * k + q)
                if any_lane(off * off > small):
                    rotate(m, a, vectors, k, p, q, small)
                    turned = True
        if not turned:
            break


@kernel
def rotate(m, a, vectors, k, p, q, small):
    """Make entry (p, q) of the matrix 0 by one rotation, where its square is above `small`."""
    off = load(m, a + p * k + q)
    some = off * off > small
    theta = (load(m, a + q * k + q) - load(m, a + p * k + p)) / (select(some, off, 1.0) * 2.0)
    size = select(theta < 0.0, -theta, theta)
    t = 1.0 / (size + math.sqrt(theta * theta + 1.0))
    t = select(some, select(theta < 0.0, -t, t), 0.0)
    c = 1.0 / math.sqrt(t * t + 1.0)
    s = t * c
    for r in range(k):
        x, y = load(m, a + r * k + p), load(m, a + r * k + q)
        store(m, a + r * k + p, c * x - s * y)
        store(m, a + r * k + q, s * x + c * y)
    for r in range(k):
        x, y = load(m, a + p * k + r), load(m, a + q * k + r)
        store(m, a + p * k + r, c * x - s * y)
        store(m, a + q * k + r, s * x + c * y)
    for r in range(k):
        x, y = load(m, vectors + r * k + p), load(m, vectors + r * k + q)
        store(m, vectors + r * k + p, c * x - s * y)
        store(m, vectors + r * k + q, s * x + c * y)
