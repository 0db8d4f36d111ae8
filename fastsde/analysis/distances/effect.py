r"""How far any two models are apart, in natural units and averaged over the course of learning.

The effect at a snapshot is the mean over coordinates (modes as shares of their strength, log10 loss in
decades) of the Wasserstein-1 distance between the marginals over the central 90 % of their quantiles,

    1/0.9 int_{0.05}^{0.95} |Q_1(u) - Q_2(u)| du,

which exists for every law, heavy tails included. Only trajectories that survive have one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from fastsde.analysis.confidence import Interval
from fastsde.analysis.distances.jackknife import closer, jackknife_reach
from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats

LEAST_COVERED = 0.5
"""A mean over less of the course than this is none: it would be one of the start only."""


@dataclass(frozen=True)
class Effect:
    """The effect between two models, averaged over the course of learning.

    Attributes
    ----------
    mean, low, high : float
        Mean over coordinates, and its 95 % interval by the jackknife: of the sampling error, not of the bias,
        which is `sampling` where models are equal and vanishes where the effect is large beside it.
    modes, loss : float
        Its parts: mean over the modes, in shares of their strength, and the loss, in decades; NaN of what was
        not recorded.
    shift : float
        Median log10 loss of the second model less that of the first.
    sampling : float
        Mean effect between two samples of the first model of this size.
    covered : float
        Share of the course at which both models have enough survivors.
    left_out : ndarray, shape (group,)
        The mean without each group of states.
    """

    mean: float
    low: float
    high: float
    modes: float
    loss: float
    shift: float
    sampling: float
    covered: float
    left_out: Floats


@dataclass(frozen=True)
class Effects:
    """Effects between all pairs of models; arrays are symmetric in the models but for `shift`.

    Attributes
    ----------
    names : tuple of str
        The models.
    weight : ndarray, shape (snapshot,)
        Share of the course that each snapshot represents.
    value, modes, loss : ndarray, shape (snapshot, model, model)
        The effect and its parts, as in `Effect`. On the diagonal what sampling alone gives: the effect
        between two samples of one model. NaN where fewer than ten trajectories of either sample survive.
    error : ndarray, shape (snapshot, model, model)
        Standard error of `value`, by the jackknife.
    shift : ndarray, shape (snapshot, model, model)
        Median log10 loss of the model of the column less that of the model of the row.
    left_out : ndarray, shape (group, model, model)
        The mean over the course without each group of states, a twentieth of them.
    count : int
        Trajectories per sample.
    coincide : ndarray of int, shape (model, model)
        1 where all trajectories of two models are the same at all snapshots, to rounding, as those of paired
        models without noise are; 0 elsewhere. Empty if that is not known.
    """

    names: tuple[str, ...]
    weight: Floats
    value: Floats
    modes: Floats
    loss: Floats
    error: Floats
    shift: Floats
    left_out: Floats
    count: int
    coincide: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))

    def coincides(self, first: str, second: str) -> bool:
        """Whether two models have the same trajectories, to rounding; False if that is not known."""
        i, j = self.names.index(first), self.names.index(second)
        return bool(self.coincide.size and self.coincide[i, j])

    @property
    def has_modes(self) -> bool:
        """Whether modes are among the coordinates."""
        return bool(np.isfinite(self.modes).any())

    @property
    def has_loss(self) -> bool:
        """Whether the loss is among the coordinates."""
        return bool(np.isfinite(self.loss).any())

    def between(self, first: str, second: str) -> Effect:
        """Return the effect between two models over the course; NaN if less than half of it is covered."""
        i, j = self.names.index(first), self.names.index(second)
        known = np.isfinite(self.value[:, i, j])
        covered = float(self.weight[known].sum())
        enough = covered >= LEAST_COVERED
        mean, modes, loss, shift, sampling = (
            _mean(self.weight, values) if enough else math.nan
            for values in (
                self.value[:, i, j],
                self.modes[:, i, j],
                self.loss[:, i, j],
                self.shift[:, i, j],
                self.value[:, i, i],
            )
        )
        left_out = self.left_out[:, i, j] if enough else np.full(len(self.left_out), np.nan)
        reach = jackknife_reach(left_out)
        low = max(mean - reach, 0.0) if math.isfinite(reach) else math.nan
        return Effect(mean, low, mean + reach, modes, loss, shift, sampling, covered, left_out)

    def ranking(self, reference: str) -> list[str]:
        """Names of the other models, the nearest to the reference first; without a mean effect last.

        Everything that orders models by their distance from the reference does so by this. Without a
        reference, the order of the study.
        """
        others = [name for name in self.names if name != reference]
        if not reference:
            return others
        return nearest_first({name: self.between(reference, name).mean for name in others})

    def course(self, first: str, second: str) -> Interval:
        """Effect between two models at each snapshot, with its 95 % interval."""
        i, j = self.names.index(first), self.names.index(second)
        value, error = self.value[:, i, j], self.error[:, i, j]
        groups = int(np.isfinite(self.left_out[:, i, j]).sum())
        reach = error * float(student_t.ppf((1 + CONFIDENCE) / 2, max(groups - 1, 1)))
        return Interval(value, np.maximum(value - reach, 0.0), value + reach)

    def nearer(self, reference: str, first: str, second: str) -> bool | None:
        """Whether the first model is significantly nearer than the second; None if unknown."""
        one, other = (self.between(reference, name) for name in (first, second))
        return closer(one, other)


def nearest_first(effects: Mapping[str, float]) -> list[str]:
    """Order models by their effects, the smallest first; those without one last.

    Examples
    --------
    >>> nearest_first({"a": 2.0, "b": math.nan, "c": 1.0})
    ['c', 'a', 'b']
    """
    return sorted(effects, key=lambda name: effects[name] if math.isfinite(effects[name]) else math.inf)


def _mean(weight: Floats, values: Floats) -> float:
    known = np.isfinite(values)
    total = weight[known].sum()
    return float(weight[known] @ values[known] / total) if total > 0 else math.nan
