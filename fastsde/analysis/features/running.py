"""Means over trajectories that come in blocks, with their intervals: no value is kept."""

from __future__ import annotations

import math
from types import EllipsisType

import numpy as np

from fastsde.analysis import confidence
from fastsde.analysis.confidence import Interval
from fastsde.analysis.protocols import Bools, Floats


class RunningMean:
    """Means of many quantities, as `fastsde.analysis.confidence.mean` takes them of all rows at once.

    Blocks are joined by their means and sums of squares about them (Chan, Golub and LeVeque 1983), which
    lose no digits to a large mean.

    Parameters
    ----------
    shape : int, ...
        Shape of the quantities.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(1e6, 1.0, (100, 2))
    >>> running = RunningMean(2)
    >>> for block in np.array_split(values, 7):
    ...     running.add(block)
    >>> np.allclose(running.interval().high, confidence.mean(values).high, rtol=1e-14)
    True
    """

    def __init__(self, *shape: int) -> None:
        self.count, self.mean, self.squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def add(self, values: Floats, place: int | EllipsisType = ...) -> None:
        """Add a block, shape (row, ...), to all quantities, or to those at one place of the first axis.

        Values that are not finite are left out.
        """
        known = np.isfinite(values)
        more = known.sum(axis=0)
        some = np.maximum(more, 1)
        centre = np.where(known, values, 0.0).sum(axis=0) / some
        squares = np.where(known, (values - centre) ** 2, 0.0).sum(axis=0)
        before = self.count[place]
        together = np.maximum(before + more, 1)
        gap = centre - self.mean[place]
        self.mean[place] += gap * more / together
        self.squares[place] += squares + gap**2 * before * more / together
        self.count[place] = before + more

    def interval(self) -> Interval:
        """Return means with their intervals; NaN of fewer than two values."""
        n = np.where(self.count > 1, self.count, np.nan)
        return confidence.around(
            np.where(self.count > 1, self.mean, np.nan), np.sqrt(self.squares / (n - 1) / n)
        )


class RunningCurve:
    """Means of a curve that each trajectory has in part, and the mean of the mean curve over its places.

    Trajectory i has the curve at some places k. The mean at k is over those that have it; the error of an
    average over places needs the covariance of these means. A trajectory's share in the mean at k is
    ``(x_ik - mean_k) / n_k``, so that the covariance is the sum of products of shares, over trajectories that
    have both places. Three matrices (place, place) of sums are kept.

    Parameters
    ----------
    places : int

    Examples
    --------
    >>> curves = np.random.default_rng(0).normal(size=(500, 3)).cumsum(axis=1)
    >>> running = RunningCurve(3)
    >>> running.add(curves[:200])
    >>> running.add(curves[200:])
    >>> found, exact = running.average(np.ones(3, dtype=bool)), confidence.mean(curves.mean(axis=1))
    >>> np.allclose([found.value, found.low], [exact.value, exact.low])
    True
    """

    def __init__(self, places: int) -> None:
        self._shift: Floats | None = None
        self._both, self._sums, self._products = np.zeros((3, places, places))

    @property
    def count(self) -> Floats:
        """Trajectories that have each place, shape (place,)."""
        return np.diagonal(self._both)

    def add(self, values: Floats) -> None:
        """Add a block, shape (trajectory, place), NaN where a trajectory has no value."""
        known = np.isfinite(values)
        if self._shift is None and known.any():  # any number near the mean saves digits
            self._shift = np.full(values.shape[1], values[known].mean())
        has = known.astype(np.float64)
        x = np.where(known, values - (0.0 if self._shift is None else self._shift), 0.0)
        self._both += has.T @ has
        self._sums += x.T @ has
        self._products += x.T @ x

    def each(self) -> Interval:
        """Return the mean at each place, NaN of fewer than two values."""
        mean, covariance = self._moments()
        return confidence.around(mean, np.sqrt(np.diagonal(covariance)))

    def average(self, chosen: Bools) -> Interval:
        """Return the mean of `each` over some places; NaN over none."""
        if not chosen.any():
            return confidence.around(math.nan, math.nan)
        mean, covariance = self._moments()
        variance = max(0.0, float(covariance[np.ix_(chosen, chosen)].mean()))
        return confidence.around(float(mean[chosen].mean()), math.sqrt(variance))

    def _moments(self) -> tuple[Floats, Floats]:
        """Means, and the covariance of the means."""
        n = np.where(self.count > 1, self.count, np.nan)
        mean = np.diagonal(self._sums) / n
        cross = mean[:, None] * self._sums.T
        central = self._products - cross - cross.T + np.outer(mean, mean) * self._both
        covariance = central / np.sqrt(np.outer(n * (n - 1), n * (n - 1)))
        np.fill_diagonal(covariance, np.maximum(np.diagonal(covariance), 0.0))
        return mean + (0.0 if self._shift is None else self._shift), covariance
