"""What the page says of saddles: visits, curvature, and the noise there."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.analysis.tails.verdict import TOLERANCE
from fastsde.report import saddle_figures as figures
from fastsde.report import tables
from fastsde.report.spec import FigureSpec

if TYPE_CHECKING:
    from fastsde.analysis.saddles.section import Saddles
    from fastsde.analysis.tails.tail_report import TailReport

__all__ = ["SPECS"]


def _found(analysis: Analysis) -> Saddles | None:
    return analysis.sections.get("saddles")


def _visited(analysis: Analysis) -> bool:
    found = _found(analysis)
    return found is not None and bool(figures.drawn_saddles(found))


def _curved(analysis: Analysis) -> bool:
    found = _found(analysis)
    return found is not None and figures.has_curvature(found)


def _noisy(analysis: Analysis) -> bool:
    found = _found(analysis)
    known = [] if found is None else [figures.spread(one)[:, 1] for one in found.noise.values()]
    return bool(known) and _visited(analysis) and bool(np.isfinite(known).any())


def _name(found: Saddles, saddle: int) -> str:
    kept = found.kept[saddle]
    if kept == "none":
        return "the origin"
    return f"the saddle with mode{'s' if '+' in kept else ''} {kept}"


def _beyond(found: Saddles) -> int:
    """Return the saddle after the origin that is visited most by all models together, or the origin."""
    total = np.sum([one.visits for one in found.models.values()], axis=0) * (found.rank > 0)
    return int(np.argmax(total)) if total.any() else 0


def _range(analysis: Analysis, values: dict[str, float], pattern: str) -> str:
    """Say a number of the reference, or of the first model, and the range over the others."""
    known = {name: value for name, value in values.items() if np.isfinite(value)}
    if not known:
        return "unknown"
    first = next(name for name in ordered(analysis) if name in known)
    text = f"{pattern.format(known.pop(first))} in {escape(first)}"
    if not known:
        return text
    low, high = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    ends = [f"{pattern.format(known[name])} ({escape(name)})" for name in dict.fromkeys((low, high))]
    return f"{text}, {' to '.join(ends)} in the others"


def _visits_finding(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    saddle = _beyond(found)
    share = {
        name: 100 * one.visits[saddle] / analysis.models[name].trajectories
        for name, one in found.models.items()
    }
    return f"Trajectories seen at {_name(found, saddle)}: {_range(analysis, share, '{:.0f} %')}."


def _visits_table(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    shown = figures.drawn_saddles(found)
    step = time_per_step(analysis)
    head = ("model", *(_name(found, k) + ("" if found.top[k] else " (not the strongest)") for k in shown))
    rows = []
    for name in ordered(analysis):
        one = found.models[name]
        cells = []
        for k in shown:
            if not one.visits[k]:
                cells.append(tables.NOTHING)
                continue
            low, middle, high = one.dwell[k] / step
            text = (
                f"<b>{one.visits[k]:,.0f}</b> <small>{middle:,.0f} steps ({low:,.0f} to {high:,.0f})</small>"
            )
            text += f'<span class="what">first seen at step {one.entry[k, 1] / step:,.0f}</span>'
            if one.strict[k] or one.flat[k]:
                text += f'<span class="what">strict {one.strict[k]:,.0f}, flat {one.flat[k]:,.0f}</span>'
            cells.append(text)
        rows.append([escape(name), *cells])
    return tables.table(head, rows)


def _visits_note(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    white = np.isfinite(found.plateau).any()
    level = (
        f", and the loss within {100 * found.loss_rule:g} % of the plateau's height above the minimum"
        if white
        else ", whatever the loss, since the inputs are not white"
    )
    return (
        f"<p>Trajectories that visit, time seen there with the range of 90 % of visits, and what the "
        f"curvature says. A visit is two snapshots or more at which the full gradient is below "
        f"{100 * found.gradient_rule:g} % of {found.gradient_scale:.3g}, its usual largest norm; the "
        f"relative rate of descent below {100 * found.rate_rule:g} % of its largest{level}. "
        f"Gradient: {escape(found.gradient_source)}. Curvature: {escape(found.curvature_source)}.</p>"
    )


def _curvature_finding(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    strict = np.sum([one.strict for one in found.models.values()], axis=0)
    flat = np.sum([one.flat for one in found.models.values()], axis=0)
    known = [k for k in figures.drawn_saddles(found) if strict[k] + flat[k] > 0]
    share = {k: 100 * strict[k] / (strict[k] + flat[k]) for k in known}
    if all(value == 100 for value in share.values()):
        return "Every point visited near a saddle has a negative eigenvalue of account."
    parts = [f"{_name(found, k)} in {value:.0f} % of visits" for k, value in share.items()]
    return "Strict, with a negative eigenvalue of account: " + ", ".join(parts) + "; flat in the others."


def _noise_finding(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    saddle = _beyond(found)
    if not any(np.isfinite(figures.spread(one)[saddle, 1]) for one in found.noise.values()):
        saddle = 0
    spread = {name: figures.spread(one)[saddle, 1] for name, one in found.noise.items()}
    along = {name: figures.along(one)[saddle] for name, one in found.noise.items()}
    return (
        f"Directions with noise at {_name(found, saddle)}: {_range(analysis, spread, '{:.3g}')}. Variance "
        f"along the next mode over the mean: {_range(analysis, along, '{:.2g}')}."
    )


def _noise_table(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    shown = figures.drawn_saddles(found)
    head = ("model", *(_name(found, k) for k in shown))
    rows = [
        [escape(name), *(_noise_cell(found, name, k) for k in shown)]
        for name in ordered(analysis)
        if name in found.noise
    ]
    note = (
        f"<p>Directions with noise (range of 90 % of points); relative variance along the next mode and "
        f"along the least curvature; tail of single steps along the next mode in units of the "
        f"trajectory's own noise level, where that is recorded, and what all tail estimators say together. "
        f"From: {escape(found.noise_source)}.</p>"
    )
    return note + tables.table(head, rows)


def _noise_cell(found: Saddles, name: str, k: int) -> str:
    one = found.noise[name]
    low, middle, high = figures.spread(one)[k]
    if not np.isfinite(middle):
        return tables.NOTHING
    span = f" <small>({low:.3g} to {high:.3g})</small>" if low < high else ""
    text = f"<b>{middle:.3g}</b>{span}"
    curve = f", least curvature {one.along_lowest[k]:.2g}" if np.isfinite(one.along_lowest[k]) else ""
    text += f'<span class="what">along the next mode {figures.along(one)[k]:.2g}{curve}</span>'
    return text + _tail(one.tails, k)


def _tail(found: TailReport, k: int) -> str:
    """Hill's and the stable index of steps near a saddle, and what all estimators say together."""
    hill, stable = (found.estimates[name] for name in ("hill", "characteristic"))
    if not np.isfinite(hill.index[k]):
        return ""
    spans = [f"{one.index[k]:.2g} ({one.low[k]:.2g} to {one.high[k]:.2g})" for one in (hill, stable)]
    text = f"tail of {found.count[k]:,.0f} steps: Hill {spans[0]}, if stable {spans[1]}; {found.verdict[k]}"
    if found.disagreement[k] > TOLERANCE:
        text += f"; <b>estimators disagree by {found.disagreement[k]:.2g}</b>"
    return f'<span class="what">{text}</span>'


