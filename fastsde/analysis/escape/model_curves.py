"""What is known of one model's escapes: curves, divergences, hazards, and how they compare with another's."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.escape import hazard
from fastsde.analysis.escape.course import course, later_over_earlier
from fastsde.analysis.escape.curves import kaplan_meier, logrank_p
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.survival import (
    count,
    escape_time,
    incidence,
    interval,
    resample,
    restricted_mean,
)
from fastsde.analysis.protocols import Floats

__all__ = ["EscapeCurves", "Shape", "escape_curves"]

GRID = 160
BINS = 10
REPLICATES = 400


@dataclass(frozen=True)
class EscapeCurves:
    """Escape of one model from the saddles of rank 0, 1, ...; every array has the rank first.

    Attributes
    ----------
    arrived, escaped, diverged, censored : ndarray, shape (rank,)
        How many trajectories came to the rank, and how their stays ended.
    median, median_low, median_high : ndarray, shape (rank,)
        Kaplan-Meier median of the stay, had nothing diverged, with the 95 % interval of Brookmeyer and
        Crowley; infinite if never.
    restricted_mean, restricted_mean_low, restricted_mean_high : ndarray, shape (rank,)
        Mean stay restricted to `Escape.horizon`, where longer ones are cut, with a bootstrap interval over
        trajectories.
    survival, low, high : ndarray, shape (rank, grid)
        Kaplan-Meier curve and band on `Escape.grid`.
    incidence, divergence : ndarray, shape (rank, grid)
        Share that has escaped, and that has diverged, with the two as competing ends.
    hazard, hazard_low, hazard_high : ndarray, shape (rank, bin)
        Escapes per unit of time of those still there, between `Escape.edge`.
    course : tuple of str
        How the hazard continues after the arrival, one of `fastsde.analysis.escape.course.COURSES`.
    later, later_low, later_high : ndarray, shape (rank,)
        Hazard after the median escape over that before it, with a 95 % interval.
    logrank_p : ndarray, shape (rank,)
        Log-rank test against the reference; NaN for the reference.
    hazard_ratio, hazard_ratio_low, hazard_ratio_high : ndarray, shape (rank,)
        Hazard of escape of those still there over that of the reference (Cox); divergences only end a stay.
    median_ratio, median_ratio_low, median_ratio_high : ndarray, shape (rank,)
        Time by which half of all have escaped, divergences competing, over that of the reference; bootstrap
        interval.
    """

    arrived: Floats
    escaped: Floats
    diverged: Floats
    censored: Floats
    median: Floats
    median_low: Floats
    median_high: Floats
    restricted_mean: Floats
    restricted_mean_low: Floats
    restricted_mean_high: Floats
    survival: Floats
    low: Floats
    high: Floats
    incidence: Floats
    divergence: Floats
    hazard: Floats
    hazard_low: Floats
    hazard_high: Floats
    course: tuple[str, ...]
    later: Floats
    later_low: Floats
    later_high: Floats
    logrank_p: Floats
    hazard_ratio: Floats
    hazard_ratio_low: Floats
    hazard_ratio_high: Floats
    median_ratio: Floats
    median_ratio_low: Floats
    median_ratio_high: Floats


class Shape:
    """Where curves and hazards of one rank are kept, the same for all models.

    Parameters
    ----------
    spread : bool
        Whether snapshots are spread over decades, as the curves then are.
    groups : list of Passages
        Stays of all models.
    end : float
        End of the run.
    """

    def __init__(self, spread: bool, groups: list[Passages], end: float) -> None:
        times = np.concatenate([group.time[group.escaped] for group in groups])
        times = times[times > 0]
        ends = np.concatenate([group.time for group in groups])
        self.horizon = float(np.quantile(ends, 0.95)) if ends.size else end
        low, high = (float(np.quantile(times, q)) for q in (0.001, 0.999)) if times.size else (end / 2, end)
        logarithmic = spread and high > 3 * low
        self.grid = np.geomspace(low, high, GRID) if logarithmic else np.linspace(0.0, high, GRID)
        if times.size > 1:
            edge = np.unique(np.quantile(times, np.linspace(0, 0.99, BINS + 1)))
        else:
            edge = np.array([0.0, end])
        edge[0] = 0.0
        fill = edge[-1] * (
            1 + 1e-9 * np.arange(1, BINS + 2 - len(edge))
        )  # empty bins, of no width to speak of
        self.edge = np.concatenate([edge, fill])


def escape_curves(
    many: list[Passages], other: list[Passages] | None, shapes: list[Shape], seed: int
) -> EscapeCurves:
    """Return what is known of a model's stays at each rank, and against the reference's where given."""
    rows = [
        _row(group, None if other is None else other[rank], shapes[rank], seed)
        for rank, group in enumerate(many)
    ]
    words = tuple(str(row.pop("course")) for row in rows)
    return EscapeCurves(course=words, **{key: np.array([row[key] for row in rows]) for key in rows[0]})


def _row(group: Passages, other: Passages | None, shape: Shape, seed: int) -> dict[str, object]:
    censored = ~(group.escaped | group.diverged)
    row: dict[str, object] = {
        "arrived": float(group.count),
        "escaped": float(group.escaped.sum()),
        "diverged": float(group.diverged.sum()),
        "censored": float(censored.sum()),
    }
    return row | _estimates(group, shape, seed) | _compared(group, other, seed)


def _estimates(group: Passages, shape: Shape, seed: int) -> dict[str, object]:
    if not group.count:
        empty, bins = np.full(GRID, np.nan), np.full(BINS, np.nan)
        nothing = dict.fromkeys(("median", "median_low", "median_high"), math.nan)
        nothing |= dict.fromkeys((f"restricted_mean{end}" for end in ("", "_low", "_high")), math.nan)
        curves = dict.fromkeys(("survival", "low", "high", "incidence", "divergence"), empty)
        curves |= dict.fromkeys(("hazard", "hazard_low", "hazard_high"), bins)
        return nothing | curves | _course(group, None)
    curve = kaplan_meier(group, shape.grid)
    counts = count(group)
    random = np.random.Generator(np.random.Philox(seed))
    low, high = interval(restricted_mean(resample(counts, REPLICATES, random), shape.horizon))
    place = np.searchsorted(counts.time, shape.grid, side="right")
    escaped, diverged = (np.concatenate([[0.0], one])[place] for one in incidence(counts))
    rate = hazard.hazard(group, shape.edge)
    return {
        **dataclasses.asdict(curve),
        "restricted_mean": float(restricted_mean(counts, shape.horizon)),
        "restricted_mean_low": low,
        "restricted_mean_high": high,
        "incidence": escaped,
        "divergence": diverged,
        "hazard": rate.rate,
        "hazard_low": rate.low,
        "hazard_high": rate.high,
        **_course(group, rate),
    }


def _course(group: Passages, binned: hazard.Hazard | None) -> dict[str, object]:
    later = later_over_earlier(group)
    words = "unknown" if binned is None else course(later, binned)
    return {"course": words, "later": later.ratio, "later_low": later.low, "later_high": later.high}


def _compared(group: Passages, other: Passages | None, seed: int) -> dict[str, object]:
    ratios = [f"{name}_ratio{end}" for name in ("hazard", "median") for end in ("", "_low", "_high")]
    names = (*ratios, "logrank_p")
    if other is None or not group.count or not other.count:
        return dict.fromkeys(names, math.nan)
    cox = hazard.hazard_ratio(group, other)
    random = np.random.Generator(np.random.Philox(key=[seed, 1]))
    mine, theirs = (resample(count(one), REPLICATES, random) for one in (group, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        point = float(escape_time(count(group), 0.5) / escape_time(count(other), 0.5))
        drawn = escape_time(mine, 0.5) / escape_time(theirs, 0.5)
    if not 0 < point < math.inf:  # half of one of the two never escape
        point = math.nan
    low, high = interval(drawn) if np.isfinite(point) else (math.nan, math.nan)
    p = logrank_p(group, other)
    return dict(zip(names, (cox.ratio, cox.low, cox.high, point, low, high, p), strict=True))
