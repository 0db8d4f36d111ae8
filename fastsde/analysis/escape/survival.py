"""Counted stays: survival, cumulative incidence, quantiles and restricted means, and their bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats

MOMENTS = 2000
"""Most distinct times that are distinguished; more are rounded up to this many quantiles of them."""


@dataclass(frozen=True)
class Counts:
    """How many stays end at each of several times, and how; leading axes are bootstrap replicates.

    Attributes
    ----------
    time : ndarray, shape (moment,)
        Increasing.
    escaped, diverged, censored : ndarray, shape (..., moment)
    """

    time: Floats
    escaped: Floats
    diverged: Floats
    censored: Floats

    @property
    def at_risk(self) -> Floats:
        """Stays not ended before each time, shape (..., moment)."""
        ends = self.escaped + self.diverged + self.censored
        return np.asarray(np.cumsum(ends[..., ::-1], axis=-1)[..., ::-1])


def moments_of(*groups: Passages) -> Floats:
    """Return times at which to count groups of stays: the distinct ones, or `MOMENTS` quantiles of them."""
    times = np.unique(np.concatenate([group.time for group in groups]))
    if len(times) <= MOMENTS:
        return times
    return np.unique(np.quantile(times, np.linspace(0, 1, MOMENTS), method="higher"))


def count(stays: Passages, time: Floats | None = None) -> Counts:
    """Count how stays end at each of the given times (their own by default), rounded up to the next.

    Examples
    --------
    >>> two = Passages(np.array([1.0, 2.0]), np.array([True, False]), np.array([False, False]))
    >>> count(two).censored.tolist()
    [0.0, 1.0]
    """
    time = moments_of(stays) if time is None else time
    place = np.minimum(np.searchsorted(time, stays.time), len(time) - 1)
    kinds = (stays.escaped, stays.diverged, ~(stays.escaped | stays.diverged))
    columns = [np.bincount(place[kind], minlength=len(time)).astype(np.float64) for kind in kinds]
    return Counts(time, *columns)


def survival(counts: Counts) -> Floats:
    """Kaplan-Meier estimate after each time, ``prod (1 - d / n)``; divergences leave the risk set.

    Examples
    --------
    >>> survival(Counts(np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.zeros(2), np.array([0.0, 2.0])))
    array([0.75, 0.5 ])
    """
    risk = counts.at_risk
    share = np.divide(counts.escaped, risk, out=np.zeros_like(risk), where=risk > 0)
    return np.asarray(np.cumprod(1.0 - share, axis=-1))


def incidence(counts: Counts) -> tuple[Floats, Floats]:
    """Share of trajectories that have escaped, and that have diverged, by each time (Aalen, Johansen 1978).

    ``F_k(t) = sum_{t_i <= t} S(t_i -) d_ki / n_i`` with S the survival of both ends together: unlike one
    minus the Kaplan-Meier curve it does not ask what would have been without divergences.

    Returns
    -------
    escaped, diverged : ndarray, shape (..., moment)
    """
    risk = counts.at_risk
    safe = np.where(risk > 0, risk, 1.0)
    left = np.cumprod(1.0 - (counts.escaped + counts.diverged) / safe, axis=-1)
    before = np.concatenate([np.ones_like(left[..., :1]), left[..., :-1]], axis=-1)
    escaped = np.cumsum(before * counts.escaped / safe, axis=-1)
    return np.asarray(escaped), np.asarray(np.cumsum(before * counts.diverged / safe, axis=-1))


def quantile(counts: Counts, share: float) -> Floats:
    """First time at which the survival is at most ``1 - share``; infinite if never; shape (...)."""
    below = survival(counts) <= 1 - share + 1e-9
    first = counts.time[np.argmax(below, axis=-1)]
    return np.asarray(np.where(below.any(axis=-1), first, np.inf))


def escape_time(counts: Counts, share: float) -> Floats:
    """First time by which this share of all has escaped, diverged ones included; infinite if never.

    The quantile of the cumulative incidence (`incidence`), shape (...). Without divergences it is that of the
    Kaplan-Meier curve.

    Examples
    --------
    >>> none = np.zeros(4)
    >>> ends = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 0.0])
    >>> counts = Counts(np.arange(1.0, 5.0), *ends, none)
    >>> float(escape_time(counts, 0.5)), float(escape_time(counts, 0.9))
    (3.0, inf)
    """
    reached = incidence(counts)[0] >= share - 1e-9
    first = counts.time[np.argmax(reached, axis=-1)]
    return np.asarray(np.where(reached.any(axis=-1), first, np.inf))


def restricted_mean(counts: Counts, horizon: float) -> Floats:
    """Mean stay up to a horizon, the area under the survival curve until then; shape (...).

    Examples
    --------
    >>> one = Counts(np.array([1.0, 3.0]), np.array([1.0, 1.0]), np.zeros(2), np.zeros(2))
    >>> float(restricted_mean(one, 2.0))
    1.5
    """
    curve = survival(counts)
    before = np.concatenate([np.ones_like(curve[..., :1]), curve[..., :-1]], axis=-1)
    edges = np.minimum(np.concatenate([[0.0], counts.time]), horizon)
    area = np.sum(before * np.diff(edges), axis=-1)
    return np.asarray(area + curve[..., -1] * max(0.0, horizon - float(edges[-1])))


def resample(counts: Counts, replicates: int, random: np.random.Generator) -> Counts:
    """Bootstrap replicates over trajectories: multinomial counts, of a cost that is free of their number."""
    table = np.stack([counts.escaped, counts.diverged, counts.censored])
    total = table.sum()
    drawn = random.multinomial(int(total), table.ravel() / total, size=replicates)
    return Counts(counts.time, *np.moveaxis(drawn.reshape(replicates, *table.shape).astype(float), 1, 0))


def interval(values: Floats, level: float = CONFIDENCE) -> tuple[float, float]:
    """Percentile interval of bootstrap replicates, those that are NaN left out; an end may be infinite.

    Examples
    --------
    >>> interval(np.array([1.0, 2.0, np.nan, np.inf]))
    (1.0, inf)
    """
    tail = (1 - level) / 2
    known = values[~np.isnan(values)]
    if not known.size:
        return math.nan, math.nan
    low, high = np.quantile(known, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)
