"""The tables of the page, in words and numbers a reader understands, as HTML."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from fastsde.analysis import Analysis
from fastsde.analysis.summary import ordered, summary, time_per_step
from fastsde.report.writing import NOTHING, number, p_value, percent, table


def results(analysis: Analysis) -> str:
    """Answer for every model: can it be told from the reference, how far is it, what explodes."""
    rows = [_result(analysis, row) for row in summary(analysis)]
    if not analysis.reference:
        return table(("model", "loss at the end (median)", "exploded"), [[row[0], *row[-2:]] for row in rows])
    reference = escape(analysis.reference)
    head = (
        "model",
        f"told from {reference}?",
        "mean distance (squared MMD)",
        "largest distance",
        "snapshots outside the chance band (5&nbsp;% by chance)",
        "mean W<sub>2</sub>, and its chance level",
        "loss at the end (median)",
        "exploded",
    )
    return table(head, rows)


def _result(analysis: Analysis, row: dict[str, Any]) -> list[str]:
    is_reference = row["model"] == analysis.reference
    return [
        _model(analysis, row["model"]),
        _verdict(row, is_reference),
        _times(row),
        _peak(row),
        percent(row["mmd_share_outside"]),
        _wasserstein(row, analysis.reference),
        number(row["final_loss"]),
        f"{row['exploded']:,} of {row['trajectories']:,}",
    ]


def _model(analysis: Analysis, name: str) -> str:
    return f'{escape(name)}<span class="what">{escape(analysis.models[name].summary)}</span>'


def _verdict(row: dict[str, Any], is_reference: bool) -> str:
    if is_reference:
        return "reference: its own two halves, as a control"
    if row["distinguishable"] is None:
        return "unknown: too few survive"
    answer = '<b class="yes">yes</b>' if row["distinguishable"] else '<b class="no">no</b>'
    return f"{answer}, at {row['compared']:,} a side"


def _times(row: dict[str, Any]) -> str:
    ratio, low, high = row["mmd_ratio"], row["mmd_low"], row["mmd_high"]
    if ratio is None:
        return NOTHING
    value = "below the chance level" if ratio < 0.05 else f"{number(ratio)} times the chance level"
    span = "" if low is None else f" <small>({number(low)} to {number(high)})</small>"
    tied = "; not told from the next" if row["closer_than_next"] is False and row["distinguishable"] else ""
    return f"{value}{span}{tied}"


def _peak(row: dict[str, Any]) -> str:
    if row["mmd_peak_ratio"] is None:
        return NOTHING
    return f"{number(row['mmd_peak_ratio'])} times, at step {row['mmd_peak_step']:,}"


def _wasserstein(row: dict[str, Any], reference: str) -> str:
    if row["wasserstein"] is None:
        return "does not exist: no variance" if reference else NOTHING
    return f"{number(row['wasserstein'])} <small>({number(row['wasserstein_null'])})</small>"


def learning_times(analysis: Analysis) -> str:
    """Median step at which each mode is learned, with its interval, and the test against the reference."""
    known = {name: analysis.models[name].learning for name in ordered(analysis)}
    modes = min(6, len(analysis.mode_strength))
    head = ("model", *(f"mode {mode + 1}" for mode in range(modes)))
    rows = [
        [escape(name), *(_learned(analysis, name, mode) for mode in range(modes))]
        for name, found in known.items()
        if found is not None
    ]
    return table(head, rows)


def _learned(analysis: Analysis, name: str, mode: int) -> str:
    found = analysis.models[name].learning
    assert found is not None
    step = time_per_step(analysis)
    median, low, high = (
        values[0, mode] / step for values in (found.median, found.median_low, found.median_high)
    )
    text = f"<b>{_step(median)}</b> <small>({_step(low)} to {_step(high)})</small>"
    missing = (("never", found.censored[0, mode]), ("exploded first", found.exploded[0, mode]))
    told = ", ".join(f"{int(count):,} {what}" for what, count in missing if count)
    text += f'<span class="what">{told}</span>' if told else ""
    if not math.isnan(found.logrank_p[0, mode]):
        text += f'<span class="what">log-rank p {p_value(float(found.logrank_p[0, mode]), "= ")}</span>'
    return text


def _step(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "never"
