"""Times of escape over all combinations of settings: what each does, averaged over the others.

Where a sweep has every combination of the values of its settings, the effect of one setting is a mean over
all values of the others, of the logarithm of the time: each trajectory then says something about every
setting (Fisher 1935, chapter 6). The extremes over the others say how far the effect depends on them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.escape.effects import DATA_SET, REPLICATES, TRAJECTORY, common_share, student
from fastsde.analysis.escape.families import COVARIATES, Group, level
from fastsde.analysis.escape.passages import Passages, joined
from fastsde.analysis.escape.survival import Counts, count, escape_time, interval, resample, restricted_mean
from fastsde.analysis.protocols import Floats

__all__ = ["Crossed", "crossed"]

FIRST = ("anisotropy", "alpha", "time.learning_rate")
"""The order of settings, before all others."""
MOST = 3
"""Settings that can be looked at together."""


@dataclass(frozen=True)
class Crossed:
    """Times of escape over all combinations of some settings.

    Attributes
    ----------
    model : str
        What the names of the models have in common.
    factors : tuple of str
        The settings: keys of `fastsde.analysis.escape.families.COVARIATES`, or of a sweep.
    levels : dict of str to ndarray
        Values of each, increasing.
    share : float
        The times are those by which this share of all has escaped; NaN if some combination has not even a
        tenth escape: then they are mean stays up to `horizon`.
    horizon : float
    time, low, high : ndarray, shape (level of the first factor, ...)
        With 95 % intervals; of several data sets the geometric mean.
    ratio, ratio_low, ratio_high : ndarray, shape (factor,)
        Time at the highest value over that at the lowest: the geometric mean over the values of the others.
    least, most : ndarray, shape (factor,)
        The smallest and the largest of these ratios at single values of the others.
    unit : str
        "data set": intervals are Student's over data sets; "trajectory": by a bootstrap.
    units : int
        How many of them there are; of trajectories for the combination with the fewest.
    place : int
        Number of the place that is left or reached.
    """

    model: str
    factors: tuple[str, ...]
    levels: dict[str, Floats]
    share: float
    horizon: float
    time: Floats
    low: Floats
    high: Floats
    ratio: Floats
    ratio_low: Floats
    ratio_high: Floats
    least: Floats
    most: Floats
    unit: str
    units: int
    place: int


def crossed(groups: Sequence[Group], settings: Sequence[str], seed: int = 0, place: int = 0) -> list[Crossed]:
    """Return the times of all sets of groups that have every combination of two settings or more.

    Parameters
    ----------
    groups : sequence of Group
    settings : sequence of str
        What may be a factor; other settings must agree within a set.
    seed : int
        Of the bootstrap over trajectories, where there is one data set.
    place : int
        Number of the place that the groups leave or reach.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> yes, no = np.ones(80, bool), np.zeros(80, bool)
    >>> stays = lambda time: Passages(time * rng.lognormal(0, 0.1, 80), yes, no)
    >>> groups = [Group("m", {"anisotropy": a, "alpha": b}, 0, stays(b * 3**a))
    ...           for a in (0.0, 1.0) for b in (1.0, 2.0)]
    >>> (found,) = crossed(groups, ["alpha", "anisotropy"])
    >>> found.factors, found.ratio.round().tolist()
    (('anisotropy', 'alpha'), [3.0, 2.0])
    """
    alike: dict[frozenset[tuple[str, str]], list[Group]] = {}
    for group in groups:
        alike.setdefault(_rest(group, settings), []).append(group)
    found = (_of_set(many, settings, seed, place) for many in alike.values())
    return [one for one in found if one is not None]


def _rest(group: Group, settings: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Return everything that groups of a set agree in: other settings, and which of these are numbers."""
    numbers = {key for key in settings if not math.isnan(level(group, key))}
    hidden = {*numbers, "data.seed"}
    rest = {(key, repr(value)) for key, value in group.settings.items() if key not in hidden}
    return frozenset(rest | {(key, "") for key in numbers})


def _name(groups: Sequence[Group]) -> str:
    """Return what the names of groups have in common, without the words of what is swept."""
    words = zip(*(group.name.split("-") for group in groups), strict=False)
    return "-".join(one[0] for one in itertools.takewhile(lambda one: len(set(one)) == 1, words))


