"""Landscapes where a trajectory is a block: what is left out of their code."""

import numpy as np

from fastsde.kernels import surface
from fastsde.kernels.gpu.replacements import with_names

__all__ = ["left_out"]


def no_user(m, net, data, target):
    """Take the place of a user's function, which cannot be called here: drivers refuse such landscapes."""
    return zero_of(m)


def zero_of(c):
    """Return a zero of the trajectories' precision, which a target puts in the place of this."""
    return np.float64(0.0)


def left_out(data, make, names):
    """Return what takes the place of code that a landscape of another kind has no use for, in ``float64``."""
    replaced = [surface._user]
    if type(data).__name__ == "Surface" and data.kind != surface.MUELLER:
        replaced.append(surface._mueller)
    return {original: make(with_names(no_user, names)) for original in replaced}
