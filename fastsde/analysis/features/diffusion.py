"""Does the noise along a mode peak before the mode is learned? For how many trajectories, and by how much.

The question of Corlouer, Semler, Strang and Gietelink Oldenziel (arXiv:2604.06366), who show that in a
balanced and aligned network the diffusion along a mode peaks before the mode is learned completely. For one
balanced mode u of strength s in L layers, without label noise, drift ``L u^(2-2/L) (s - u)`` and diffusion,
proportional to its square, both peak at the fraction ``u/s = (2 - 2/L) / (3 - 2/L)``: 1/2 at two layers, 3/5
at four. Label noise of variance v moves the peak of the diffusion ``u^(4-4/L) (2 (s - u)^2 + v)`` later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import confidence
from fastsde.analysis.confidence import Interval
from fastsde.analysis.features.aligned import Aligned, align
from fastsde.analysis.features.clock import Clock
from fastsde.analysis.features.later import Later, later
from fastsde.analysis.features.peaks import CrossingTracker, Peak, PeakTracker
from fastsde.analysis.features.rank_sums import ROWS
from fastsde.analysis.late_window import undiverged
from fastsde.analysis.protocols import Bools, Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, of_networks, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

HALF = 0.5
BAND_LEVELS = (0.05, 0.5, 0.95)
BAND_ROWS = 20_000
"""Most trajectories over which quantiles over time are taken."""


@dataclass(frozen=True)
class DiffusionPeaks:
    """Where the diffusion of each mode peaks, in one model; all arrays end with the axis of the modes.

    Attributes
    ----------
    counted : ndarray, shape (mode,)
        Trajectories that learned the mode and did not diverge.
    unlearned : ndarray, shape (mode,)
        Left out: the mode was not learned by the end.
    edge : ndarray, shape (mode,)
        Counted, with a peak at the first or last snapshot: the diffusion falls or grows all the time.
    diverged : int
        Left out: trajectories that diverged.
    fraction : Interval
        Median fraction of the mode's strength that is learned when its diffusion peaks.
    quartiles : ndarray, shape (3, mode)
        Quartiles of that fraction over trajectories.
    before_half, before_learned : Interval
        Share of trajectories whose diffusion peaks before the mode is half learned, and before it is learned.
    lead : Interval
        Median of (step at which the mode is learned) / (step of the peak): above 1, the peak comes first.
    lead_steps : Interval
        Median of the difference of the two, in learning-rate steps.
    drift_fraction : Interval or None
        Median fraction learned when the drift peaks.
    effect, p_value : ndarray, shape (mode,)
        Probability that the peak of this model comes at a larger fraction than one of the reference, ties
        halved, and the p-value of the Mann-Whitney test that neither tends to; NaN for the reference.
    diffusion, drift : ndarray, shape (level, snapshot, mode)
        Quantiles over trajectories at `BAND_LEVELS`, per unit of time; `drift` may be empty.
    aligned : Aligned or None
        Growth, diffusion and drift around each trajectory's own learning time.
    """

    counted: Floats
    unlearned: Floats
    edge: Floats
    diverged: int
    fraction: Interval
    quartiles: Floats
    before_half: Interval
    before_learned: Interval
    lead: Interval
    lead_steps: Interval
    drift_fraction: Interval | None
    effect: Floats
    p_value: Floats
    diffusion: Floats
    drift: Floats
    aligned: Aligned | None


@dataclass(frozen=True)
class Diffusion:
    """Peaks of the diffusion of every model that has any.

    Attributes
    ----------
    learned : float
        A mode is learned at this fraction of its strength.
    resolution : float
        Median over snapshots of (gap to the next) / (step): the error of a peak's time is below half of it.
    models : dict of str to DiffusionPeaks
    """

    learned: float
    resolution: float
    models: dict[str, DiffusionPeaks]


@dataclass(frozen=True)
class _Found:
    """Per trajectory and mode: what the summary needs."""

    peak: Peak
    drift_peak: Peak | None
    half: Floats
    learned: Floats
    counted: Bools
    alive: Bools

    @property
    def fraction(self) -> Floats:
        """Fraction learned at the peak where the trajectory counts, else NaN."""
        return np.where(self.counted, self.peak.progress, np.nan)


def measure(context: Context) -> Diffusion | None:
    """Follow diffusion and modes through all snapshots of every model."""
    if not context.recorded("modes", "mode_diffusion"):
        return None
    found = {name: _follow(context, view) for name, view in context.views.items()}
    noisy = {name: one for name, one in found.items() if one[0].counted.any()}
    reference = noisy[context.reference][0] if context.reference in noisy else None
    models = {
        name: _summary(context, context.views[name], *one, None if name == context.reference else reference)
        for name, one in noisy.items()
    }
    step = next(iter(context.views.values())).step
    late = step[step > 0]
    resolution = float(np.median(np.diff(late) / late[:-1])) if len(late) > 1 else float("nan")
    return Diffusion(context.settings.learned, resolution, models) if models else None


def _follow(context: Context, view: Trajectories) -> tuple[_Found, Floats, Floats]:
    """Find peaks and crossings of all trajectories, block by block, and quantiles over time."""
    alive = undiverged(view)
    blocks = [slice(start, start + ROWS) for start in range(0, view.count, ROWS)]
    found = [_in_block(context, view, block, alive[block]) for block in blocks]
    return _together(found), _bands(view, "mode_diffusion"), _bands(view, "mode_drift")


def _in_block(context: Context, view: Trajectories, block: slice, alive: Bools) -> _Found:
    """Pass once over the snapshots of a block of trajectories."""
    clock = Clock(view.step)
    strength = np.where(context.strength > 0.01 * context.strength.max(), context.strength, np.nan)
    peak, drift_peak = PeakTracker(), PeakTracker()
    half, learned = CrossingTracker(HALF), CrossingTracker(context.settings.learned)
    has_drift = "mode_drift" in view.variables
    for snapshot, reading in zip(clock.snapshots.tolist(), clock.reading, strict=True):
        names = ("modes", "mode_diffusion", *(("mode_drift",) if has_drift else ()))
        modes, diffusion, *drift = (
            np.asarray(view.read(name, snapshot, block), dtype=np.float64) for name in names
        )
        growth = modes / strength
        peak.add(reading, diffusion, growth)
        for one in drift:
            drift_peak.add(reading, np.abs(one), growth)
        half.add(reading, growth)
        learned.add(reading, growth)
    top = peak.result()
    counted = np.isfinite(top.clock) & np.isfinite(learned.clock) & alive[:, None]
    other = drift_peak.result() if has_drift else None
    return _Found(top, other, half.clock, learned.clock, counted, alive)


def _together(found: list[_Found]) -> _Found:
    """Put blocks of trajectories one behind another."""
    drifts = [one.drift_peak for one in found if one.drift_peak is not None]
    return _Found(
        _joined([one.peak for one in found]),
        _joined(drifts) if drifts else None,
        *(
            np.concatenate([getattr(one, name) for one in found])
            for name in ("half", "learned", "counted", "alive")
        ),
    )


def _joined(peaks: list[Peak]) -> Peak:
    return Peak(
        *(np.concatenate([getattr(one, name) for one in peaks]) for name in ("clock", "progress", "inside"))
    )


def _bands(view: Trajectories, name: str) -> Floats:
    """Quantiles of the first trajectories at every snapshot; empty of what was not recorded."""
    if name not in view.variables:
        return np.empty(0)
    rows = slice(BAND_ROWS)
    return np.stack([_quantiles(view.read(name, at, rows)) for at in range(len(view.step))], axis=1)


def _quantiles(values: Floats) -> Floats:
    values = np.asarray(values, dtype=np.float64)
    finite = values[np.isfinite(values).all(axis=1)]
    if not len(finite):
        return np.full((len(BAND_LEVELS), values.shape[1]), np.nan)
    return np.asarray(np.quantile(finite, BAND_LEVELS, axis=0))


def _summary(
    context: Context,
    view: Trajectories,
    found: _Found,
    bands: Floats,
    drift_bands: Floats,
    reference: _Found | None,
) -> DiffusionPeaks:
    clock = Clock(view.step)
    counted, peak = found.counted, found.peak
    fraction = found.fraction
    peak_step, learned_step = clock.steps(peak.clock), clock.steps(found.learned)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(counted & (peak_step > 0), learned_step / peak_step, np.nan)
    trials = counted.sum(axis=0).astype(np.float64)
    drift = found.drift_peak
    nothing = np.full(len(trials), np.nan)
    against = Later(nothing, nothing) if reference is None else later(fraction, reference.fraction)
    return DiffusionPeaks(
        counted=trials,
        unlearned=(found.alive[:, None] & np.isnan(found.learned)).sum(axis=0).astype(np.float64),
        edge=(counted & ~peak.inside).sum(axis=0).astype(np.float64),
        diverged=int((~found.alive).sum()),
        fraction=confidence.median(fraction),
        quartiles=_quartiles(fraction),
        before_half=confidence.share((counted & (peak.clock < found.half)).sum(axis=0), trials),
        before_learned=confidence.share((counted & (peak.clock < found.learned)).sum(axis=0), trials),
        lead=confidence.median(ratio),
        lead_steps=confidence.median(np.where(counted, learned_step - peak_step, np.nan)),
        drift_fraction=None
        if drift is None
        else confidence.median(np.where(counted, drift.progress, np.nan)),
        effect=against.effect,
        p_value=against.p_value,
        diffusion=bands,
        drift=drift_bands,
        aligned=align(view, found.half, context.strength, context.settings.path_limit),
    )


def _quartiles(values: Floats) -> Floats:
    columns = [column[np.isfinite(column)] for column in values.T]
    empty = np.full(3, np.nan)
    return np.array([np.quantile(one, (0.25, 0.5, 0.75)) if len(one) else empty for one in columns]).T


SECTION = register_section(
    Section(
        name="diffusion",
        record=Diffusion,
        measure=measure,
        order=80,
        applies=of_networks,
        cost=Cost(
            (0, 0.00451, 0, 4.12e-05, 1.63e-05, 1.76e-07, 7.18e-07, 6.31e-07)
        ),  # fitted over measured: 0.68 to 1.21
    )
)
