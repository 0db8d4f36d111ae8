"""The monkey saddle."""

from fastsde.kernels.lanes import load, store
from fastsde.kernels.surface import surface


@surface("monkey-saddle")
def monkey_saddle(m, net, data, target):
    """``V = x^3 - 3 x y^2``."""
    x, y = load(m, 0), load(m, 1)
    energy = x * (x * x - y * y * 3.0)
    store(m, target, (x * x - y * y) * 3.0)
    store(m, target + 1, x * y * -6.0)
    return energy
