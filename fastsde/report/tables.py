"""The tables of the page, in words and numbers a reader understands, as HTML."""

from __future__ import annotations

from html import escape
from typing import Any

from fastsde.analysis import Analysis
from fastsde.analysis.summary import summary
from fastsde.report.writing import NOTHING, number, p_value, percent, table


def results(analysis: Analysis) -> str:
    """Answer for every model: how far is it from the reference, is that significant, what diverges."""
    rows, words = summary(analysis), analysis.objective.vocabulary
    if not analysis.reference:
        head = ("model", f"{words.loss} at the end (median)", "diverged")
        return table(head, [[_model(analysis, row["model"]), *_ends(row)] for row in rows])
    effects = analysis.effects
    head = (
        "model",
        "effect (95&nbsp;% interval)",
        *((words.modes,) if effects.has_modes else ()),
        *(("loss, decades",) if effects.has_loss else ()),
        "by sampling alone",
        f"distinguishable from {escape(analysis.reference)}?",
        "largest squared MMD over its null quantile",
        "snapshots outside the null band (5&nbsp;% by chance)",
        f"{words.loss} at the end (median)",
        "diverged",
    )
    return table(head, [_result(analysis, row) for row in rows])


def _result(analysis: Analysis, row: dict[str, Any]) -> list[str]:
    reference, effects = row["model"] == analysis.reference, analysis.effects
    return [
        _model(analysis, row["model"]),
        effect_cell(row, reference),
        *((number(row["effect_modes"]),) if effects.has_modes else ()),
        *((number(row["effect_loss_decades"]),) if effects.has_loss else ()),
        number(row["effect_by_sampling"]),
        verdict_cell(row, reference),
        _peak(row),
        percent(row["mmd_share_outside"]),
        *_ends(row),
    ]


def _ends(row: dict[str, Any]) -> list[str]:
    return [number(row["final_loss"]), f"{row['diverged']:,} of {row['trajectories']:,}"]


def _model(analysis: Analysis, name: str) -> str:
    return f'{escape(name)}<span class="what">{escape(analysis.models[name].summary)}</span>'


def effect_cell(row: dict[str, Any], reference: bool) -> str:
    """Write the effect of a model with its interval."""
    if reference:
        return "reference"
    if row["effect"] is None:
        return NOTHING
    span = "" if row["effect_low"] is None else f"{number(row['effect_low'])} to {number(row['effect_high'])}"
    covered = row["effect_covered"]
    notes = [
        *(["not significantly closer than the next row"] if row["closer_than_next"] is False else []),
        *([f"over {percent(covered)} of the course"] if covered < 0.995 else []),
    ]
    said = f'<span class="what">{"; ".join(notes)}</span>' if notes else ""
    return f"<b>{number(row['effect'])}</b> <small>({span})</small>{said}"


def verdict_cell(row: dict[str, Any], reference: bool) -> str:
    """Write the verdict on a model with its p-value."""
    size = f"{row['compared']:,} per sample" if row["compared"] else ""
    p = "" if row["p_value"] is None else f"p {p_value(row['p_value'], '= ')}, "
    if reference:
        return f"reference (control, its two halves: {p}{size})"
    if row["distinguishable"] is None:
        return f"undetermined: {escape(row['undetermined_because'] or 'not tested')}"
    shade = "yes" if row["distinguishable"] else "no"
    return f'<b class="{shade}">{row["verdict"]}</b> ({p}{size})'


def _peak(row: dict[str, Any]) -> str:
    if row["mmd_peak_ratio"] is None:
        return NOTHING
    return f"{number(row['mmd_peak_ratio'])}, at step {row['mmd_peak_step']:,}"
