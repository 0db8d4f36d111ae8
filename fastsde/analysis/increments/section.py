"""Autocorrelation and spectrum of the increments of modes between evenly spaced snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import confidence
from fastsde.analysis.confidence import Interval
from fastsde.analysis.late_window import SAME_GAP, has_variance, survivors
from fastsde.analysis.protocols import Floats, Integers
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

__all__ = ["SECTION", "IncrementLaw", "Increments", "even_run"]

FEWEST = 8
"""Fewer increments in a row have no spectrum."""
MODES = 8
TRAJECTORIES = 20


@dataclass(frozen=True)
class IncrementLaw:
    """Increments of the modes of one model; columns are modes.

    Means over trajectories are in units of the mean square of an increment of all trajectories; where the
    noise of the model is stable and has no variance, increments are less their median, and each trajectory is
    in units of its own mean square (Davis and Resnick 1986).

    Attributes
    ----------
    correlation : Interval
        Autocorrelation at each lag, shape (lag, column): mean product of two increments, each less its mean
        over trajectories. Intervals are those of a mean over trajectories.
    spectrum : Interval
        Mean periodogram at each frequency, shape (frequency, column): 1 at all frequencies for increments
        that are independent.
    """

    correlation: Interval
    spectrum: Interval


@dataclass(frozen=True)
class Increments:
    """Increments of every model.

    Attributes
    ----------
    first, gap : float
        Learning-rate steps of the first snapshot, and between neighbours.
    lag : ndarray, shape (lag,)
        In learning-rate steps.
    frequency : ndarray, shape (frequency,)
        Cycles per learning-rate step, above 0 up to half a cycle per gap.
    models : dict of str to IncrementLaw
        Of the models with enough trajectories that never diverge.
    """

    first: float
    gap: float
    lag: Floats
    frequency: Floats
    models: dict[str, IncrementLaw]


def even_run(step: Integers) -> slice:
    """Return the longest run of snapshots with equal gaps; of equally long ones the last.

    Examples
    --------
    >>> even_run(np.array([0, 1, 10, 100, 110, 120, 130]))
    slice(3, 7, None)
    """
    gaps = np.diff(step).astype(np.float64)
    best, begin = slice(0, 1), 0
    for place in range(len(gaps)):
        if abs(gaps[place] - gaps[begin]) > SAME_GAP * gaps[begin]:
            begin = place
        if place + 2 - begin >= best.stop - best.start:
            best = slice(begin, place + 2)
    return best


def measure(context: Context) -> Increments | None:
    """Measure increments; None where modes are not recorded at enough evenly spaced snapshots."""
    step = np.asarray(next(iter(context.views.values())).step)
    run = even_run(step)
    count = run.stop - run.start - 1
    if not context.recorded("modes") or count < FEWEST:
        return None
    gap = float(step[run.stop - 1] - step[run.start]) / count
    laws = {name: _law(name, run, context) for name in context.views}
    models = {name: law for name, law in laws.items() if law is not None}
    if not models:
        return None
    lags, frequencies = np.arange(count // 2 + 1), np.arange(1, count // 2 + 1)
    return Increments(float(step[run.start]), gap, lags * gap, frequencies / (count * gap), models)


def _law(name: str, run: slice, context: Context) -> IncrementLaw | None:
    """Return the law of the increments of a model; None for too few trajectories."""
    view, study = context.views[name], context.ensemble.study
    kept = np.flatnonzero(survivors(view))[:: context.branches][: context.settings.path_limit]
    if len(kept) < TRAJECTORIES:
        return None
    rows = range(run.start, run.stop)
    paths = np.stack([np.asarray(view.read("modes", one), np.float64)[kept, :MODES] for one in rows], axis=1)
    steps = np.diff(paths, axis=1)
    exists = has_variance(study.models[name], len(study.widths) - 1)
    steps = steps - (steps.mean(axis=0) if exists else np.median(steps, axis=0))
    size = np.mean(steps**2, axis=1)
    if exists:
        size = size.mean(axis=0, keepdims=True)
    size = np.where(size > 0, size, np.nan)
    return IncrementLaw(_correlation(steps, size), _spectrum(steps, size))


def _correlation(steps: Floats, size: Floats) -> Interval:
    """Return the autocorrelation of increments (trajectory, time, column) at lags up to half of the times."""
    count = steps.shape[1]
    products = [
        np.mean(steps[:, : count - lag] * steps[:, lag:], axis=1) / size for lag in range(count // 2 + 1)
    ]
    return confidence.mean(np.stack(products, axis=1))


def _spectrum(steps: Floats, size: Floats) -> Interval:
    """Return the mean periodogram ``|sum_j x_j e^(-2 pi i f j)|^2 / n`` over the mean square."""
    power = np.abs(np.fft.rfft(steps, axis=1)) ** 2 / steps.shape[1]
    return confidence.mean(power[:, 1:] / size[:, None])


SECTION = register_section(
    Section(
        name="increments",
        record=Increments,
        measure=measure,
        order=135,
        cost=Cost((0, 0.01, 0, 0, 0, 0, 2e-7, 2e-6)),
    )
)
"""Autocorrelation and spectrum of increments."""
