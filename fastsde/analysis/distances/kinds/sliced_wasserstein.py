r"""Sliced Wasserstein-2: W^2 = mean over directions of the mean squared difference of sorted projections."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.distances import wasserstein_1d
from fastsde.analysis.protocols import Bools, Floats


def directions(dimension: int, count: int, seed: int) -> Floats:
    """Draw ``count`` unit vectors uniformly on the sphere, shape (count, dimension)."""
    generator = np.random.Generator(np.random.Philox(seed))
    vectors = generator.standard_normal((count, dimension))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def sliced_wasserstein(x: Floats, y: Floats, along: Floats) -> float:
    """Sliced Wasserstein-2 distance of two samples of equal size.

    Parameters
    ----------
    x, y : ndarray, shape (n, d)
        The samples.
    along : ndarray, shape (direction, d)
        Unit vectors, from `directions`; keep them the same across all comparisons.

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
