"""One step of mini-batch SGD as chains of matrix-vector products and rank-one updates, cheapest for small batches."""

from fastsde.kernels.dln import inner
from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.matmul import matmul
from fastsde.kernels.options import kernel

__all__ = ["chain_step"]


@kernel
def chain_step(m, net, scale, batch, dt):
    """Descend along the mini-batch gradient of the samples in ``h_0`` (inputs) and `error` (labels).

    ``scale`` is c / batch. Returns the sum of squares of the scaled errors, which is finite while the trajectory is.
    """
    layers = len(net.weight)
    for l in range(layers):
        rows, columns = net.widths[l + 1], net.widths[l]
        below, above = net.activation[l], net.activation[l + 1]
        matmul(m, net.weight[l], columns, 1, m, below, batch, 1, m, above, rows, batch, columns, None)
    d_out = net.widths[-1]
    top, back = net.activation[-1], net.error
    for k in range(d_out * batch):
        store(m, back + k, (load(m, top + k) - load(m, back + k)) * scale)
    size = inner(m, back, back, d_out * batch)
    for l in range(layers - 1, -1, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        following = net.left if back != net.left else net.right
        if batch == 1:
            _back_and_update(m, net.weight[l], net.activation[l], back, following, rows, columns, dt)
        else:
            if l > 0:
                matmul(m, net.weight[l], 1, columns, m, back, batch, 1, m, following, columns, batch, rows, None)
            h = net.activation[l]
            matmul(m, back, batch, 1, m, h, 1, batch, m, net.weight[l], rows, columns, batch, dt)
        back = following
    return size


@kernel
def _back_and_update(m, w, h, e, following, rows, columns, dt):
    """``g_j = sum_i W_ij e_i`` with the old W, then ``W_ij -= dt e_i h_j``, reading and writing each weight once."""
    step = broadcast(m, 0.0) - dt
    for j in range(0, columns - 1, 2):
        g0, g1 = broadcast(m, 0.0), broadcast(m, 0.0)
        h0, h1 = load(m, h + j) * step, load(m, h + j + 1) * step
        for i in range(rows):
            at = w + i * columns + j
            error = load(m, e + i)
            w0, w1 = load(m, at), load(m, at + 1)
            g0 = fma(w0, error, g0)
            g1 = fma(w1, error, g1)
            store(m, at, fma(error, h0, w0))
            store(m, at + 1, fma(error, h1, w1))
        store(m, following + j, g0)
        store(m, following + j + 1, g1)
    if columns % 2:
        j = columns - 1
        g = broadcast(m, 0.0)
        h0 = load(m, h + j) * step
        for i in range(rows):
            at = w + i * columns + j
            error = load(m, e + i)
            w0 = load(m, at)
            g = fma(w0, error, g)
            store(m, at, fma(error, h0, w0))
        store(m, following + j, g)
