"""The learning coefficient of deep linear networks in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from fastsde.system.errors import RequestError

__all__ = ["ExactCoefficient", "exact_learning_coefficient"]


class ExactCoefficient(NamedTuple):
    """A learning coefficient and its multiplicity.

    Attributes
    ----------
    value : float
        lambda, half an integer.
    multiplicity : int
        m; the volume of ``{K < e}`` goes as ``e^lambda log(1/e)^(m-1)``.
    """

    value: float
    multiplicity: int


def exact_learning_coefficient(widths: Sequence[int], rank: int) -> ExactCoefficient:
    """Return the learning coefficient of a deep linear network that learns a map of a given rank.

    Let ``D_l = d_l - r`` be the widths less the rank, and choose those l + 1 of them, the smallest ones, for
    which the largest is at most ``sum / l`` and all others are above it, ``sum`` being that of the chosen.
    With ``M = ceil(sum / l)`` and ``a = sum - (M - 1) l``::

        lambda = (r (d_0 + d_L) - r^2) / 2 + a (l - a) / (4 l) - (l - 1) sum^2 / (4 l)
                 + 1/2 sum_{i<j} D_i D_j,    m = a (l - a) + 1

    (Aoyagi 2024, Neural Networks 172, 106132, theorem 1; two layers: Aoyagi and Watanabe 2005). It is half
    the codimension of the set of parameters with the given map (Lehalleur and Rimanyi 2024,
    arXiv 2411.19920).

    Parameters
    ----------
    widths : sequence of int
        Sizes of the layers, input first; two or more.
    rank : int
        Of the map that is learned, at most the smallest width.

    Returns
    -------
    ExactCoefficient

    Raises
    ------
    RequestError
        If the network cannot have a map of this rank.

    Notes
    -----
    It is the least coefficient of all parameters with this map. Parameters have it whose layers are of the
    rank of the map and no more, such as balanced ones. Elsewhere the coefficient is larger, up to half the
    rank of the Hessian where the parameters with this map are a smooth surface.

    Examples
    --------
    >>> import fastsde
    >>> fastsde.exact_learning_coefficient([4, 2, 4], rank=2)
    ExactCoefficient(value=6.0, multiplicity=1)
    >>> fastsde.exact_learning_coefficient([1, 1, 1], rank=0)  # K = (a b)^2
    ExactCoefficient(value=0.5, multiplicity=2)
    """
    sizes = [int(width) for width in widths]
    if len(sizes) < 2 or min(sizes) < 1 or not 0 <= rank <= min(sizes):
        raise RequestError(
            f"no network of widths {list(widths)} has a map of rank {rank}\n"
            "Fix: give two or more widths, input first, and a rank from 0 to the smallest of them"
        )
    free = sorted(size - rank for size in sizes)
    chosen = _chosen(free)
    depth, total = len(chosen) - 1, sum(chosen)
    rest = total - (-(-total // depth) - 1) * depth
    pairs = sum(a * b for a, b in combinations(chosen, 2))
    learned = rank * (sizes[0] + sizes[-1]) - rank * rank
    value = learned / 2 + (rest * (depth - rest) - (depth - 1) * total * total) / (4 * depth) + pairs / 2
    return ExactCoefficient(value, rest * (depth - rest) + 1)


def _chosen(free: Sequence[int]) -> Sequence[int]:
    """Return the smallest numbers that are at most their sum over their number less one, the others not."""
    for count in range(2, len(free)):
        limit = sum(free[:count]) / (count - 1)
        if free[count - 1] <= limit < free[count]:
            return free[:count]
    return free
