"""Table of escape times."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from fastsde.analysis import Analysis
from fastsde.analysis.escape.places import passage
from fastsde.analysis.phrases import between
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import writing
from fastsde.report.escape import figures
from fastsde.report.writing import p_value

if TYPE_CHECKING:
    from fastsde.analysis.escape.section import EscapeCurves


def times(analysis: Analysis) -> str:
    """Tabulate the escape times of every model, and their hazards against the reference."""
    found = analysis.sections["escape"]
    step = time_per_step(analysis)
    ranks = range(min(figures.RANKS, len(found.grid)))
    head = ("model", *(passage(found.places[rank]) for rank in ranks))
    rows = [
        [escape(name), *(_cell(found.models[name], rank, step) for rank in ranks)]
        for name in ordered(analysis)
    ]
    note = (
        "<p>Median stay in steps with its 95 % interval; mean stay restricted to the time by which 95 % of "
        "all stays have ended, both with divergence as censoring; hazard ratio of escape to "
        f"{escape(found.reference)} (Cox) and log-rank p-value, likewise. From {escape(found.source)}.</p>"
    )
    return note + writing.table(head, rows)


def _cell(one: EscapeCurves, rank: int, step: float) -> str:
    if not one.arrived[rank]:
        return writing.NOTHING
    median, low, high = (v[rank] / step for v in (one.median, one.median_low, one.median_high))
    text = writing.steps(median, low, high)
    mean, low, high = (
        v[rank] / step for v in (one.restricted_mean, one.restricted_mean_low, one.restricted_mean_high)
    )
    text += f'<span class="what">restricted mean {mean:,.0f} ({low:,.0f} to {high:,.0f}); '
    text += f"{one.escaped[rank]:,.0f} of {one.arrived[rank]:,.0f} escaped"
    text += f", {one.diverged[rank]:,.0f} diverged" if one.diverged[rank] else ""
    text += "</span>"
    if math.isfinite(one.hazard_ratio[rank]):
        span = between(one.hazard_ratio_low[rank], one.hazard_ratio_high[rank], ".2f")
        text += f'<span class="what">hazard ratio {one.hazard_ratio[rank]:.2f} ({span}), '
        text += f"p {p_value(one.logrank_p[rank], '= ')}</span>"
    return text
