"""The effect of one property of a model on a time: heavier tails, anisotropic noise, a larger learning rate.

What happens from one end of a family (`fastsde.analysis.escape.families`) to the other is said as a ratio of
times, as a slope, and as a ratio of hazards. Divergence is a competing event: a time is that by which a given
share of all that arrived has escaped, diverged ones included. Where data sets vary they are the unit, since
all trajectories of one share its accidents.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_law

from fastsde.analysis.escape.families import COVARIATES, LOGARITHMIC, Group, families, level
from fastsde.analysis.escape.hazard import HazardRatio, hazard_ratio
from fastsde.analysis.escape.passages import Passages, joined
from fastsde.analysis.escape.survival import count, escape_time, interval, moments_of, resample
from fastsde.analysis.protocols import Floats

__all__ = [
    "COVARIATES",
    "DATA_SET",
    "ONE_DATA_SET",
    "REPLICATES",
    "TRAJECTORY",
    "Effect",
    "Group",
    "common_share",
    "effect",
    "families",
    "level",
    "student",
]

REPLICATES = 400
SHARES = (0.5, 0.25, 0.1)
"""The median where every group reaches it, else the first lower quantile that all reach."""

TRAJECTORY, DATA_SET = "trajectory", "data set"
ONE_DATA_SET = "trajectory of one data set"
"""The unit where data sets vary but levels have a single one in common, which alone is looked at."""


@dataclass(frozen=True)
class Effect:
    """How a time depends on one setting, all others equal.

    Attributes
    ----------
    covariate : str
        The setting; a key of `COVARIATES`, or of a sweep.
    names : tuple of str
        The groups at each level, joined by commas where there are several data sets.
    value : ndarray, shape (level,)
        Levels of the setting, increasing.
    share : float
        The times are those by which this share of all has escaped: a half if every level comes so far, on
        every data set.
    time, low, high : ndarray, shape (level,)
        With 95 % intervals; of several data sets the geometric mean.
    arrived, escaped, diverged : ndarray, shape (level,)
        Trajectories, all data sets together, and how their stays ended.
    slope, slope_low, slope_high : float
        Of the logarithm of the time by the setting, or by its logarithm where it acts by factors.
    ratio, ratio_low, ratio_high : float
        Time at the highest level over that at the lowest.
    hazard_ratio, hazard_low, hazard_high, p : float
        Hazard of escape of those still there at the lowest level over that at the highest (Cox), and the
        p-value of their equality. It is specific to the escape: divergences end a stay and no more.
    unit : str
        "data set": intervals and p are Student's over data sets. "trajectory", or "trajectory of one data
        set" where data sets vary and the levels share one only: intervals by a bootstrap, Wald's of the
        hazards.
    units : int
        How many of them there are; of trajectories at the smallest level.
    held : tuple of str
        What else a sweep varies and this family has in common, as "time.learning_rate = 0.005".
    place : int
        Number of the place that is left or reached: see `places` of `fastsde.analysis.escape.section.Escape`.
    """

    covariate: str
    names: tuple[str, ...]
    value: Floats
    share: float
    time: Floats
    low: Floats
    high: Floats
    arrived: Floats
    escaped: Floats
    diverged: Floats
    slope: float
    slope_low: float
    slope_high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    hazard_ratio: float
    hazard_low: float
    hazard_high: float
    p: float
    unit: str
    units: int
    held: tuple[str, ...] = ()
    place: int = -1


@dataclass(frozen=True)
class _Estimate:
    """Times of the levels, slope and ratios, each a triple of value, low and high."""

    times: Floats
    slope: Floats
    ratio: Floats
    hazards: HazardRatio


def effect(family: Sequence[Group], covariate: str, seed: int = 0, place: int = 0) -> Effect | None:
    """Measure the effect of a covariate on the escape times of a family.

    Parameters
    ----------
    family : sequence of Group
        From `families`.
    covariate : str
    seed : int
        Of the bootstrap over trajectories (400 percentile replicates).
    place : int
        Number of the place that the family leaves or reaches.

    Returns
    -------
    Effect or None
        None if some level has not even a tenth of its trajectories escape, on one of the data sets, or so
        many at once that the time is indistinguishable from zero; and if levels have no data set in common,
        as then nothing tells the setting from the data.

    Notes
    -----
    Only the data sets that all levels have in common are looked at. With two or more of them the logarithms
    of the time ratio and of the hazard ratio, and the slope, are those within each data set, and the
    interval is Student's over data sets: exact for any number of them if what they add is normal, and wide
    for two. With one the interval is a bootstrap over trajectories, and holds for that data set.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> yes, no = np.ones(50, bool), np.zeros(50, bool)
    >>> groups = [Group(f"a{a}", {"alpha": a}, data, Passages(a * rng.lognormal(0, 0.1, 50), yes, no))
    ...           for a in (1.0, 2.0) for data in range(4)]
    >>> found = effect(groups, "alpha")
    >>> found.unit, found.units, found.ratio_low < 2 < found.ratio_high
    ('data set', 4, True)
    """
    values = sorted({level(group, covariate) for group in family})
    sets = [{g.dataset for g in family if level(g, covariate) == value} for value in values]
    shared = sorted(set.intersection(*sets))
    if not shared:
        return None
    levels = [[g for g in family if level(g, covariate) == v and g.dataset in shared] for v in values]
    table = [[joined([g.stays for g in one if g.dataset == data]) for data in shared] for one in levels]
    share = common_share(table)
    if share is None:
        return None
    value = np.array(values)
    x = np.log(value) if covariate in LOGARITHMIC else value
    found = _over_data_sets(table, x, share) if len(shared) > 1 else _within(table, x, share, seed)
    if found is None:
        return None
    stays = [joined(one) for one in table]
    varied = len(set.union(*sets)) > 1
    return Effect(
        covariate=covariate,
        names=tuple(", ".join(dict.fromkeys(group.name for group in one)) for one in levels),
        value=value,
        share=share,
        time=found.times[:, 0],
        low=found.times[:, 1],
        high=found.times[:, 2],
        arrived=np.array([float(one.count) for one in stays]),
        escaped=np.array([float(one.escaped.sum()) for one in stays]),
        diverged=np.array([float(one.diverged.sum()) for one in stays]),
        slope=float(found.slope[0]),
        slope_low=float(found.slope[1]),
        slope_high=float(found.slope[2]),
        ratio=float(found.ratio[0]),
        ratio_low=float(found.ratio[1]),
        ratio_high=float(found.ratio[2]),
        hazard_ratio=found.hazards.ratio,
        hazard_low=found.hazards.low,
        hazard_high=found.hazards.high,
        p=found.hazards.p,
        unit=DATA_SET if len(shared) > 1 else ONE_DATA_SET if varied else TRAJECTORY,
        units=len(shared) if len(shared) > 1 else min(one.count for one in stays),
        place=place,
    )


def common_share(table: list[list[Passages]]) -> float | None:
    """Return the largest share that all reach, at a time above zero."""
    counts = [count(stays) for one in table for stays in one if stays.count]
    if len(counts) < sum(map(len, table)):
        return None
    share = next((s for s in SHARES if all(np.isfinite(escape_time(one, s)) for one in counts)), None)
    if share is None or any(float(escape_time(one, share)) <= 0 for one in counts):
        return None
    return share


def _over_data_sets(table: list[list[Passages]], x: Floats, share: float) -> _Estimate:
    """Estimate within each data set, and take means and Student's intervals over them."""
    logs = np.log([[float(escape_time(count(stays), share)) for stays in one] for one in table])
    hazards = np.log([hazard_ratio(*ends).ratio for ends in zip(table[0], table[-1], strict=True)])
    *ends, p = student(hazards)
    with np.errstate(over="ignore"):
        cox = np.exp(ends)
    return _Estimate(
        times=np.exp([student(one)[:3] for one in logs]),
        slope=np.array(student(_slope(x, logs))[:3]),
        ratio=np.exp(student(logs[-1] - logs[0])[:3]),
        hazards=HazardRatio(float(cox[0]), float(cox[1]), float(cox[2]), p),
    )


