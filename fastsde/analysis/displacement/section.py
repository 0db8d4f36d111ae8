"""Mean squared displacement over trajectories, from the start and from halfway, with its exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import confidence
from fastsde.analysis.confidence import Interval
from fastsde.analysis.late_window import has_variance, survivors
from fastsde.analysis.levels import INTERVAL
from fastsde.analysis.protocols import Floats, Integers, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section
from fastsde.analysis.settings import Settings

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

__all__ = ["DECADES", "ORIGINS", "SECTION", "Displacement", "ModelDisplacement", "exponent"]

ORIGINS = {"start": 0.0, "halfway": 0.5}
"""From where displacement is measured, as shares of the run."""
DECADES = 1.0
"""The exponent is that of lags up to so many decades shorter than the longest."""
FEWEST_LAGS = 3
FEWEST_TRAJECTORIES = 10


@dataclass(frozen=True)
class ModelDisplacement:
    """Displacement of one model from one time on.

    Attributes
    ----------
    lag : ndarray, shape (lag,)
        Learning-rate steps since then.
    mean_square : Interval
        Mean over trajectories of the squared displacement, shape (lag,); NaN where the noise of the model is
        stable, so that there is none.
    median_square : Interval
        Median of the same, which exists whatever the tail.
    exponent : Interval
        Slope of ln(mean square) on ln(lag) over the last `DECADES`, shape (), with a bootstrap of
        trajectories: 1 for diffusion, 2 for straight motion, 0 for a law that is stationary; NaN where there
        are too few lags or nothing moves.
    median_exponent : Interval
        The same of the median.
    """

    lag: Floats
    mean_square: Interval
    median_square: Interval
    exponent: Interval
    median_exponent: Interval


@dataclass(frozen=True)
class Displacement:
    """Displacement of all models.

    Attributes
    ----------
    of : str
        "parameters"; or "coordinates", of a landscape that records these only.
    models : dict of str to dict of str to ModelDisplacement
        By model, then by where it is measured from: "start", and "halfway" where the states were recorded.
    step : ndarray, shape (snapshot,)
        Learning-rate steps.
    length : dict of str to Interval
        Mean length of the path, shape (snapshot,), where it was recorded.
    """

    of: str
    models: dict[str, dict[str, ModelDisplacement]]
    step: Floats
    length: dict[str, Interval]


def measure(context: Context) -> Displacement | None:
    """Measure displacements; None where neither states nor displacements are recorded."""
    first, study = next(iter(context.views.values())), context.ensemble.study
    vectors, known = _vectors(context), context.recorded("displacement")
    if len(first.step) < 1 + FEWEST_LAGS or not (vectors or known) or first.count < FEWEST_TRAJECTORIES:
        return None
    models = {
        name: _model(view, vectors, known, context, has_variance(study.models[name], 1))
        for name, view in context.views.items()
    }
    length = {}
    if context.recorded("path_length"):
        for name, view in context.views.items():
            rows = [np.asarray(view.read("path_length", k), np.float64) for k in range(len(view.step))]
            length[name] = confidence.mean(np.stack(rows, axis=1))
    of = "coordinates" if vectors == "modes" and not known else "parameters"
    return Displacement(of, models, np.asarray(first.step, dtype=np.float64), length)


def _vectors(context: Context) -> str:
    """Return the variable that has the state; empty if none was recorded."""
    if context.recorded("parameters"):
        return "parameters"
    coordinates = context.ensemble.study.objective.vocabulary.mode == "coordinate"
    return "modes" if coordinates and context.recorded("modes") else ""


def _model(
    view: Trajectories, vectors: str, known: bool, context: Context, exists: bool
) -> dict[str, ModelDisplacement]:
    kept = np.flatnonzero(survivors(view))
    found = {}
    for name, share in ORIGINS.items():
        origin = int(np.argmin(np.abs(view.step - share * view.step[-1])))
        later = range(origin + 1, len(view.step))
        if len(later) < FEWEST_LAGS or len(kept) < FEWEST_TRAJECTORIES:
            continue
        if known and name == "start":
            rows = [np.asarray(view.read("displacement", one), np.float64) ** 2 for one in later]
        elif vectors:
            begin = _states(view, vectors, origin)
            rows = [np.sum((_states(view, vectors, one) - begin) ** 2, axis=1) for one in later]
        else:
            continue
        lag = np.asarray(view.step[origin + 1 :] - view.step[origin], dtype=np.float64)
        groups = kept // context.branches
        found[name] = _measured(lag, np.stack(rows, axis=1)[kept], groups, context.settings, exists)
    return found


def _states(view: Trajectories, name: str, snapshot: int) -> Floats:
    values = np.asarray(view.read(name, snapshot), dtype=np.float64)
    return values.reshape(len(values), -1)


def _measured(
    lag: Floats, squares: Floats, groups: Integers, settings: Settings, exists: bool
) -> ModelDisplacement:
    exponents = _exponents(lag, squares, groups, settings)
    nothing = np.full(len(lag), np.nan)
    return ModelDisplacement(
        lag=lag,
        mean_square=confidence.mean(squares) if exists else Interval(nothing, nothing, nothing),
        median_square=confidence.median(squares),
        exponent=exponents[0] if exists else Interval(*nothing[:3]),
        median_exponent=exponents[1],
    )


def _exponents(
    lag: Floats, squares: Floats, groups: Integers, settings: Settings
) -> tuple[Interval, Interval]:
    """Return the exponents of mean and median, with a bootstrap of groups of rows.

    Of more groups than `bootstrap_limit` so many are drawn, and deviations are scaled to the number there is.
    """
    random = np.random.Generator(np.random.Philox(settings.seed))
    members = np.split(np.arange(len(groups)), np.flatnonzero(np.diff(groups)) + 1)  # groups ascend
    count = min(len(members), settings.bootstrap_limit)
    drawn = np.empty((settings.bootstrap, 2))
    for number in range(settings.bootstrap):
        rows = np.concatenate([members[one] for one in random.integers(len(members), size=count)])
        drawn[number] = _both(lag, squares[rows])
    value = _both(lag, squares)
    low, high = value + math.sqrt(count / len(members)) * (np.quantile(drawn, INTERVAL, axis=0) - value)
    return Interval(value[0], low[0], high[0]), Interval(value[1], low[1], high[1])


def _both(lag: Floats, squares: Floats) -> Floats:
    return np.array([exponent(lag, squares.mean(axis=0)), exponent(lag, np.median(squares, axis=0))])


def exponent(lag: Floats, square: Floats) -> float:
    """Return the slope of ln(square) on ln(lag) over the last `DECADES` of lags, by least squares.

    NaN for fewer than `FEWEST_LAGS` lags, or where a square is not positive.

    Examples
    --------
    >>> lag = np.array([1.0, 10.0, 20.0, 40.0, 80.0])
    >>> round(exponent(lag, 3 * lag**0.5), 12)
    0.5
    """
    used = lag >= lag[-1] / 10**DECADES
    if used.sum() < FEWEST_LAGS or not np.all(square[used] > 0) or not np.isfinite(square[used]).all():
        return float("nan")
    x = np.log(lag[used]) - np.log(lag[used]).mean()
    return float(x @ np.log(square[used]) / (x @ x))


SECTION = register_section(
    Section(
        name="displacement",
        record=Displacement,
        measure=measure,
        order=57,
        cost=Cost((0, 0.02, 0, 0, 0, 0, 0, 1e-5)),
    )
)
"""Mean squared displacement."""
