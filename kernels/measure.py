"""Linear measurements of the end-to-end matrix: all entries, some of them, or inner products with matrices.

With measurements A_i the loss is ``c/2 E (<A, W> - y)^2``, and its end-to-end gradient ``R = c E <A, D> A``,
D the deviation from the optimum. A matrix of one entry is never written out.
"""

from fastsde.kernels.lanes import broadcast, load, meet, scalar, share, store
from fastsde.kernels.matmul import matmul
from fastsde.kernels.options import inlined

__all__ = ["curve", "measure", "spread"]


@inlined
def measure(m, net, data, source, place, target):
    """Write ``<A_i, X>`` of all samples to `target` of `m`; X is at `place` of `source`."""
    n, size = len(data.inputs), net.widths[0] * net.widths[-1]
    if len(data.entries) > 0:
        for i in share(m, n):
            store(m, target + i, load(source, place + data.entries[i]))
        meet(m)
    else:
        matmul(source, place, size, 1, data.inputs, 0, 1, size, m, target, 1, n, size, None)


@inlined
def spread(m, net, data, source, out, target):
    """Write ``sum_i z_i A_i`` to place `target` of `out`; the z_i are at `source` of `m`."""
    n, size = len(data.inputs), net.widths[0] * net.widths[-1]
    if len(data.entries) > 0:
        for k in share(m, size):
            total = broadcast(m, 0.0)
            for i in range(data.first[k], data.first[k + 1]):
                total = total + load(m, source + i)
            store(out, target + k, total)
        meet(m)
    else:
        matmul(m, source, n, 1, data.inputs, 0, size, 1, out, target, 1, size, n, None)


@inlined
def curve(m, net, data, source, place, out, target):
    """Write ``c E <A, X> A`` to place `target` of `out`, X at `place` of `source`; overwrites `error`."""
    n, size = len(data.inputs), net.widths[0] * net.widths[-1]
    if len(data.density) > 0:
        for k in share(m, size):
            store(out, target + k, load(source, place + k) * (data.density[k] * data.scale))
        meet(m)
        return
    measure(m, net, data, source, place, net.error)
    for i in share(m, n):
        store(m, net.error + i, load(m, net.error + i) * (data.scale / scalar(m, n)))
    meet(m)
    spread(m, net, data, net.error, out, target)
