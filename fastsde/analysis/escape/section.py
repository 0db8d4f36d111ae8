"""Escape from each saddle or over each barrier: curves, explosions, hazards, and the effects of settings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.escape import hazard
from fastsde.analysis.escape.curves import kaplan_meier, logrank_p
from fastsde.analysis.escape.effects import COVARIATES, Effect, Group, effect, families
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.places import known_stays
from fastsde.analysis.escape.survival import (
    count,
    escape_time,
    incidence,
    interval,
    resample,
    restricted_mean,
)
from fastsde.analysis.law import log_spaced
from fastsde.analysis.protocols import Floats

if TYPE_CHECKING:
    from fastsde.analysis.sections import Context

__all__ = ["Escape", "EscapeCurves", "escape_groups", "measure"]

GRID = 160
BINS = 10
REPLICATES = 400


@dataclass(frozen=True)
class EscapeCurves:
    """Escape of one model from the saddles of rank 0, 1, ...; every array has the rank first.

    Attributes
    ----------
    arrived, escaped, exploded, censored : ndarray, shape (rank,)
        How many trajectories came to the rank, and how their stays ended.
    median, median_low, median_high : ndarray, shape (rank,)
        Kaplan-Meier median of the stay, had nothing exploded, with the 95 % interval of Brookmeyer and
        Crowley; infinite if never.
    mean, mean_low, mean_high : ndarray, shape (rank,)
        Mean stay up to `Escape.horizon`, with a bootstrap interval over trajectories.
    survival, low, high : ndarray, shape (rank, grid)
        Kaplan-Meier curve and band on `Escape.grid`.
    incidence, explosion : ndarray, shape (rank, grid)
        Share that has escaped, and that has exploded, with the two as competing ends.
    hazard, hazard_low, hazard_high : ndarray, shape (rank, bin)
        Escapes per unit of time of those still there, between `Escape.edge`.
    logrank_p : ndarray, shape (rank,)
        Log-rank test against the reference; NaN for the reference.
    hazard_ratio, hazard_ratio_low, hazard_ratio_high : ndarray, shape (rank,)
        Hazard of escape of those still there over that of the reference (Cox); explosions only end a stay.
    median_ratio, median_ratio_low, median_ratio_high : ndarray, shape (rank,)
        Time by which half of all have escaped, explosions competing, over that of the reference; bootstrap
        interval.
    """

    arrived: Floats
    escaped: Floats
    exploded: Floats
    censored: Floats
    median: Floats
    median_low: Floats
    median_high: Floats
    mean: Floats
    mean_low: Floats
    mean_high: Floats
    survival: Floats
    low: Floats
    high: Floats
    incidence: Floats
    explosion: Floats
    hazard: Floats
    hazard_low: Floats
    hazard_high: Floats
    logrank_p: Floats
    hazard_ratio: Floats
    hazard_ratio_low: Floats
    hazard_ratio_high: Floats
    median_ratio: Floats
    median_ratio_low: Floats
    median_ratio_high: Floats


@dataclass(frozen=True)
class Escape:
    """Escape from every saddle, of every model.

    Attributes
    ----------
    source : str
        Where the passages come from.
    places : tuple of str
        What is left: "rank 0", "rank 1", ... of a network; of a landscape what is crossed, such as
        "coordinate 1 above 0.5" or "radius 1".
    reference : str
        Model that the others are compared with: the analysis's, or without one the first.
    grid : ndarray, shape (rank, grid)
        Times at which curves are kept, from the arrival at the rank.
    edge : ndarray, shape (rank, bin + 1)
        Edges of the hazards' bins, quantiles of all escape times.
    horizon : ndarray, shape (rank,)
        Up to where means are taken: the time by which 95 % of all stays have ended.
    models : dict of str to EscapeCurves
    effects : dict of str to Effect
        Effects of the models' settings where models differ in one only; keys "rank PLACE COVARIATE NUMBER",
        places numbered from 0.
    """

    source: str
    places: tuple[str, ...]
    reference: str
    grid: Floats
    edge: Floats
    horizon: Floats
    models: dict[str, EscapeCurves]
    effects: dict[str, Effect]


def measure(context: Context) -> Escape | None:
    """Measure the escape of every model; None if nothing says when it happens."""
    found = {name: known_stays(view, context) for name, view in context.views.items()}
    known = {name: one for name, one in found.items() if one is not None}
    if len(known) < len(found):
        return None
    end = float(next(iter(context.views.values())).time[-1])
    by_model = {name: one.stays for name, one in known.items()}
    first = next(iter(known.values()))
    reference = context.reference or next(iter(known))
    shapes = [_Shape(context, [many[r] for many in by_model.values()], end) for r in range(len(first.places))]
    models = {
        name: _curves(many, by_model[reference] if name != reference else None, shapes, context)
        for name, many in by_model.items()
    }
    return Escape(
        source=first.source,
        places=first.places,
        reference=reference,
        grid=np.array([shape.grid for shape in shapes]),
        edge=np.array([shape.edge for shape in shapes]),
        horizon=np.array([shape.horizon for shape in shapes]),
        models=models,
        effects=_effects(escape_groups(context, by_model), context.settings.seed),
    )


def escape_groups(context: Context, by_model: Mapping[str, list[Passages]]) -> list[list[Group]]:
    """Return, for each rank, the groups of stays with what each model is."""
    study = context.ensemble.study
    settings = {name: study.models[name].model_dump(exclude_none=True) for name in by_model}
    data = study.data.seed if study.data is not None else study.seed
    ranks = len(next(iter(by_model.values())))
    return [
        [Group(name, settings[name], data, many[r]) for name, many in by_model.items()] for r in range(ranks)
    ]


def _effects(by_rank: list[list[Group]], seed: int) -> dict[str, Effect]:
    effects = {}
    for rank, groups in enumerate(by_rank):
        for covariate in COVARIATES:
            for number, family in enumerate(families(groups, covariate)):
                found = effect(family, covariate, seed)
                if found is not None:
                    effects[f"rank {rank} {covariate} {number}"] = found
    return effects


class _Shape:
    """Where curves and hazards of one rank are kept, the same for all models."""

    def __init__(self, context: Context, groups: list[Passages], end: float) -> None:
        step = np.asarray(next(iter(context.views.values())).step)
        times = np.concatenate([group.time[group.escaped] for group in groups])
        times = times[times > 0]
        ends = np.concatenate([group.time for group in groups])
        self.horizon = float(np.quantile(ends, 0.95)) if ends.size else end
        low, high = (float(np.quantile(times, q)) for q in (0.001, 0.999)) if times.size else (end / 2, end)
        logarithmic = log_spaced(step) and high > 3 * low
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


def _curves(
    many: list[Passages], other: list[Passages] | None, shapes: list[_Shape], context: Context
) -> EscapeCurves:
    rows = [
        _row(group, None if other is None else other[rank], shapes[rank], context.settings.seed)
        for rank, group in enumerate(many)
    ]
    return EscapeCurves(**{key: np.array([row[key] for row in rows]) for key in rows[0]})


def _row(group: Passages, other: Passages | None, shape: _Shape, seed: int) -> dict[str, object]:
    censored = ~(group.escaped | group.exploded)
    row: dict[str, object] = {
        "arrived": float(group.count),
        "escaped": float(group.escaped.sum()),
        "exploded": float(group.exploded.sum()),
        "censored": float(censored.sum()),
    }
    return row | _estimates(group, shape, seed) | _compared(group, other, seed)


def _estimates(group: Passages, shape: _Shape, seed: int) -> dict[str, object]:
    if not group.count:
        empty, bins = np.full(GRID, np.nan), np.full(BINS, np.nan)
        nothing = dict.fromkeys(("median", "median_low", "median_high"), math.nan)
        nothing |= dict.fromkeys(("mean", "mean_low", "mean_high"), math.nan)
        curves = dict.fromkeys(("survival", "low", "high", "incidence", "explosion"), empty)
        return nothing | curves | dict.fromkeys(("hazard", "hazard_low", "hazard_high"), bins)
    curve = kaplan_meier(group, shape.grid)
    counts = count(group)
    random = np.random.Generator(np.random.Philox(seed))
    low, high = interval(restricted_mean(resample(counts, REPLICATES, random), shape.horizon))
    place = np.searchsorted(counts.time, shape.grid, side="right")
    escaped, exploded = (np.concatenate([[0.0], one])[place] for one in incidence(counts))
    rate = hazard.hazard(group, shape.edge)
    return {
        **dataclasses.asdict(curve),
        "mean": float(restricted_mean(counts, shape.horizon)),
        "mean_low": low,
        "mean_high": high,
        "incidence": escaped,
        "explosion": exploded,
        "hazard": rate.rate,
        "hazard_low": rate.low,
        "hazard_high": rate.high,
    }


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
