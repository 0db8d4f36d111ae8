"""Correlations between neighbouring snapshots, in groups of trajectories that are resampled as one."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.protocols import Floats

GROUPS = 200
"""Most groups into which trajectories are dealt: memory stays bounded, and groups are independent."""


class LaggedMoments:
    """Sums of ``x x^T`` and ``x(t + lag) x(t)^T`` over trajectories and snapshots, group by group.

    Every bootstrap, surrogate and standard error is then over groups, which share no trajectory. In a time
    reversal ``C_1`` becomes its transpose, while ``C_0``, the mean over both ends, stays.

    Parameters
    ----------
    trajectories, dimension : int

    Attributes
    ----------
    lagged, covariance : ndarray, shape (group, d, d)
        Sums of ``x(t + lag) x(t)^T``, and of ``x x^T`` at both ends, halved.
    count : ndarray, shape (group,)
        Terms of the sums.
    """

    def __init__(self, trajectories: int, dimension: int) -> None:
        self.groups = min(GROUPS, trajectories)
        self.lagged = np.zeros((self.groups, dimension, dimension))
        self.covariance = np.zeros((self.groups, dimension, dimension))
        self.count = np.zeros(self.groups)

    def add(self, before: Floats, after: Floats) -> None:
        """Add a pair of snapshots, (trajectory, d) each, finite; their means over trajectories are taken off.

        A mean of n values takes the share 1/n of the second moments along, which is put back.
        """
        n = len(before)
        x, y = self._grouped(before - before.mean(axis=0)), self._grouped(after - after.mean(axis=0))
        scale = n / (n - 1)
        xt, yt = x.transpose(0, 2, 1), y.transpose(0, 2, 1)
        self.lagged += scale * (yt @ x)
        self.covariance += scale * (xt @ x + yt @ y) / 2
        self.count += np.bincount(np.arange(n) % self.groups, minlength=self.groups)

    def _grouped(self, values: Floats) -> Floats:
        """Deal rows into groups, (group, row, d), the last ones filled up with zeros."""
        rows = -(-len(values) // self.groups)
        padded = np.zeros((rows * self.groups, values.shape[1]))
        padded[: len(values)] = values
        return padded.reshape(rows, self.groups, -1).transpose(1, 0, 2)

    def moments(self, weights: Floats | None = None, flips: Floats | None = None) -> tuple[Floats, Floats]:
        """Return ``C_0`` and ``C_1``, groups weighted, time turned round in those where `flips` is -1."""
        w = np.ones(self.groups) if weights is None else weights
        total = float(w @ self.count)
        lagged = self.lagged
        if flips is not None:
            lagged = np.where(flips[:, None, None] < 0, lagged.transpose(0, 2, 1), lagged)
        return np.tensordot(w, self.covariance, 1) / total, np.tensordot(w, lagged, 1) / total

    def projected(self, basis: Floats) -> LaggedMoments:
        """Return the moments of the coordinates ``basis x``, `basis` of shape (k, d)."""
        found = LaggedMoments(self.groups, len(basis))
        found.lagged = basis @ self.lagged @ basis.T
        found.covariance = basis @ self.covariance @ basis.T
        found.count = self.count
        return found

    def part(self, chosen: slice) -> LaggedMoments:
        """Return the moments of some of the groups."""
        chosen_moments = LaggedMoments(len(self.count[chosen]), self.lagged.shape[1])
        chosen_moments.lagged, chosen_moments.covariance = self.lagged[chosen], self.covariance[chosen]
        chosen_moments.count = self.count[chosen]
        return chosen_moments
