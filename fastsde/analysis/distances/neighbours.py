r"""Kullback-Leibler divergence from nearest neighbours: d/n sum ln(nu_k / rho_k) + ln(m / (n - 1)).

rho_k is the distance from a point of the first sample to its k-th neighbour in the first, nu_k in the second;
d is the dimension of the set in which the points lie, which may be less than the number of coordinates.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.stats import rankdata

from fastsde.analysis.distances.kernel_two_sample import squared_distances
from fastsde.analysis.protocols import Bools, Floats

DIMENSIONS = 3
"""Beyond this many dimensions even the sign of the estimate is not to be trusted."""

NEAR = 10
"""Neighbours from whose distances the dimension of the set of points is estimated."""

ENOUGH = 64
"""Fewer points have the dimension of the space."""

CLEARLY = 0.3
"""A dimension is clear if the estimate is nearer than this."""

SMALLEST = 1e-12
"""Points closer than this share of the spread count as so far apart: a law with atoms has no density."""


def divergence(x: Floats, y: Floats, neighbours: int = 5) -> float:
    """Estimate of KL(law of x | law of y) in nats.

    Parameters
    ----------
    x, y : ndarray, shapes (n, d) and (m, d)
        The samples, d at most three, more than ``neighbours`` points each.
    neighbours : int
        k.

    Returns
    -------
    float
        It is biased where the laws differ in width, the more the higher the dimension, and may be negative:
        read it beside its null band and the Gaussian closed form.

    Raises
    ------
    ValueError
        If there are too many dimensions or too few points.

    Notes
    -----
    Wang, Kulkarni and Verdu (2009), IEEE Trans. Inf. Theory 55, 2392, equation 5.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> 0.3 < divergence(rng.normal(size=(2000, 1)), rng.normal(1.0, 1.0, size=(2000, 1))) < 0.7
    True
    """
    labels = np.arange(len(x) + len(y)) < len(x)
    return float(relabelled(np.concatenate([x, y]), labels[None], neighbours)[0, 0])


def relabelled(pooled: Floats, labels: Bools, neighbours: int = 5) -> Floats:
    """Divergences of the two parts of a pooled sample, both ways, under many labellings.

    Neighbours are ordered once; a labelling is then a walk to the k-th of either part.

    Parameters
    ----------
    pooled : ndarray, shape (n, d)
    labels : ndarray of bool, shape (labelling, n)
        True for the first sample; every row holds as many of them.
    neighbours : int
        k.

    Returns
    -------
    ndarray, shape (2, labelling)
        KL(first | second) and KL(second | first), in nats.
    """
    size, dimensions = pooled.shape
    first = int(labels[0].sum())
    if dimensions > DIMENSIONS:
        raise ValueError(f"at most {DIMENSIONS} dimensions, got {dimensions}: project first")
    if min(first, size - first) <= neighbours:
        raise ValueError(
            f"more than {neighbours} points per sample are needed, got {first} and {size - first}"
        )
    order, distances = _ordered(pooled)
    logs = np.log(np.maximum(distances, SMALLEST * max(float(distances.max()), 1e-300)))
    sums = np.zeros((2, len(labels)))
    _add_logs(order, logs, labels.view(np.uint8), neighbours, sums)
    counts = np.array([[first], [size - first]], dtype=np.float64)
    return np.asarray(_dimension(distances, dimensions) * sums / counts + np.log(counts[::-1] / (counts - 1)))


def coincide(points: Floats, neighbours: int) -> bool:
    """Whether more points coincide than this: a law with atoms has no density.

    Examples
    --------
    >>> coincide(np.zeros((6, 2)), 5), coincide(np.repeat(np.arange(9.0), 2)[:, None], 5)
    (True, False)
    """
    return bool(np.unique(points, axis=0, return_counts=True)[1].max() > neighbours)


def dimension(points: Floats) -> int:
    """Return the dimension of the set in which the points lie, if it is clearly one below that of the space.

    From the distances to the nearest neighbours, whose logarithms rise by ln(k)/d (Levina and Bickel 2004,
    with the inverses averaged, MacKay and Ghahramani 2005). Points on a curve, such as those of which one
    coordinate is a function of the other, have dimension 1.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> dimension(x), dimension(np.column_stack([x[:, 0], np.log(np.abs(1 - x[:, 0]))]))
    (2, 1)
    """
    return _dimension(_ordered(points)[1], points.shape[1])


def unlike(points: Floats, values: Floats) -> float:
    """How much the ranks of values differ between nearest neighbours: 0 of a function, 1 of noise.

    Examples
    --------
    >>> x = np.linspace(0, 1, 100)
    >>> unlike(x[:, None], np.exp(x)) < 1e-3, unlike(x[:, None], np.random.default_rng(0).random(100)) > 0.5
    (True, True)
    """
    ranks = rankdata(values)
    return float(np.mean((ranks - ranks[_ordered(points)[0][:, 0]]) ** 2) / (2 * ranks.var()))


def _dimension(distances: Floats, dimensions: int) -> int:
    near = distances[:, :NEAR]
    near = near[near[:, 0] > 0]
    if dimensions == 1 or len(near) < ENOUGH or near.shape[1] < NEAR:
        return dimensions
    rises = np.log(near[:, -1:] / near[:, :-1]).sum(axis=1) / (NEAR - 1)
    estimate = 1 / max(float(rises.mean()), 1e-3)
    whole = round(estimate)
    return whole if 1 <= whole < dimensions and abs(estimate - whole) < CLEARLY else dimensions


def _ordered(points: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Order all other points of each one by their distance; return their numbers and distances."""
    squares = squared_distances(points, points)
    np.fill_diagonal(squares, -1.0)
    order = np.argsort(squares, axis=1)[:, 1:]
    return order, np.sqrt(np.maximum(np.take_along_axis(squares, order, axis=1), 0.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add_logs(
    order: NDArray[np.intp], logs: Floats, marks: NDArray[np.uint8], neighbours: int, sums: Floats
) -> None:
    """Add ln(nu_k / rho_k) of every point to the sum of its part."""
    for row in range(marks.shape[0]):
        for point in range(order.shape[0]):
            mine = marks[row, point]
            own, other, rank = 0, 0, 0
            ratio = 0.0
            while own < neighbours or other < neighbours:
                if marks[row, order[point, rank]] == mine:
                    own += 1
                    if own == neighbours:
                        ratio -= logs[point, rank]
                else:
                    other += 1
                    if other == neighbours:
                        ratio += logs[point, rank]
                rank += 1
            sums[1 - mine, row] += ratio
