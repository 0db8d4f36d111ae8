"""Normal tempered stable noise."""

import math
from typing import NamedTuple

from fastsde.kernels.noise_law import noise_law
from fastsde.kernels.philox import SUBORDINATOR
from fastsde.kernels.stable import tempered_subordinator

__all__ = ["Tempered"]


class Tempered(NamedTuple):
    """Normal tempered stable increments: Gaussian times ``sqrt(A / dt)``; see `tempered_subordinator`."""

    a: float
    log_scale: float
    pieces: int
    rate: float


@noise_law(Tempered)
def tempered(law, stream):
    """Return ``sqrt(A / dt)``."""
    return math.sqrt(tempered_subordinator(law.a, law.log_scale, law.pieces, law.rate, stream, SUBORDINATOR))
