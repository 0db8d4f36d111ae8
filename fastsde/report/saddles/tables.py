"""Table of the visits of saddles."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import writing
from fastsde.report.saddles import figures
from fastsde.report.saddles.words import saddle_title, saddle_type, span

if TYPE_CHECKING:
    from fastsde.analysis.saddles.model_visits import ModelVisits


def ends(one: ModelVisits, value: str, stem: str = "") -> Floats:
    """Return a value with its interval, shape (saddle, 3)."""
    stem = stem or value
    return np.stack([getattr(one, f"{stem}_low"), getattr(one, value), getattr(one, f"{stem}_high")], axis=1)


def visits(analysis: Analysis) -> str:
    """Say what counts as a visit, and tabulate the visits of every model to the saddles."""
    return _visits_note(analysis) + _visits_table(analysis)


def _visits_table(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    shown = figures.drawn_saddles(found)
    step = time_per_step(analysis)
    head = (
        "saddle, model",
        "visits",
        "time seen there (steps)",
        "first seen at step",
        "distance",
        "visiting states with a negative eigenvalue",
    )
    rows = []
    for k in shown:
        title = saddle_title(found, k) + ("" if found.top[k] else " (not the strongest)")
        for name in ordered(analysis):
            one = found.models[name]
            if one.visits[k]:
                label = f'{title}, {escape(name)}<span class="what">{saddle_type(found, k)}</span>'
                rows.append([label, *_visit(one, k, step)])
    return writing.table(head, rows)


def _visit(one: ModelVisits, k: int, step: float) -> list[str]:
    """Write the numbers of a model's visits to a saddle."""
    low, middle, high = one.dwell[k] / step
    looked = one.negative[k] + one.not_negative[k]
    return [
        f"<b>{one.visits[k]:,.0f}</b>",
        f"{middle:,.0f} <small>({low:,.0f} to {high:,.0f})</small>",
        f"{one.entry[k, 1] / step:,.0f}",
        _distance(one, k) or writing.NOTHING,
        f"{one.negative[k]:,.0f} of {looked:,.0f}" if looked else writing.NOTHING,
    ]


def _distance(one: ModelVisits, k: int) -> str:
    """Say how far W is from the saddle's at the closest approach, and whether it has as many large values."""
    low, middle, high = one.distance[k]
    if not np.isfinite(middle):
        return ""
    text = f"{middle:.2g} ({low:.2g} to {high:.2g})"
    if np.isfinite(one.rank_distance[k, 1]):
        text += f", from any map of its rank {one.rank_distance[k, 1]:.2g}"
    if one.same_rank[k] < 1:
        text += f"; rank as the saddle's in {span(100 * ends(one, 'same_rank')[k], '{:.0f}', ' %')}"
    return text


def _visits_note(analysis: Analysis) -> str:
    found = analysis.sections["saddles"]
    level = (
        f", and the loss within {100 * found.loss_rule:g} % of the plateau's height above the minimum"
        if np.isfinite(found.plateau).any()
        else ", whatever the loss, since that of the saddles is not known"
    )
    return (
        "<p>Number of trajectories that visit, time seen there with the range of 90 % of visits, relative "
        "distance between W and the saddle's W with the same range, and the number of visiting states with "
        "a significantly negative eigenvalue. <b>The saddle itself is strict or flat</b> by the Hessian at "
        "balanced layers with the saddle's W; a visiting state is at some distance from it and has another "
        "curvature. Saddles "
        f"are named by "
        f"{escape(found.naming)}. A visit is two snapshots or more at which the full gradient is below "
        f"{100 * found.gradient_rule:g} % of {found.gradient_scale:.3g}, its typical largest norm, the "
        f"relative rate of descent is below {100 * found.rate_rule:g} % of its largest{level}. "
        f"Gradient: {escape(found.gradient_source)}. Distance: {escape(found.distance_source)}. "
        f"Curvature: {escape(found.curvature_source)}.</p>"
    )
