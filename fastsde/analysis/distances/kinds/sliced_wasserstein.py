r"""Sliced Wasserstein-2: W^2 = mean over directions of the mean squared difference of sorted projections.

Known answers: a shift by m gives |m| / sqrt(d) on average over all directions in d dimensions.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fastsde.analysis.directions import directions
from fastsde.analysis.distances import wasserstein_1d
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats


def sliced_wasserstein(x: Floats, y: Floats, along: Floats) -> float:
    """Sliced Wasserstein-2 distance of two samples of equal size.

    Parameters
    ----------
    x, y : ndarray, shape (n, d)
        The samples.
    along : ndarray, shape (direction, d)
        Unit vectors, from `fastsde.analysis.directions`; keep them the same across all comparisons.

    Returns
    -------
    float
        In the unit of the coordinates. It does not exist where the variance does not: for a stable law
        the sample value grows without limit. It is positive between two samples of one law: read it
        beside its null band.

    Raises
    ------
    ValueError
        If the sizes differ; equal sizes keep the sampling bias equal.

    Notes
    -----
    Bonneel, Rabin, Peyre and Pfister (2015), J. Math. Imaging Vision 51, 22.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(3, 2)
    >>> sliced_wasserstein(x, x + [3.0, 4.0], np.array([[0.6, 0.8]]))
    5.0
    """
    if x.shape != y.shape:
        raise ValueError(f"the samples must have one shape, got {x.shape} and {y.shape}")
    difference = np.sort(x @ along.T, axis=0) - np.sort(y @ along.T, axis=0)
    return float(np.sqrt(np.mean(difference**2)))


def relabelled(pooled: Floats, labels: Bools, along: Floats) -> Floats:
    """Sliced Wasserstein-2 distance of the two halves of a pooled sample under many labellings.

    Every projection is sorted once; a labelling is then one pass through it.

    Parameters
    ----------
    pooled : ndarray, shape (2n, d)
        Both samples, one after the other.
    labels : ndarray of bool, shape (labelling, 2n)
        True for the first sample; each row holds n of them.
    along : ndarray, shape (direction, d)
        Unit vectors.

    Returns
    -------
    ndarray, shape (labelling,)
        Distances, in the unit of the coordinates.
    """
    total = np.zeros(labels.shape[0])
    for direction in along:
        wasserstein_1d.add_costs(pooled @ direction, labels, 2, total)
    return np.asarray(np.sqrt(total / len(along)))


def _relabelled(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    return relabelled(pooled, labels, _along(pooled.shape[1], frame.settings.directions, frame.settings.seed))


@lru_cache(maxsize=8)
def _along(dimension: int, count: int, seed: int) -> Floats:
    """Return the directions, which are the same for all comparisons."""
    return directions(dimension, count, seed)


SLICED_WASSERSTEIN = register(
    Distance(
        name="sliced_wasserstein",
        label="W2, sliced",
        units="share or decade",
        relabelled=_relabelled,
        moments=2.0,
        limit=lambda settings: settings.sliced_limit,
        every_snapshot=True,
        detects="differences in the units of the coordinates, in every direction",
        exists="moments of order 2 exist",
        equation="root mean square over directions of W2 of the projections",
        source="Bonneel et al. (2015)",
        order=50,
    )
)
