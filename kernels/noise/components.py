"""Noise of independent symmetric stable components, whole or truncated."""

from typing import NamedTuple

from numba import uint64

from fastsde.kernels.lanes import any_lane, select
from fastsde.kernels.noise_law import component_law
from fastsde.kernels.philox import draw_words
from fastsde.kernels.stable import symmetric_stable

__all__ = ["Components"]

PIECE = 10  # a number made by rejection has 2**10 draws to itself, of 2**32
HALF_ROOT = 0.7071067811865476


class Components(NamedTuple):
    """Independent symmetric stable components, each of the scale of a unit normal over the root of two.

    A component beyond `limit` (in that scale; infinite for no truncation) is drawn again.
    """

    alpha: float
    limit: float


@component_law(Components)
def stable_component(law, k, stream, purpose):
    """Return component `k`; each trajectory takes its own first draw within the limit."""
    number = uint64(k) << uint64(PIECE)
    w0, w1, w2, w3 = draw_words(stream, purpose, number)
    x = symmetric_stable(law.alpha, w0, w1, w2, w3)
    while any_lane(x > law.limit) or any_lane(x < -law.limit):
        number += uint64(1)
        w0, w1, w2, w3 = draw_words(stream, purpose, number)
        again = symmetric_stable(law.alpha, w0, w1, w2, w3)
        x = select(x > law.limit, again, select(x < -law.limit, again, x))
    return x * HALF_ROOT
