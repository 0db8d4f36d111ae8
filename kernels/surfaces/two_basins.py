"""A sharp and a flat basin."""

from fastsde.kernels.lanes import fma, load, select, store
from fastsde.kernels.surface import sample_surface


@sample_surface("two-basins")
def two_basins(m, net, data, i, weight, target):
    """``min(a u^2 + b v^2, c |w - x - q|^2)``: u and v are w - x - p turned by an angle.

    In `vector`: a, b, c, the cosine and sine of the angle, p (two numbers), and q; x is in `inputs`.
    """
    x, y = load(m, 0) - data.inputs[i, 0], load(m, 1) - data.inputs[i, 1]
    cosine, sine = data.vector[3], data.vector[4]
    dx, dy = x - data.vector[5], y - data.vector[6]
    u, v = dx * cosine - dy * sine, dx * sine + dy * cosine
    fx, fy = x - data.vector[7], y - data.vector[8]
    au, bv = u * data.vector[0], v * data.vector[1]
    cx, cy = fx * data.vector[2], fy * data.vector[2]
    sharp, flat = au * u + bv * v, cx * fx + cy * fy
    inside = sharp < flat
    twice = weight * 2.0
    gx = select(inside, au * cosine + bv * sine, cx)
    gy = select(inside, bv * cosine - au * sine, cy)
    store(m, target, fma(twice, gx, load(m, target)))
    store(m, target + 1, fma(twice, gy, load(m, target + 1)))
    return select(inside, sharp, flat)
