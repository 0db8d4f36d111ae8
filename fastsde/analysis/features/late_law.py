"""The late-time law of each mode: against the fixed point of gradient flow, and against a Boltzmann law.

Gradient flow ends at the optimum, each mode at its strength. Without label noise gradient noise vanishes
there, so that SGD's law collapses onto the same point; with label noise it spreads around it, and looks like
a Boltzmann law at best (`fastsde.analysis.features.boltzmann`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from fastsde.analysis import confidence
from fastsde.analysis.confidence import Interval
from fastsde.analysis.features import boltzmann
from fastsde.analysis.features.boltzmann import Fit, Temperatures
from fastsde.analysis.late_window import stop_times, survivors, unfit
from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.protocols import Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, of_regressions, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

SAMPLE = 2000
"""Trajectories of the Kolmogorov-Smirnov tests."""
COLLAPSED = 1e-6
"""A mode whose spread is below this share of its strength is at a point."""


@dataclass(frozen=True)
class LateLaw:
    """The law of the modes at the last snapshot, in one model.

    Attributes
    ----------
    reason : str
        Why there are no temperatures; empty if there are.
    counted, diverged : int
    learned : ndarray, shape (mode,)
        Share of trajectories whose mode has at least half of its strength: the law is that of the minimum
        only where all have.
    offset : Interval
        Mean less the fixed point of gradient flow, as a share of the mode's strength, shape (mode,).
    spread : ndarray, shape (mode,)
        Standard deviation as a share of the strength.
    settled : Interval
        Ratio of the standard deviation to that at the beginning of the late window, shape (mode,). NaN where
        there is no spread. One interval in twenty excludes 1 where the law is exact: see `moves`.
    motion_p : float or None
        p-value of the hypothesis that no mode's mean and standard deviation changed in the late window, by
        the largest change and the number of them (Bonferroni); None where there is a reason.
    temperatures : Temperatures or None
        In units of the loss.
    shape : dict of str to Fit
        "mode 1", ...: each mode against a normal law of its own mean and variance.
    boltzmann : Fit or None
        All modes, in units of the Boltzmann law of one common temperature fitted to them.
    own_temperature : float or None
        The temperature of the model's own noise, if it is isotropic.
    gibbs : Fit or None
        All modes against the Boltzmann law of the model's own temperature; nothing is fitted.
    """

    reason: str
    counted: int
    diverged: int
    learned: Floats
    offset: Interval
    spread: Floats
    settled: Interval
    motion_p: float | None
    temperatures: Temperatures | None
    shape: dict[str, Fit]
    boltzmann: Fit | None
    own_temperature: float | None
    gibbs: Fit | None

    @property
    def moves(self) -> bool:
        """Whether the law significantly moves still; of stationary laws at most one in twenty does."""
        return self.motion_p is not None and self.motion_p < SIGNIFICANCE


@dataclass(frozen=True)
class LateLaws:
    """Late-time laws of all models.

    Attributes
    ----------
    exact : bool
        The network has one layer, and the Boltzmann law is its Gibbs law; deeper, it is the local law of W.
    label_noise : bool
        Whether the least loss is above zero: only then does gradient noise survive at the minimum.
    first_step, last_step : float
        Beginning and end of the late window.
    models : dict of str to LateLaw
    """

    exact: bool
    label_noise: bool
    first_step: float
    last_step: float
    models: dict[str, LateLaw]


def measure(context: Context) -> LateLaws | None:
    """Take the law of the modes at the last snapshot of every model."""
    if not context.recorded("modes"):
        return None
    problem = context.ensemble.problem
    view = next(iter(context.views.values()))
    first = int(np.searchsorted(view.time, context.settings.late * view.time[-1]))
    first = min(first, max(0, len(view.time) - 2))
    label_noise = not float(problem.optimum_loss) <= 1e-12 * float(np.sum(context.strength**2))
    models = {name: _law(context, name, one, first) for name, one in context.views.items()}
    depth = len(context.ensemble.study.widths) - 1
    return LateLaws(depth == 1, label_noise, float(view.step[first]), float(view.step[-1]), models)


def susceptibility(problem: Any) -> Floats:
    """Variance ``v_a^T S^+ v_a / c`` of each mode at temperature 1; NaN for a mode without strength.

    Parameters
    ----------
    problem : fastsde.problem.data.Problem
    """
    inverse = np.linalg.pinv(np.asarray(problem.covariance), rcond=1e-12, hermitian=True)
    right = np.asarray(problem.mode_right)
    found = np.einsum("ia,ij,ja->a", right, inverse, right) / float(problem.loss_scale)
    return np.asarray(np.where(np.asarray(problem.mode_strength) > 0, found, np.nan))


def _law(context: Context, name: str, view: Trajectories, first: int) -> LateLaw:
    last = np.asarray(view.read("modes", -1), dtype=np.float64)
    alive = survivors(view) & np.isfinite(last).all(axis=1)
    last = last[alive]
    earlier = np.asarray(view.read("modes", first), dtype=np.float64)[alive]
    scale, nothing = context.scale, np.full(len(context.scale), np.nan)
    spread = last.std(axis=0) / scale if len(last) else nothing
    own = view.attributes.get("temperature")
    reason = _reason(context, context.ensemble.study.models[name], len(last), spread)
    law = LateLaw(
        reason=reason,
        counted=len(last),
        diverged=view.count - len(last) - int(np.isfinite(stop_times(view)).sum()),
        learned=(last >= 0.5 * context.strength).mean(axis=0) if len(last) else nothing,
        offset=confidence.mean((last - context.strength) / scale),
        spread=spread,
        settled=_settled(earlier, last) if len(last) else Interval(nothing, nothing, nothing),
        motion_p=None if reason else motion(earlier[:, spread > COLLAPSED], last[:, spread > COLLAPSED]),
        temperatures=None,
        shape={},
        boltzmann=None,
        own_temperature=None if own is None else float(own),
        gibbs=None,
    )
    return law if reason else _compared(context, law, last)


def _compared(context: Context, law: LateLaw, last: Floats) -> LateLaw:
    """Add temperatures and the comparison with Boltzmann laws."""
    unit = np.where(law.spread > COLLAPSED, susceptibility(context.ensemble.problem), np.nan)
    known = np.flatnonzero(np.isfinite(unit))
    seed, sample = context.settings.seed, last[:SAMPLE]
    standard = ((sample - context.strength) / np.sqrt(unit))[:, known].ravel()
    own = law.own_temperature
    return replace(
        law,
        temperatures=boltzmann.temperatures(last, unit),
        shape={f"mode {a + 1}": boltzmann.normal_fit(sample[:, a], seed) for a in known.tolist()},
        boltzmann=boltzmann.scaled_fit(standard, seed),
        gibbs=boltzmann.given_fit(standard / math.sqrt(own)) if own is not None and own > 0 else None,
    )


def _reason(context: Context, model: Any, counted: int, spread: Floats) -> str:
    """Say why a model has no temperature, if so."""
    reason = unfit(model, len(context.ensemble.study.widths) - 1, counted)
    if reason:
        return reason
    if not np.isfinite(susceptibility(context.ensemble.problem)).any():
        return "no mode with a strength"
    if np.all(spread < COLLAPSED):
        return "collapsed onto a point"
    return ""


def motion(earlier: Floats, last: Floats) -> float | None:
    """Test whether the means and standard deviations of modes are the same at two times.

    Parameters
    ----------
    earlier, last : ndarray, shape (trajectory, mode)
        The same trajectories at the two times.

    Returns
    -------
    float or None
        Smallest p-value of the normal tests of all means and all standard deviations, times their number;
        None where there is none.

    Examples
    --------
    >>> earlier, last = np.random.default_rng(0).normal(size=(2, 1000, 4))
    >>> motion(earlier, last) > 0.05, motion(earlier, 1.2 * last) < 1e-3, motion(earlier, last + 0.2) < 1e-3
    (True, True, True)
    """
    if len(last) < 2:
        return None
    change, error = _spreads(earlier, last)
    shift = last - earlier
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = np.abs([change / error, shift.mean(axis=0) / (shift.std(axis=0, ddof=1) / len(last) ** 0.5)])
    known = scores[np.isfinite(scores)]
    return min(1.0, known.size * 2 * float(norm.sf(known.max()))) if known.size else None


def _settled(earlier: Floats, last: Floats) -> Interval:
    """Ratio of the standard deviations of the same trajectories at two times."""
    interval = confidence.around(*_spreads(earlier, last))
    return Interval(*(np.exp(end) for end in (interval.value, interval.low, interval.high)))


def _spreads(earlier: Floats, last: Floats) -> tuple[Floats, Floats]:
    """Change of the logarithm of the standard deviation, and its error; NaN where there is none.

    The logarithms differ by the mean of ``(z_last^2 - z_earlier^2) / 2`` to first order, z in units of the
    standard deviations: a mean over trajectories, whose error is known whatever the two times share.
    """
    deviations = [values.std(axis=0) for values in (earlier, last)]
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = [((v - v.mean(axis=0)) / d) ** 2 for v, d in zip((earlier, last), deviations, strict=True)]
        ratio = np.log(deviations[1] / deviations[0])
        error = np.std((squares[1] - squares[0]) / 2, axis=0) / np.sqrt(len(last))
    return np.where(np.isfinite(ratio), ratio, np.nan), error


SECTION = register_section(
    Section(
        name="late_law",
        record=LateLaws,
        measure=measure,
        order=110,
        applies=of_regressions,
        cost=Cost(
            (0, 0.0381, 0, 0, 4.03e-05, 1.55e-08, 3.41e-06, 1.13e-06)
        ),  # fitted over measured: 0.59 to 1.26
    )
)
