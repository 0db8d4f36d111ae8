"""The effect of one property of a model on a time: heavier tails, anisotropic noise, a larger learning rate.

Groups of stays that differ in one setting and agree in all others form a family. What happens from one end of
the family to the other is said as a ratio of times, as a slope, and as a ratio of hazards. Where data sets
vary they are what is resampled, since all trajectories of one share its accidents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastsde.analysis.escape.hazard import hazard_ratio
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.survival import Counts, count, interval, moments_of, pooled, quantile, resample
from fastsde.analysis.protocols import Floats

__all__ = ["COVARIATES", "Effect", "Group", "effect", "families", "level"]

REPLICATES = 400
SHARES = (0.5, 0.25, 0.1)
"""The median where every group reaches it, else the first lower quantile that all reach."""

COVARIATES: dict[str, str] = {
    "alpha": "tail index of the noise",
    "noise": "anisotropy of the noise (0 isotropic, 1 as SGD's gradient)",
    "tempering": "tempering rate",
    "temperature": "temperature",
    "batch": "batch size",
    "substeps": "integrator steps in one learning rate",
    "time.learning_rate": "learning rate",
}
"""What may vary within a family, and in words; any other number that a sweep varies as well."""

LOGARITHMIC = {"tempering", "temperature", "batch", "substeps", "time.learning_rate"}
"""These act by factors: the slope is a power."""

NOISES = {"isotropic": 0.0, "gradient": 1.0}


@dataclass(frozen=True)
class Group:
    """Stays of one model on one data set.

    Attributes
    ----------
    name : str
        The model, with its case in a sweep.
    settings : dict of str to object
        What the model is: the fields of its table, and what a sweep varies, by dotted key.
    dataset : int
        Seed of the data.
    stays : Passages
    """

    name: str
    settings: Mapping[str, Any]
    dataset: int
    stays: Passages


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
        The times are those by which this share has escaped: a half if every level comes so far.
    time, low, high : ndarray, shape (level,)
        With 95 % intervals.
    slope, slope_low, slope_high : float
        Of the logarithm of the time by the setting, or by its logarithm where it acts by factors.
    ratio, ratio_low, ratio_high : float
        Time at the highest level over that at the lowest.
    hazard_ratio, hazard_low, hazard_high, p : float
        Hazard of escape at the lowest level over that at the highest (Cox), and the p-value of their
        equality; both suppose trajectories to be the unit.
    unit : str
        What was resampled: "trajectory" or "data set".
    units : int
        How many of them the smallest level has.
    """

    covariate: str
    names: tuple[str, ...]
    value: Floats
    share: float
    time: Floats
    low: Floats
    high: Floats
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


@dataclass
class _Level:
    """All groups at one level."""

    value: float
    groups: list[Group] = field(default_factory=list)


def level(group: Group, covariate: str) -> float:
    """Return the value of a covariate in a group; NaN if it has none that is a number.

    Examples
    --------
    >>> nothing = Passages(np.empty(0), np.empty(0, bool), np.empty(0, bool))
    >>> level(Group("sde", {"noise": "gradient", "alpha": 1.5}, 0, nothing), "noise")
    1.0
    """
    value = group.settings.get(covariate)
    if covariate == "noise":
        value = NOISES.get(str(value))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and value is not None else math.nan


def families(groups: Sequence[Group], covariate: str) -> list[list[Group]]:
    """Return the families of a covariate: groups that agree in all else, at two levels of it or more.

    A Gaussian model has no tempering and so belongs to the family of any; of isotropic noise only that whose
    temperature is matched is compared with gradient noise.
    """
    found: dict[frozenset[tuple[str, str]], list[Group]] = {}
    gaussian: list[Group] = []
    for group in groups:
        if math.isnan(level(group, covariate)):
            continue
        if covariate == "alpha" and group.settings["alpha"] == 2:
            gaussian.append(group)
        found.setdefault(_rest(group, covariate), []).append(group)
    if covariate == "alpha":
        for key, family in found.items():
            family += [g for g in gaussian if g not in family and _plain(g, key)]
    several = [f for f in found.values() if len({level(g, covariate) for g in f}) > 1]
    return [f for f in several if not any(f is not other and _within(f, other) for other in several)]


def _rest(group: Group, covariate: str) -> frozenset[tuple[str, str]]:
    """Everything else that a group is."""
    hidden = {covariate, "data.seed"}
    if covariate == "noise":
        hidden |= {"match_at"} | (
            {"temperature"} if group.settings.get("temperature") == "matched" else set()
        )
    return frozenset((key, repr(value)) for key, value in group.settings.items() if key not in hidden)


