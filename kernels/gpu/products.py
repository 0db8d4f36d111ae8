"""Products of matrices where a trajectory is a block: every entry is the same sum in the same order."""

from fastsde.kernels import chain, matmul
from fastsde.kernels.gpu.replacements import Replacements, with_names

__all__ = ["PRODUCTS", "entry_product", "fma", "parts", "tile_product", "zero_of"]

PRODUCTS = Replacements()


def fma(a, b, c):
    """Return ``a * b + c``, rounded twice: where a target has nothing better."""
    return a * b + c


def zero_of(c):
    """Return a zero of the trajectories' precision."""
    raise NotImplementedError("exchanged for a zero of the trajectories' precision")


def entry_of(a, index):
    """Return an entry of a block's matrix, or of one that all trajectories share."""
    if a.ndim == 2:
        return a[index // a.shape[1], index % a.shape[1]]
    return a[index]


def put(c, place, value, scale):
    """Write an entry of a product, or subtract it."""
    if scale is None:
        c[place] = value
    else:
        c[place] = fma(-scale, value, c[place])


def tile_product(a, a0, ar, ak, b, b0, bk, bc, c, c0, cr, inner, scale):
    """Two rows by four columns of a product, in registers."""
    zero = zero_of(c)
    s0, s1, s2, s3 = zero, zero, zero, zero
    t0, t1, t2, t3 = zero, zero, zero, zero
    for k in range(inner):
        x, y = entry_of(a, a0 + k * ak), entry_of(a, a0 + ar + k * ak)
        at = b0 + k * bk
        z0, z1, z2, z3 = (
            entry_of(b, at),
            entry_of(b, at + bc),
            entry_of(b, at + 2 * bc),
            entry_of(b, at + 3 * bc),
        )
        s0, s1, s2, s3 = fma(x, z0, s0), fma(x, z1, s1), fma(x, z2, s2), fma(x, z3, s3)
        t0, t1, t2, t3 = fma(y, z0, t0), fma(y, z1, t1), fma(y, z2, t2), fma(y, z3, t3)
    put(c, c0, s0, scale)
    put(c, c0 + 1, s1, scale)
    put(c, c0 + 2, s2, scale)
    put(c, c0 + 3, s3, scale)
    put(c, c0 + cr, t0, scale)
    put(c, c0 + cr + 1, t1, scale)
    put(c, c0 + cr + 2, t2, scale)
    put(c, c0 + cr + 3, t3, scale)


def entry_product(a, a0, ak, b, b0, bk, c, c0, inner, scale):
    """One entry of a product."""
    total = zero_of(c)
    for k in range(inner):
        total = fma(entry_of(a, a0 + k * ak), entry_of(b, b0 + k * bk), total)
    put(c, c0, total, scale)


@PRODUCTS.of(matmul.matmul)
def _matmul(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """`fastsde.kernels.matmul.matmul`: every entry is the same sum in the same order."""
    rows, columns = n - n % 2, m - m % 4
    for i in range(0, rows, 2):
        for j in range(0, columns, 4):
            tile_product(a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
    for i in range(n):
        for j in range(columns if i < rows else 0, m):
            entry_product(a, a0 + i * ar, ak, b, b0 + j * bc, bk, c, c0 + i * m + j, inner, scale)


@PRODUCTS.of(chain._matrix_vector)
def _matrix_vector(m, w, x, y, rows, columns):
    for i in range(rows):
        entry_product(m, w + i * columns, 1, m, x, 1, m, y + i, columns, None)


@PRODUCTS.of(chain._back_and_update)
def _back_and_update(m, w, h, e, g, rows, columns, dt, back):
    """`fastsde.kernels.chain._back_and_update`: each weight is read twice and written once."""
    for j in range(columns):
        factor = m[h + j] * -dt
        total = zero_of(m)
        for i in range(rows):
            at = w + i * columns + j
            weight, error = m[at], m[e + i]
            total = fma(weight, error, total)
            m[at] = fma(error, factor, weight)
        if back is not None:
            m[g + j] = total


def parts(make, multiply_add, zero, entry=None):
    """Return the functions that products are made of, as kernels of the target call them, by their names.

    `entry` takes the place of `entry_of`, if a target has its own.
    """
    names = {"fma": multiply_add, "zero_of": make(zero)}
    names["entry_of"] = make(with_names(entry_of, names)) if entry is None else entry
    for function in (put, entry_product, tile_product):
        names[function.__name__] = make(with_names(function, names))
    return names