def _within(table: list[list[Passages]], x: Floats, share: float, seed: int) -> _Estimate | None:
    """Estimate on one data set, with a bootstrap over its trajectories."""
    stays = [one for (one,) in table]
    time = moments_of(*stays)
    counts = [count(one, time) for one in stays]
    times = np.array([float(escape_time(one, share)) for one in counts])
    drawn = np.empty((len(stays), REPLICATES))
    for number, one in enumerate(counts):
        random = np.random.Generator(np.random.Philox(key=[seed, number + 1]))
        drawn[number] = escape_time(resample(one, REPLICATES, random), share)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio, slope = interval(drawn[-1] / drawn[0]), interval(_slope(x, np.log(drawn)))
    ends = np.array([interval(one) for one in drawn])
    if (ends[:, 0] <= 0).any():
        return None
    return _Estimate(
        times=np.column_stack([times, ends]),
        slope=np.array([float(_slope(x, np.log(times))), *slope]),
        ratio=np.array([times[-1] / times[0], *ratio]),
        hazards=hazard_ratio(stays[0], stays[-1]),
    )


def student(values: Floats) -> tuple[float, float, float, float]:
    """Mean, ends of its 95 % interval, and p-value of a mean of zero."""
    count, centre = len(values), float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(count)
    half = float(student_law.ppf(0.975, count - 1)) * error
    p = 2 * float(student_law.sf(abs(centre) / error, count - 1)) if error > 0 else float(centre == 0)
    return centre, centre - half, centre + half, p if math.isfinite(centre) else math.nan


def _slope(x: Floats, y: Floats) -> Floats:
    """Least-squares slope along the first axis."""
    centred = x - x.mean()
    return np.asarray(np.tensordot(centred, y, axes=1) / np.sum(centred**2))