def _of_set(groups: Sequence[Group], settings: Sequence[str], seed: int, place: int) -> Crossed | None:
    """Measure a set, if it has all combinations, on the same data sets."""
    values = {key: np.unique([level(group, key) for group in groups]) for key in settings}
    levels = {key: values[key] for key in sorted(settings, key=_order) if len(values[key]) > 1}
    if not 2 <= len(levels) <= MOST:
        return None
    cells = list(itertools.product(*levels.values()))
    stays: dict[tuple[int, tuple[float, ...]], list[Passages]] = {}
    for group in groups:
        stays.setdefault((group.dataset, tuple(level(group, key) for key in levels)), []).append(group.stays)
    data = sorted({group.dataset for group in groups})
    if any((one, cell) not in stays for one in data for cell in cells):
        return None
    table = [[joined(stays[one, cell]) for one in data] for cell in cells]
    if not all(one.count for cell in table for one in cell):
        return None
    return _measured(_name(groups), table, levels, seed, place)


def _order(key: str) -> tuple[int, int]:
    known = list(COVARIATES)
    first = FIRST.index(key) if key in FIRST else len(FIRST)
    return first, known.index(key) if key in known else len(known)


def _measured(
    name: str, table: list[list[Passages]], levels: Mapping[str, Floats], seed: int, place: int
) -> Crossed | None:
    """Measure the times of all combinations (outer) on all data sets (inner), and the ratios."""
    share = common_share(table)
    horizon = min(float(one.time.max()) for cell in table for one in cell)

    def time_of(counts: Counts) -> Floats:
        return restricted_mean(counts, horizon) if share is None else escape_time(counts, share)

    shape = tuple(len(one) for one in levels.values())
    logs = np.log([[float(time_of(count(one))) for one in cell] for cell in table])
    if not np.isfinite(logs).all():
        return None
    several = logs.shape[1] > 1
    drawn = logs.T if several else _drawn(table, time_of, seed)
    spread = _over_data_sets if several else _over_replicates
    log_times = logs.mean(axis=1)
    ratios = [_ratios(log_times.reshape(shape), axis) for axis in range(len(shape))]
    ends = [spread(one) for one in drawn.T]
    many = drawn.reshape(-1, *shape)
    means = [spread(_ratios(many, axis, 1).reshape(len(many), -1).mean(axis=1)) for axis in range(len(shape))]
    with np.errstate(over="ignore"):
        return Crossed(
            model=name,
            factors=tuple(levels),
            levels=dict(levels),
            share=math.nan if share is None else share,
            horizon=horizon,
            time=np.exp(log_times).reshape(shape),
            low=np.exp([low for low, _ in ends]).reshape(shape),
            high=np.exp([high for _, high in ends]).reshape(shape),
            ratio=np.exp([one.mean() for one in ratios]),
            ratio_low=np.exp([low for low, _ in means]),
            ratio_high=np.exp([high for _, high in means]),
            least=np.exp([one.min() for one in ratios]),
            most=np.exp([one.max() for one in ratios]),
            unit=DATA_SET if several else TRAJECTORY,
            units=logs.shape[1] if several else min(cell[0].count for cell in table),
            place=place,
        )


def _drawn(table: list[list[Passages]], time_of: Callable[[Counts], Floats], seed: int) -> Floats:
    """Return bootstrap replicates of the logarithms of the times, (replicate, combination)."""
    drawn = np.empty((REPLICATES, len(table)))
    for number, (stays,) in enumerate(table):
        random = np.random.Generator(np.random.Philox(key=[seed, number + 1]))
        with np.errstate(divide="ignore"):
            drawn[:, number] = np.log(time_of(resample(count(stays), REPLICATES, random)))
    return drawn


def _over_replicates(values: Floats) -> tuple[float, float]:
    return interval(values)


def _over_data_sets(values: Floats) -> tuple[float, float]:
    return student(values)[1:3]


def _ratios(logs: Floats, axis: int, skip: int = 0) -> Floats:
    """Return the logarithm of the ratio of times along an axis, highest over lowest value, of all others."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.take(logs, -1, axis + skip) - np.take(logs, 0, axis + skip))
