"""Matrix products over interleaved trajectories.

A matrix of a block is ``rows x columns`` lane vectors in a flat array; a matrix shared by all trajectories
is an ordinary two-dimensional array, whose entries are broadcast. Sizes, offsets and strides are run-time
values, so transposes cost nothing and one compilation serves every network. The product keeps a tile of the
result in registers: 4 x 4 of 32 registers (`WIDE`), 4 x 2 of 16. Of a product that is subtracted and whose
entries are sums of two to four terms, as in the gradients of a network with few inputs, registers keep
columns of B instead: most instructions of a tile would be before and after its few rounds.
"""

from fastsde.kernels.lanes import WIDE
from fastsde.kernels.options import inlined, kernel, never_inlined
from fastsde.kernels.primitive import primitive
from fastsde.kernels.tiles import PACKED, pack, strips, tile

__all__ = ["matmul"]

FAR = 32  # lane vectors between columns of A from which on it is worth to copy its rows


@never_inlined
def _packed(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """Compute all rows of C but the last ``n % 4``, and return how many; `inner` is at most `PACKED`."""
    i = 0
    while i + 4 <= n:
        rows = pack(a, a0 + i * ar, ar, ak, inner, c)
        j = 0
        while WIDE and j + 4 <= m:
            tile(4, 4, rows, 0, 1, 4, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 4
        while j + 2 <= m:
            tile(4, 2, rows, 0, 1, 4, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 2
        if j < m:
            tile(4, 1, rows, 0, 1, 4, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
        i += 4
    return i


@inlined
def _few_terms(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """Subtract a product whose entries are sums of two to four terms; return whether that was so."""
    if inner < 2 or inner > 4:
        return False
    if inner == 2:
        strips(2, a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, scale)
    elif inner == 3:
        strips(3, a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, scale)
    else:
        strips(4, a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, scale)
    return True


@primitive
@kernel
def matmul(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """``C = A B`` (`scale` None) or ``C -= scale A B``; C is `n` x `m`, row after row, from lane vector `c0`.

    ``A[i, k]`` is at ``a0 + i ar + k ak`` and ``B[k, j]`` at ``b0 + k bk + j bc``: in lane vectors for a
    flat array, in elements for a two-dimensional one. C must not overlap A or B; `inner` is at least 1.
    """
    if scale is not None:
        if _few_terms(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
            return
    i = 0
    if ak >= FAR and inner <= PACKED and m >= 16:
        i = _packed(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale)
    while i + 4 <= n:
        j = 0
        while WIDE and j + 4 <= m:
            tile(4, 4, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 4
        while j + 2 <= m:
            tile(4, 2, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 2
        if j < m:
            tile(4, 1, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
        i += 4
    if i + 2 <= n:
        j = 0
        while j + 4 <= m:
            tile(2, 4, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 4
        if j + 2 <= m:
            tile(2, 2, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 2
        if j < m:
            tile(2, 1, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
        i += 2
    if i < n:
        j = 0
        while j + 4 <= m:
            tile(1, 4, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 4
        if j + 2 <= m:
            tile(1, 2, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 2
        if j < m:
            tile(1, 1, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
