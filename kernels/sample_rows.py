"""The noise of finite data in few registers: a row of E and of R at a time, for networks of four inputs."""

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.options import inlined
from fastsde.kernels.primitive import primitive

__all__ = ["noise_by_rows"]


@primitive
@inlined
def noise_by_rows(m, net, data):
    """Compute ``R = E diag(w) X^T`` as two products would, bit for bit, and return whether it was done.

    A row of D and the row of R that it leads to are eight lane vectors, which stay in registers for all
    samples; E is never written. Other numbers of inputs are left to products.
    """
    if net.widths[0] != 4:
        return False
    zero = broadcast(m, 0.0)
    for i in range(net.widths[-1]):
        at = net.deviation + 4 * i
        d0, d1, d2, d3 = load(m, at), load(m, at + 1), load(m, at + 2), load(m, at + 3)
        r0, r1, r2, r3 = zero, zero, zero, zero
        for k in range(len(data.inputs)):
            x0, x1 = broadcast(m, data.inputs[k, 0]), broadcast(m, data.inputs[k, 1])
            x2, x3 = broadcast(m, data.inputs[k, 2]), broadcast(m, data.inputs[k, 3])
            error = fma(d3, x3, fma(d2, x2, fma(d1, x1, fma(d0, x0, zero))))
            error = (error - data.noise[k, i]) * load(m, net.weights + k)
            r0, r1 = fma(error, x0, r0), fma(error, x1, r1)
            r2, r3 = fma(error, x2, r2), fma(error, x3, r3)
        at = net.residual + 4 * i
        store(m, at, r0)
        store(m, at + 1, r1)
        store(m, at + 2, r2)
        store(m, at + 3, r3)
    return True
