"""What the page says of the noise at saddles: its directions, and its tail."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.summary import ordered
from fastsde.analysis.tails.verdict import TOLERANCE
from fastsde.report import writing
from fastsde.report.saddles import figures
from fastsde.report.saddles.words import beyond, range_over, saddle_title, span

if TYPE_CHECKING:
    from fastsde.analysis.saddles.found import Saddles
    from fastsde.analysis.tails.tail_report import TailReport

__all__ = ["noise_finding", "noise_table"]


def noise_finding(analysis: Analysis) -> str:
    """Say how many directions have noise at the saddle visited most after the origin, and how it lies."""
    found = analysis.sections["saddles"]
    saddle = beyond(found)
    if not any(np.isfinite(figures.spread(one)[saddle, 1]) for one in found.noise.values()):
        saddle = 0
    spread = {name: figures.spread(one)[saddle] for name, one in found.noise.items()}
    along = {name: figures.along(one)[saddle] for name, one in found.noise.items()}
    title = saddle_title(found, saddle)
    return (
        f"Directions with noise at {title}: {range_over(analysis, spread, '{:.3g}')}. "
        f"Variance along the next mode over the mean: {range_over(analysis, along, '{:.2g}')}."
    )


def noise_table(analysis: Analysis) -> str:
    """Tabulate the noise of every model at the saddles visited most."""
    found = analysis.sections["saddles"]
    shown = figures.drawn_saddles(found)
    head = ("model", *(saddle_title(found, k) for k in shown))
    rows = [
        [escape(name), *(_noise_cell(found, name, k) for k in shown)]
        for name in ordered(analysis)
        if name in found.noise
    ]
    note = (
        "<p>Directions with noise (range of 90 % of states, or 95 % interval where measured from single "
        "steps); "
        "relative variance along the next mode and along the least curvature, medians over states with 95 % "
        "intervals; tail of single steps along the next mode in units of the "
        "trajectory's own noise level, where that is recorded, and the verdict of all tail estimators "
        "together. "
        f"From: {escape(found.noise_source)}.</p>"
    )
    return note + writing.tables(head, rows)


def _noise_cell(found: Saddles, name: str, k: int) -> str:
    one = found.noise[name]
    low, middle, high = figures.spread(one)[k]
    if not np.isfinite(middle):
        return writing.NOTHING
    text = f"<b>{middle:.3g}</b>" + (f" <small>({low:.3g} to {high:.3g})</small>" if low < high else "")
    text += f'<span class="what">along the next mode {span(figures.along(one)[k], "{:.2g}")}'
    if np.isfinite(one.along_lowest[k]):
        ends = np.array([one.along_lowest_low[k], one.along_lowest[k], one.along_lowest_high[k]])
        text += f", least curvature {span(ends, '{:.2g}')}"
    text += "</span>"
    return text + _tail(one.tails, k)


def _tail(found: TailReport, k: int) -> str:
    """Hill's and the stable index of steps near a saddle, and what all estimators say together."""
    if np.isnan(found.estimates["hill"].index[k]):
        return ""
    spans = [
        writing.tail_span(*(float(end[k]) for end in (one.index, one.low, one.high)))
        for one in (found.estimates[name] for name in ("moment", "characteristic"))
    ]
    text = f"tail of {found.count[k]:,.0f} steps: index {spans[0]}, if stable {spans[1]}; {found.verdict[k]}"
    if found.gaussian_p[k] < found.significance[k] and found.disagreement[k] > TOLERANCE:
        text += f"; <b>estimators disagree by {found.disagreement[k]:.2g}</b>"
    return f'<span class="what">{text}</span>'
