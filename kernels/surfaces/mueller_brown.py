"""The surface of Mueller and Brown."""

import math

from fastsde.kernels.lanes import lane_width, load
from fastsde.kernels.options import in_double
from fastsde.kernels.surface import surface


@surface("mueller-brown")
@in_double
def mueller_brown(m, net, data, target):
    """Sum over the rows (A, a, b, c, x0, y0) of `table` of ``A exp(a u^2 + b u v + c v^2)``."""
    width = lane_width(m)
    for v in range(width):
        x, y = float(m[v]), float(m[width + v])
        total, along, across = 0.0, 0.0, 0.0
        for k in range(data.table.shape[0]):
            a, b, c = data.table[k, 1], data.table[k, 2], data.table[k, 3]
            dx, dy = x - data.table[k, 4], y - data.table[k, 5]
            term = data.table[k, 0] * math.exp(a * dx * dx + b * dx * dy + c * dy * dy)
            total += term
            along += term * (2.0 * a * dx + b * dy)
            across += term * (b * dx + 2.0 * c * dy)
        m[target * width + v] = along
        m[(target + 1) * width + v] = across
        m[net.draw * width + v] = total
    return load(m, net.draw)
