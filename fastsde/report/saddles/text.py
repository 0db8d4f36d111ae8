"""What the page says of saddles: visits, curvature, and the noise there."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import Analysis, confidence
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import writing
from fastsde.report.saddles import figures
from fastsde.report.saddles.noise import noise_finding, noise_table
from fastsde.report.saddles.words import beyond, range_over, saddle_title, saddle_type, span
from fastsde.report.spec import FigureSpec

if TYPE_CHECKING:
    from fastsde.analysis.saddles.found import Saddles
    from fastsde.analysis.saddles.model_visits import ModelVisits

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


def _visits_finding(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    saddle = beyond(found)
    share = {name: 100 * _ends(one, "share")[saddle] for name, one in found.models.items()}
    return (
        f"Trajectories seen at {saddle_title(found, saddle)}: {range_over(analysis, share, '{:.0f}', ' %')}."
    )


def _ends(one: ModelVisits, value: str, stem: str = "") -> Floats:
    """Return a value with its interval, shape (saddle, 3)."""
    stem = stem or value
    return np.stack([getattr(one, f"{stem}_low"), getattr(one, value), getattr(one, f"{stem}_high")], axis=1)


def _visits_table(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    shown = figures.drawn_saddles(found)
    step = time_per_step(analysis)
    head = (
        "model",
        *(saddle_title(found, k) + ("" if found.top[k] else " (not the strongest)") for k in shown),
    )
    rows = [["<i>the saddle itself</i>", *(saddle_type(found, k) or writing.NOTHING for k in shown)]]
    for name in ordered(analysis):
        one = found.models[name]
        cells = []
        for k in shown:
            if not one.visits[k]:
                cells.append(writing.NOTHING)
                continue
            low, middle, high = one.dwell[k] / step
            text = (
                f"<b>{one.visits[k]:,.0f}</b> <small>{middle:,.0f} steps ({low:,.0f} to {high:,.0f})</small>"
            )
            text += f'<span class="what">first seen at step {one.entry[k, 1] / step:,.0f}</span>'
            text += _distance(one, k)
            looked = one.negative[k] + one.not_negative[k]
            if looked:
                text += '<span class="what">negative eigenvalue at the visiting state in '
                text += f"{one.negative[k]:,.0f} of {looked:,.0f}</span>"
            cells.append(text)
        rows.append([escape(name), *cells])
    return writing.tables(head, rows)


def _distance(one: ModelVisits, k: int) -> str:
    """Say how far W is from the saddle's at the closest approach, and whether it has as many large values."""
    low, middle, high = one.distance[k]
    if not np.isfinite(middle):
        return ""
    text = f"distance {middle:.2g} ({low:.2g} to {high:.2g})"
    if np.isfinite(one.rank_distance[k, 1]):
        text += f", from any map of its rank {one.rank_distance[k, 1]:.2g}"
    if one.same_rank[k] < 1:
        text += f"; rank as the saddle's in {span(100 * _ends(one, 'same_rank')[k], '{:.0f}', ' %')}"
    return f'<span class="what">{text}</span>'


def _visits_note(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    level = (
        f", and the loss within {100 * found.loss_rule:g} % of the plateau's height above the minimum"
        if np.isfinite(found.plateau).any()
        else ", whatever the loss, since that of the saddles is not known"
    )
    return (
        f"<p>Trajectories that visit, time seen there with the range of 90 % of visits, relative distance "
        f"of W from the saddle's with the same range, and how many visiting states have a significantly "
        f"negative eigenvalue. <b>Strict or flat is the saddle itself</b>, by the Hessian at the balanced "
        f"layers with the saddle's W; a visiting state is some way off, and its curvature another. Saddles "
        f"are named by "
        f"{escape(found.naming)}. A visit is two snapshots or more at which the full gradient is below "
        f"{100 * found.gradient_rule:g} % of {found.gradient_scale:.3g}, its usual largest norm; the "
        f"relative rate of descent below {100 * found.rate_rule:g} % of its largest{level}. "
        f"Gradient: {escape(found.gradient_source)}. Distance: {escape(found.distance_source)}. "
        f"Curvature: {escape(found.curvature_source)}.</p>"
    )


def _curvature_finding(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    shown = figures.drawn_saddles(found)
    own = [f"{saddle_title(found, k)}: {words}" for k in shown if (words := saddle_type(found, k))]
    said = [f"The saddles themselves: {'; '.join(own)}."] if own else []
    return " ".join([*said, *_at_visits(found, shown)])


def _at_visits(found: Saddles, shown: list[int]) -> list[str]:
    """Say at how many visiting states an eigenvalue is negative, and where that is not the saddle's doing."""
    negative = np.sum([one.negative for one in found.models.values()], axis=0)
    looked = negative + np.sum([one.not_negative for one in found.models.values()], axis=0)
    share = confidence.share(negative, looked)
    parts = [
        f"{saddle_title(found, k)} in {span(100 * _interval(share, k), '{:.0f}', ' %')} of visits"
        for k in shown
        if looked[k] > 0
    ]
    if not parts:
        return []
    text = f"The visiting states have a significantly negative eigenvalue: {', '.join(parts)}."
    if any(found.types.strict[k] == 0 and negative[k] > 0 for k in shown):
        text += " Where the saddle itself is flat, that is due to the distance from it."
    return [text]


def _interval(share: confidence.Interval, saddle: int) -> Floats:
    return np.array([share.low[saddle], share.value[saddle], share.high[saddle]])


SPECS = (
    FigureSpec(
        name="saddle_visits",
        title="Saddles on the way",
        caption=(
            "Saddles are distinguished by the modes that are above half their strength. Noise keeps "
            "trajectories from coming near a saddle, and short stays fall between snapshots: a model that "
            "is seen less often need not have passed elsewhere. The time seen is a lower bound of the stay."
        ),
        source=(
            "<code>analysis.h5 sections/saddles/models</code>, from loss, gradient norm, and modes or W; "
            "shares with Wilson's intervals. Distance: |W &minus; W<sub>K</sub>| over |W<sub>K</sub>|, "
            "W<sub>K</sub> = U<sub>K</sub> U<sub>K</sub><sup>T</sup> W* that of the saddle (Baldi and Hornik "
            "1989), at the origin over the size of the first mode."
        ),
        draw=figures.visits,
        applies=_visited,
        finding=_visits_finding,
        beside=lambda analysis: _visits_note(analysis) + _visits_table(analysis),
    ),
    FigureSpec(
        name="saddle_curvature",
        title="Curvature at the saddles",
        caption=(
            "Smallest and largest eigenvalue of the Hessian. Lines: of the saddle itself, which is strict if "
            "the smallest is negative, else flat. Points: at the closest approach of each visit, median and "
            "range of 90 % of visits. That state is some way off the saddle, and may have a negative "
            "eigenvalue where the saddle has none. Minima are not identified by their eigenvalues."
        ),
        source=(
            "<code>analysis.h5 sections/saddles/types</code>: Hessian at balanced layers with the saddle's W "
            "and rank; strict if the smallest eigenvalue is below minus its error bound. "
            "<code>sections/saddles/models/MODEL/lowest, highest</code>: Lanczos on exact Hessian products "
            "at the visiting states, error bound in <code>error</code>. Unit: largest eigenvalue at the "
            "balanced minimum; a significantly negative eigenvalue is below minus a hundredth of it by more "
            "than the bound."
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
            "the modes of the optimum, with intervals over trajectories; medians over points between order "
            "statistics."
        ),
        draw=figures.noise,
        applies=_noisy,
        finding=noise_finding,
        beside=noise_table,
    ),
)
