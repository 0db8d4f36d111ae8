"""Elliptical stable noise."""

from typing import NamedTuple

from numba import uint64

from fastsde.kernels.elementary import exp64
from fastsde.kernels.noise_law import noise_law
from fastsde.kernels.philox import SUBORDINATOR, draw_words
from fastsde.kernels.stable import log_positive_stable

__all__ = ["Stable"]


class Stable(NamedTuple):
    """Elliptical stable increments: Gaussian times ``sqrt(A0)``, A0 one-sided a-stable, a = alpha / 2."""

    a: float


@noise_law(Stable)
def stable(law, stream):
    """Return ``sqrt(A0)``."""
    w0, w1, w2, w3 = draw_words(stream, SUBORDINATOR, uint64(0))
    return exp64(log_positive_stable(law.a, w0, w1, w2, w3) * 0.5)
