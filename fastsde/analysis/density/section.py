"""Ensemble and density: whether trajectories do what the Fokker-Planck equation of their model says.

At a few snapshots, for landscapes of one or two dimensions. Ensemble and density differ by the sampling noise
of the trajectories, by the finite steps of the integrator, and by the cells of the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import kstwo

from fastsde.analysis.density.model_dynamics import why_no_density, why_none_at_all
from fastsde.analysis.density.of_study import model_density
from fastsde.analysis.density.solve import Density
from fastsde.analysis.protocols import Floats, Integers, Trajectories
from fastsde.analysis.section_cost import Cost, Size
from fastsde.analysis.sections import Section, register_section
from fastsde.system.errors import FastsdeError

if TYPE_CHECKING:
    from fastsde.analysis.context import Context
    from fastsde.study.study import Study

__all__ = ["SECTION", "SHARES", "Densities", "ModelDensity", "compared"]

SHARES = (1 / 30, 1 / 5, 1.0)
"""Of the run, at which snapshots are compared."""
LEVEL = 0.95
BINS = {1: 48, 2: 10}
"""Bins along each axis in which histogram and density are compared."""
DRAWS = 400
"""Samples from the density that say how far a histogram of so many trajectories is from it."""
SHOWN_POINTS = 400
FEWEST = 100
"""Trajectories below which an ensemble says too little of its density."""


@dataclass(frozen=True)
class ModelDensity:
    """The density of one model beside its trajectories, at a few snapshots.

    Attributes
    ----------
    reason : str
        Why there is none; empty if there is.
    step : ndarray, shape (snapshot,)
        In learning rates.
    counted : ndarray, shape (snapshot,)
        Trajectories that are finite.
    density : Density or None
    counts : ndarray
        Trajectories in each cell of the density, those outside in the outermost: (snapshot, x) or
        (snapshot, x, y).
    distance : ndarray, shape (snapshot, d)
        Kolmogorov-Smirnov distance of each coordinate, at the edges of the cells.
    distance_null : ndarray, shape (snapshot,)
        Quantile of that distance for independent draws from the density, of the level at which 5 % of
        models are beyond it at any snapshot or coordinate (Bonferroni).
    variation : ndarray, shape (snapshot,)
        Total variation distance of the histogram in bins of several cells.
    variation_null : ndarray, shape (snapshot,)
        95 % quantile of it for independent draws from the density, at one snapshot.
    points : ndarray, shape (snapshot, point, d)
        Some of the trajectories, in two dimensions.
    """

    reason: str
    step: Floats
    counted: Floats
    density: Density | None
    counts: Floats
    distance: Floats
    distance_null: Floats
    variation: Floats
    variation_null: Floats
    points: Floats


@dataclass(frozen=True)
class Densities:
    """Densities of all models."""

    models: dict[str, ModelDensity]


def on_landscapes(study: Study) -> bool:
    """Whether a study is of a landscape of one or two dimensions."""
    return not why_none_at_all(study)


def measure(context: Context) -> Densities | None:
    """Compare every model with its density; None if the coordinates were not recorded or no model has one."""
    study = context.ensemble.study
    variable = "parameters" if context.recorded("parameters") else "modes"
    if variable == "modes" and not _modes_are_coordinates(context, study):
        return None
    seed = context.settings.seed
    models = {name: _model(study, name, view, variable, seed) for name, view in context.views.items()}
    return Densities(models) if any(one.density is not None for one in models.values()) else None


def _modes_are_coordinates(context: Context, study: Study) -> bool:
    """Whether the modes were recorded, and are the state; of a nonlinear network they are outputs."""
    network = study.landscape is not None and study.landscape.learner is not None
    return context.recorded("modes") and not network and study.objective.modes == study.objective.dimension


def chosen_snapshots(time: Floats) -> Integers:
    """Return the snapshots nearest to `SHARES` of the run, without the start.

    Examples
    --------
    >>> chosen_snapshots(np.array([0.0, 1.0, 5.0, 20.0, 30.0])).tolist()
    [1, 2, 4]
    """
    later = np.flatnonzero(time > 0)
    nearest = (
        [later[np.argmin(np.abs(time[later] - share * time[-1]))] for share in SHARES] if len(later) else []
    )
    return np.unique(np.array(nearest, dtype=np.int64))


def _model(study: Study, name: str, view: Trajectories, variable: str, seed: int) -> ModelDensity:
    reason = why_no_density(study, name)
    time = np.asarray(view.time, dtype=np.float64)
    chosen = chosen_snapshots(time)
    if not reason and not len(chosen):
        reason = "there is no snapshot after the start"
    samples = [_finite(view, variable, int(k)) for k in chosen] if not reason else []
    if not reason and min(map(len, samples)) < FEWEST:
        reason = f"fewer than {FEWEST} trajectories"
    if not reason:
        try:
            found = model_density(study, name, time[chosen])
        except FastsdeError as error:
            reason = str(error)
        else:
            return compared(found, samples, np.asarray(view.step, np.float64)[chosen], seed)
    empty = np.empty(0)
    return ModelDensity(reason, empty, empty, None, *[empty] * 6)


def _finite(view: Trajectories, variable: str, snapshot: int) -> Floats:
    values = np.asarray(view.read(variable, snapshot), dtype=np.float64)
    values = values.reshape(len(values), -1)
    return values[np.isfinite(values).all(axis=1)]


def compared(found: Density, samples: list[Floats], step: Floats, seed: int) -> ModelDensity:
    """Compare a density with samples (n, d) at each of its times.

    Parameters
    ----------
    found : Density
    samples : list of ndarray
    step : ndarray
        The times in learning rates.
    seed : int
        Of the null law of the total variation distance.
    """
    grid, random = found.grid, np.random.Generator(np.random.Philox(seed))
    counts, distance, variation, null, shown = [], [], [], [], []
    for mass, sample in zip(found.mass, samples, strict=True):
        places = [
            np.clip(np.searchsorted(edge, column, side="right") - 1, 0, len(edge) - 2)
            for edge, column in zip(grid.edges, sample.T, strict=True)
        ]
        count = np.zeros(grid.shape)
        np.add.at(count, tuple(places), 1.0)
        counts.append(count)
        gap = count / len(sample) - mass
        others = [tuple(k for k in range(grid.dimension) if k != axis) for axis in range(grid.dimension)]
        distance.append([float(np.abs(np.cumsum(gap.sum(axis=rest))).max()) for rest in others])
        binned = _binned(mass, BINS[grid.dimension])
        variation.append(float(np.abs(_binned(count, BINS[grid.dimension]) / len(sample) - binned).sum() / 2))
        null.append(_variation_null(binned.ravel(), len(sample), random))
        shown.append(sample[:SHOWN_POINTS] if grid.dimension > 1 else sample[:0])
    fewest = min(map(len, shown))
    counted = np.array([float(len(sample)) for sample in samples])
    level = 1 - (1 - LEVEL) / (len(counted) * grid.dimension)
    return ModelDensity(
        "",
        step,
        counted,
        found,
        np.array(counts),
        np.array(distance),
        kstwo.ppf(level, counted),
        np.array(variation),
        np.array(null),
        np.array([points[:fewest] for points in shown]),
    )


def _binned(values: Floats, bins: int) -> Floats:
    """Sum the cells into at most so many bins along each axis, each of about the same number of cells."""
    for axis, count in enumerate(values.shape):
        starts = np.unique(np.linspace(0, count, min(bins, count) + 1).astype(int)[:-1])
        values = np.add.reduceat(values, starts, axis=axis)
    return values


def _variation_null(masses: Floats, count: int, random: np.random.Generator) -> float:
    weights = np.maximum(masses, 0.0) / masses.sum()
    draws = random.multinomial(count, weights, size=DRAWS) / count
    return float(np.quantile(np.abs(draws - weights).sum(axis=1) / 2, LEVEL))


def numbers(analysis: Any, name: str) -> dict[str, Any]:
    """Return how far a model is from its density at the end, for its row."""
    found = SECTION.of(analysis)
    one = None if found is None else found.models.get(name)
    if one is None or one.density is None:
        return {}
    return {
        "density_distance": float(one.distance[-1].max()),
        "density_distance_null": float(one.distance_null[-1]),
    }


def _counted(size: Size) -> Size:
    """Return the size in densities of one dimension: one of two dimensions costs as much as eight."""
    return Size(size.models * (1 if size.modes == 1 else 8), size.snapshots, size.modes, size.trajectories)


SECTION = register_section(
    Section(
        name="density",
        record=Densities,
        measure=measure,
        order=125,
        applies=on_landscapes,
        numbers=numbers,
        cost=Cost((0, 0.35, 0, 0, 0, 0, 1e-7, 0), counted=_counted),
    )
)
