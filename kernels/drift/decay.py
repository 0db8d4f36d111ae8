"""Weight decay."""

from fastsde.kernels.lanes import load, store
from fastsde.kernels.options import inlined

__all__ = ["write_decay"]


@inlined
def write_decay(m, net, decay):
    """Write ``decay theta`` to `extra` and ``grad U = grad L + decay theta`` to `along`.

    The gradient of L is in `gradient`.
    """
    gradient = net.gradient[0]
    for k in range(net.parameters):
        part = load(m, k) * decay
        store(m, net.extra + k, part)
        store(m, net.along + k, load(m, gradient + k) + part)
