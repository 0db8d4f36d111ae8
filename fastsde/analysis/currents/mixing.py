"""How long modes remember: autocorrelations over the late part of a run, and integrated mixing times.

Correlations are between trajectories, of the last snapshot with each earlier one of the late window, so that
closely spaced snapshots at the end give the short lags; nothing is averaged along a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from fastsde.analysis.confidence import Interval
from fastsde.analysis.late_window import LateWindow, spread_out, survivors, unfit
from fastsde.analysis.levels import INTERVAL
from fastsde.analysis.protocols import Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

RESAMPLED = 200
GROUPS = 200
FORGOTTEN = 0.1
"""A correlation below this counts as gone."""
OSCILLATING = -0.2
FEWEST_LAGS = 4


@dataclass(frozen=True)
class Mixing:
    """Memory of the modes in one model.

    Attributes
    ----------
    reason : str
        Why there is none; empty if there is.
    lags : ndarray, shape (lag,)
        In learning-rate steps, the first 0.
    correlation : Interval
        Autocorrelation, shape (lag, mode); intervals by a bootstrap over trajectories.
    time : Interval
        Integrated correlation time in learning-rate steps, shape (mode,): the area under the correlation
        until it is first below one tenth; a lower bound where that does not happen.
    verdict : tuple of str
        For each mode "resolved", "oscillates" (surely below -0.2 at some lag, their number allowed for:
        shuffled epochs do that), "longer" than the window, "shorter" than the first lag (not surely above one
        tenth there), or "still".
    """

    reason: str
    lags: Floats
    correlation: Interval
    time: Interval
    verdict: tuple[str, ...]


@dataclass(frozen=True)
class MixingTimes:
    """Memory of the modes in all models."""

    models: dict[str, Mixing]


def measure(context: Context) -> MixingTimes | None:
    """Correlate the modes over the late window of every model."""
    if not context.recorded("modes"):
        return None
    return MixingTimes({name: _mixing(context, name, view) for name, view in context.views.items()})


def _mixing(context: Context, name: str, view: Trajectories) -> Mixing:
    window = LateWindow.of(view.step, context.settings.late)
    alive = survivors(view)
    study = context.ensemble.study
    reason = unfit(study.models[name], len(study.widths) - 1, int(alive.sum()))
    if not reason and len(window.snapshots) < FEWEST_LAGS:
        reason = f"only {len(window.snapshots)} snapshots in the late window"
    last = np.asarray(view.read("modes", window.snapshots[-1]), dtype=np.float64)[alive]
    if not reason and not spread_out(last, float(context.scale.max())):
        reason = "the modes do not move"
    modes = len(context.strength)
    if reason:
        nothing = np.empty((0, modes))
        none = np.full(modes, np.nan)
        return Mixing(
            reason, np.empty(0), Interval(nothing, nothing, nothing), Interval(none, none, none), ()
        )
    groups = min(GROUPS, len(last))
    sums = np.stack(
        [
            _sums(last, np.asarray(view.read("modes", s), dtype=np.float64)[alive], groups)
            for s in window.snapshots[::-1]
        ]
    )
    step = view.step[list(window.snapshots[::-1])].astype(np.float64)
    return _estimate(sums, step[0] - step, context.settings.seed)


def _sums(x: Floats, y: Floats, groups: int) -> Floats:
    """Sum 1, x, y, x^2, y^2 and xy over the trajectories of each group, (group, 6, mode); x, y centred."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    found = np.zeros((groups, 6, x.shape[1]))
    for place, terms in enumerate((np.ones_like(x), x, y, x * x, y * y, x * y)):
        for group in range(groups):
            found[group, place] = terms[group::groups].sum(axis=0)
    return found


def _correlation(sums: Floats) -> Floats:
    """Pearson's correlation from sums (..., 6, mode)."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = xy / n - x * y / n**2
        return np.asarray(covariance / np.sqrt((xx / n - x**2 / n**2) * (yy / n - y**2 / n**2)))


def _estimate(sums: Floats, lags: Floats, seed: int) -> Mixing:
    groups = sums.shape[1]
    random = np.random.Generator(np.random.Philox(seed))
    weights = random.multinomial(groups, np.full(groups, 1 / groups), RESAMPLED).astype(np.float64)
    value = _correlation(sums.sum(axis=1))
    resampled = _correlation(np.einsum("bg,lgsm->blsm", weights, sums))
    low, high = np.quantile(resampled, INTERVAL, axis=0)
    times = np.array([integrated_time(lags, one) for one in resampled])
    ends = np.quantile(times, INTERVAL, axis=0)
    time = Interval(integrated_time(lags, value), ends[0], ends[1])
    highest = _highest(value[1:], resampled[:, 1:])
    verdict = tuple(_verdict(*columns) for columns in zip(value.T, low.T, highest.T, strict=True))
    return Mixing("", lags, Interval(value, low, high), time, verdict)


def integrated_time(lags: Floats, correlation: Floats) -> Floats:
    """Area under each correlation until it first falls below one tenth, by trapezoids; (mode,).

    An exponential of rate r gives ``0.9 / r`` there and the rest is ``0.1 / r``: the last value times the
    mean slope of the logarithm is added, so that an exponential gives 1 / r.

    Examples
    --------
    >>> lags = np.linspace(0.0, 50.0, 500)
    >>> integrated_time(lags, np.exp(-lags / 7)[:, None]).round(2)
    array([7.])
    """
    highest = np.full(correlation.shape[1], np.nan)
    for mode, column in enumerate(correlation.T):
        gone = np.flatnonzero(column < FORGOTTEN)
        end = int(gone[0]) if gone.size else len(lags) - 1
        if end == 0 or not np.isfinite(column[: end + 1]).all():
            continue
        kept = np.maximum(column[: end + 1], 0.0)
        area = float(np.trapezoid(kept, lags[: end + 1]))
        rest = area * kept[end] / (1 - kept[end]) if gone.size and kept[end] < 1 else 0.0
        highest[mode] = area + rest
    return highest


def _highest(value: Floats, resampled: Floats) -> Floats:
    """Upper bounds that hold at all lags together, (lag, mode): few are wrong though one looks at the lowest.

    Normal bounds of Fisher's ``artanh`` of the correlation, each at 97.5 % to the number of lags.
    """
    inside = 1 - 1e-12
    width = norm.isf(INTERVAL[0] / max(1, len(value)))
    error = np.std(np.arctanh(np.clip(resampled, -inside, inside)), axis=0)
    return np.asarray(np.tanh(np.arctanh(np.clip(value, -inside, inside)) + width * error))


def _verdict(column: Floats, low: Floats, highest: Floats) -> str:
    if not np.isfinite(column).all():
        return "still"
    if np.min(highest) < OSCILLATING:
        return "oscillates"
    gone = np.flatnonzero(column < FORGOTTEN)
    if not gone.size:
        return "longer"
    return "shorter" if low[1] < FORGOTTEN else "resolved"


SECTION = register_section(
    Section(
        name="mixing",
        record=MixingTimes,
        measure=measure,
        order=130,
        cost=Cost((0.000802, 0, 1.44e-06, 0, 0, 0, 6.39e-10, 9.76e-09)),  # 0.03 to 1.08
    )
)