def _plain(group: Group, key: frozenset[tuple[str, str]]) -> bool:
    """Whether a Gaussian group differs from a family only in the family's tempering."""
    rest = {item for item in key if item[0] != "tempering"}
    return _rest(group, "alpha") == rest


def _within(family: list[Group], other: list[Group]) -> bool:
    return len(family) < len(other) and all(any(one is two for two in other) for one in family)


def effect(family: Sequence[Group], covariate: str, seed: int = 0) -> Effect | None:
    """Measure the effect of a covariate on the escape times of a family.

    Parameters
    ----------
    family : sequence of Group
        From `families`.
    covariate : str
    seed : int
        Of the bootstrap (400 percentile replicates).

    Returns
    -------
    Effect or None
        None if some level has not even a tenth of its trajectories escape, or so many at once that the time
        is not told from zero.

    Notes
    -----
    With data sets in common, each level pools the trajectories of all of them and the bootstrap draws data
    sets, the same ones at every level.
    """
    levels = _levels(family, covariate)
    time = moments_of(*(group.stays for group in family))
    datasets = sorted({group.dataset for group in family})
    shared = len(datasets) > 1 and all({g.dataset for g in one.groups} == set(datasets) for one in levels)
    counts = [[count(group.stays, time) for group in one.groups] for one in levels]
    together = [_sum(many) for many in counts]
    share = next((s for s in SHARES if all(np.isfinite(quantile(one, s)) for one in together)), None)
    if share is None or any(float(quantile(one, share)) <= 0 for one in together):
        return None
    replicates = [
        quantile(_replicates(many, shared, seed, number), share) for number, many in enumerate(counts)
    ]
    value = np.array([one.value for one in levels])
    place = np.log(value) if covariate in LOGARITHMIC else value
    times = np.array([float(quantile(one, share)) for one in together])
    drawn = np.array(replicates)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = interval(drawn[-1] / drawn[0])
        slope = interval(_slope(place, np.log(drawn)))
    cox = hazard_ratio(_joined(levels[0]), _joined(levels[-1]))
    ends = np.array([interval(one) for one in drawn])
    if (ends[:, 0] <= 0).any():
        return None
    sizes = [sum(group.stays.count for group in one.groups) for one in levels]
    return Effect(
        covariate=covariate,
        names=tuple(", ".join(dict.fromkeys(group.name for group in one.groups)) for one in levels),
        value=value,
        share=share,
        time=times,
        low=ends[:, 0],
        high=ends[:, 1],
        slope=float(_slope(place, np.log(times))),
        slope_low=slope[0],
        slope_high=slope[1],
        ratio=float(times[-1] / times[0]),
        ratio_low=ratio[0],
        ratio_high=ratio[1],
        hazard_ratio=cox.ratio,
        hazard_low=cox.low,
        hazard_high=cox.high,
        p=cox.p,
        unit="data set" if shared else "trajectory",
        units=len(datasets) if shared else min(sizes),
    )


def _levels(family: Sequence[Group], covariate: str) -> list[_Level]:
    found: dict[float, _Level] = {}
    for group in family:
        value = level(group, covariate)
        found.setdefault(value, _Level(value)).groups.append(group)
    for one in found.values():
        one.groups.sort(key=lambda group: group.dataset)
    return [found[value] for value in sorted(found)]


def _replicates(many: list[Counts], shared: bool, seed: int, number: int) -> Counts:
    """Draw data sets, with the same choice at every level, or trajectories."""
    if shared:
        return pooled(many, REPLICATES, np.random.Generator(np.random.Philox(seed)))
    return resample(_sum(many), REPLICATES, np.random.Generator(np.random.Philox(key=[seed, number + 1])))


def _sum(many: list[Counts]) -> Counts:
    columns = [sum(getattr(one, name) for one in many) for name in ("escaped", "exploded", "censored")]
    return Counts(many[0].time, *(np.asarray(column) for column in columns))


def _joined(one: _Level) -> Passages:
    return Passages(
        *(np.concatenate([getattr(g.stays, n) for g in one.groups]) for n in ("time", "escaped", "exploded"))
    )


def _slope(x: Floats, y: Floats) -> Floats:
    """Least-squares slope along the first axis."""
    centred = x - x.mean()
    return np.asarray(np.tensordot(centred, y, axes=1) / np.sum(centred**2))