SPECS = (
    FigureSpec(
        name="saddle_visits",
        title="Saddles on the way",
        caption=(
            "Saddles are told apart by the modes that are above half their strength. Noise keeps "
            "trajectories from coming near a saddle, and short stays fall between snapshots: a model that "
            "is seen less often need not have passed elsewhere. The time seen is a lower bound of the stay."
        ),
        source="<code>analysis.h5 sections/saddles/models</code>, from loss, gradient norm and modes.",
        draw=figures.visits,
        applies=_visited,
        finding=_visits_finding,
        beside=lambda analysis: _visits_note(analysis) + _visits_table(analysis),
    ),
    FigureSpec(
        name="saddle_curvature",
        title="Curvature at the saddles",
        caption=(
            "Smallest and largest eigenvalue of the Hessian at the closest approach of each visit: median "
            "and range of 90 % of visits. <b>With three layers or more the saddles that keep the strongest "
            "modes have no negative eigenvalue, and what is seen is the distance from the saddle;</b> only "
            "those that keep weaker modes instead are strict. A minimum is never told by its eigenvalues "
            "here."
        ),
        source=(
            "<code>analysis.h5 sections/saddles/models/MODEL/lowest, highest</code>; Lanczos on exact "
            "Hessian products, twice reorthogonalised, residual bound in <code>error</code>. Unit: largest "
            "eigenvalue at the balanced minimum. Strict: below minus a hundredth of it by more than the "
            "bound."
        ),
        draw=figures.curvature,
        applies=_curved,
        finding=_curvature_finding,
    ),
    FigureSpec(
        name="saddle_noise",
        title="Noise at the saddles",
        caption=(
            "Left: the participation ratio (sum of eigenvalues)&sup2; / sum of squares of the covariance "
            "of the model's noise at visited points, median and range of 90 %; it is the number of "
            "parameters if all directions have the same noise. Right: variance along the direction that "
            "raises the strongest mode not kept, over the mean variance. Gradient noise vanishes in "
            "directions in which the layers do: it amplifies an escape that has begun and begins none."
        ),
        source=(
            "<code>analysis.h5 sections/saddles/noise</code>; exact covariance of one sample's gradient at "
            "the recorded states, or the sign covariance of single steps (<code>update_noise</code>) in "
            "the modes."
        ),
        draw=figures.noise,
        applies=_noisy,
        finding=_noise_finding,
        beside=_noise_table,
    ),
)
