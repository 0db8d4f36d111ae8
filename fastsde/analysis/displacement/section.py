"""Mean squared displacement over trajectories, from the start and from halfway, with its exponent."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

__all__ = ["DECADES", "ORIGINS", "SECTION", "Displacement", "ModelDisplacement", "exponent"]

ORIGINS = {"start": 0.0, "halfway": 0.5}
"""From where displacement is measured, as shares of the run."""
DECADES = 1.0
"""The exponent is that of lags up to so many decades shorter than the longest."""
RESAMPLED = 200
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
        "parameters", or "modes" where only these were recorded.
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
    first = next(iter(context.views.values()))
    vectors = next((name for name in ("parameters", "modes") if context.recorded(name)), "")
    known = context.recorded("displacement")
    if len(first.step) < 1 + FEWEST_LAGS or not (vectors or known) or first.count < FEWEST_TRAJECTORIES:
        return None
    of = "parameters" if known else vectors
    study = context.ensemble.study
    depth = 1 if of == "parameters" else len(study.widths) - 1
    models = {
        name: _model(view, of, vectors, known, context, has_variance(study.models[name], depth))
        for name, view in context.views.items()
    }
    length = {}
    if context.recorded("path_length"):
        for name, view in context.views.items():
            rows = [np.asarray(view.read("path_length", k), np.float64) for k in range(len(view.step))]
            length[name] = confidence.mean(np.stack(rows, axis=1))
    return Displacement(of, models, np.asarray(first.step, dtype=np.float64), length)


def _model(
    view: Trajectories, of: str, vectors: str, known: bool, context: Context, exists: bool
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
        elif of == vectors:
            begin = _states(view, vectors, origin)
            rows = [np.sum((_states(view, vectors, one) - begin) ** 2, axis=1) for one in later]
        else:
            continue
        lag = np.asarray(view.step[origin + 1 :] - view.step[origin], dtype=np.float64)
        found[name] = _measured(
            lag, np.stack(rows, axis=1)[kept], kept // context.branches, context.settings.seed, exists
        )
    return found


def _states(view: Trajectories, name: str, snapshot: int) -> Floats:
    values = np.asarray(view.read(name, snapshot), dtype=np.float64)
    return values.reshape(len(values), -1)


def _measured(lag: Floats, squares: Floats, groups: Integers, seed: int, exists: bool) -> ModelDisplacement:
    random = np.random.Generator(np.random.Philox(seed))
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    single = len(members) == len(squares)
    slopes = np.empty((RESAMPLED, 2))
    for number in range(RESAMPLED):
        drawn = random.integers(len(members), size=len(members))
        rows = drawn if single else np.concatenate([members[one] for one in drawn])
        sample = squares[rows]
        slopes[number] = exponent(lag, sample.mean(axis=0)), exponent(lag, np.median(sample, axis=0))
    low, high = np.quantile(slopes, INTERVAL, axis=0)
    nothing = np.full(len(lag), np.nan)
    of_mean, of_median = exponent(lag, squares.mean(axis=0)), exponent(lag, np.median(squares, axis=0))
    return ModelDisplacement(
        lag=lag,
        mean_square=confidence.mean(squares) if exists else Interval(nothing, nothing, nothing),
        median_square=confidence.median(squares),
        exponent=Interval(np.asarray(of_mean), low[0], high[0]) if exists else Interval(*nothing[:3]),
        median_exponent=Interval(np.asarray(of_median), low[1], high[1]),
    )


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
        cost=Cost((0, 0.02, 0, 0, 0, 0, 0, 2e-5)),
    )
)
"""Mean squared displacement."""
