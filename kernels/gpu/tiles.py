"""What `fastsde.kernels.gpu.emit` emits, in plain Python: for the simulator."""

from fastsde.kernels.gpu.products import fma, put

__all__ = ["back_of", "entry", "entry_of", "forward_of", "product_of", "row_of"]


def entry(a, index):
    """Return an entry, counted row by row, of a matrix or of what is in a trajectory's memory."""
    return a[index // a.shape[1], index % a.shape[1]] if a.ndim == 2 else a[index]


entry_of = entry


def product_of(t, inner, way, strides=None):
    """Return a thread's part of a product, as `emit_product` emits it; `way.wait` waits for the others."""
    wait = way.wait

    def product(rank, a, a0, ar, ak, b, b0, bk, bc, c, c0, scale):
        for down in range(t.tiles_down):
            for across in range(t.tiles_across):
                rows = [rank // t.across + row for row in t.rows(down)]
                columns = [rank % t.across + column for column in t.columns(across)]
                found = []
                for i in rows:
                    for j in columns:
                        if i < t.n and j < t.m:
                            total = c.dtype.type(0.0)
                            for k in range(inner):
                                total = fma(
                                    entry(a, a0 + i * ar + k * ak), entry(b, b0 + k * bk + j * bc), total
                                )
                            found.append((c0 + i * t.m + j, total))
                if t.single and ((a.ndim == 1 and a0 == c0) or (b.ndim == 1 and b0 == c0)):
                    wait()
                for place, total in found:
                    put(c, place, total, scale)

    return product


def forward_of(rows, columns):
    """Return ``y = W x`` for tuples, as `emit_forward` emits it."""

    def forward(m, w, x):
        found = []
        for i in range(rows):
            total = m.dtype.type(0.0)
            for j in range(columns):
                total = fma(m[w + i * columns + j], x[j], total)
            found.append(total)
        return tuple(found)

    return forward


def back_of(rows, columns, back):
    """Return ``g = W^T e`` and the change of W, as `emit_back` emits it."""

    def backwards(m, w, h, e, dt):
        sums = [m.dtype.type(0.0)] * columns
        step = m.dtype.type(0.0) - dt
        for i in range(rows):
            for j in range(columns):
                at = w + i * columns + j
                weight = m[at]
                if back:
                    sums[j] = fma(weight, e[i], sums[j])
                m[at] = fma(e[i], h[j] * step, weight)
        return tuple(sums)

    return backwards


def row_of(count):
    """Return what reads the first numbers of a row of a table as a tuple."""
    return lambda table, row: tuple(table[row, k] for k in range(count))
