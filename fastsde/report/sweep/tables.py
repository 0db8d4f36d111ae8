"""The table of a sweep: a row for each model of each case, every swept value with its unit."""

from __future__ import annotations

import csv
import io
import math
from html import escape
from typing import Any

from fastsde.analysis.cases import SweepAnalysis
from fastsde.analysis.escape.places import passage
from fastsde.analysis.sweep_rows import Row
from fastsde.report import writing
from fastsde.report.escape.figures import short_name

__all__ = ["csv_text", "heading", "html_table", "main_place", "text_rows"]

UNITS = {
    "time.learning_rate": "time per step",
    "time.steps": "steps",
    "batch": "samples",
    "temperature": "loss",
    "tempering": "per unit time",
    "weight_decay": "per unit time",
    "data.samples": "samples",
    "trajectories": "per model",
}
"""Units of swept values; others are pure numbers or words."""


def heading(key: str) -> str:
    """Name a column of swept values with its unit.

    Examples
    --------
    >>> heading("time.learning_rate"), heading("alpha"), heading("network.init.std")
    ('learning rate (time per step)', 'tail index of the noise', 'network.init.std')
    """
    unit = f" ({UNITS[key]})" if key in UNITS else ""
    return short_name(key) + unit


def main_place(found: SweepAnalysis) -> int:
    """Return the number of the place that the table and the figure are about: the first that half leave.

    Places that all have left at the start, where a study begins at a later one, are passed over.
    """
    rows = list(found.rows.values())
    for place in range(len(found.places)):
        times = [one.escape_time[place] for one in rows if len(one.escape_time) > place]
        if any(math.isfinite(time) and time > 0 for time in times):
            return place
    return 0


def text_rows(found: SweepAnalysis) -> list[dict[str, str]]:
    """Return the rows as text, for a terminal; a column that no row fills is left out."""
    place = main_place(found)
    rows = [_cells(found, one, place) for one in found.rows.values()]
    if len({(one.model, one.values) for one in found.rows.values()}) < len(rows):  # alike but for the case
        rows = [{"case": one.case, **row} for one, row in zip(found.rows.values(), rows, strict=True)]
    filled = [key for key in rows[0] if any(one[key] not in ("", "-") for one in rows)] if rows else []
    return [{key: one[key] or "-" for key in filled} for one in rows]


def _cells(found: SweepAnalysis, one: Row, place: int) -> dict[str, str]:
    where = passage(found.places[place]) if found.places else ""
    values = zip(found.columns, one.values, strict=True)
    return {
        **{heading(key): value for key, value in values},
        "model": one.model,
        "noise tail": one.tail,
        "noise tail index (mode 1)": _number(one.tail_index),
        f"escape {where}, half by (time)": _span(one, place),
        "escaped": _share(one, place),
        "final loss (median)": _number(one.final_loss),
        "diverged": f"{one.diverged:,} of {one.trajectories:,}",
    }


def _span(one: Row, place: int) -> str:
    if place >= len(one.escape_time) or math.isnan(one.escape_time[place]):
        return "-"
    time, low, high = (ends[place] for ends in (one.escape_time, one.escape_low, one.escape_high))
    if not math.isfinite(time):
        return "never"
    return f"{time:.4g} ({low:.4g} to {high:.4g})" if math.isfinite(high) else f"{time:.4g} ({low:.4g} up)"


def _share(one: Row, place: int) -> str:
    known = place < len(one.escaped) and math.isfinite(one.escaped[place])
    return f"{100 * one.escaped[place]:.0f} %" if known else "-"


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "-"


def html_table(found: SweepAnalysis) -> str:
    """Return the rows as an HTML table."""
    rows = text_rows(found)
    if not rows:
        return ""
    head = [escape(key) for key in rows[0]]
    return writing.table(head, [[escape(cell) for cell in one.values()] for one in rows])


def csv_text(found: SweepAnalysis) -> str:
    """Return all rows as CSV (RFC 4180), numbers in full and the times of every place; unknown is empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    places = [name.replace(" ", "_") for name in found.places]
    parts = ("escape_time", "escape_low", "escape_high", "escaped")
    writer.writerow(
        ["case", "model", *map(heading, found.columns), "trajectories", "diverged"]
        + ["noise_tail", "noise_tail_index", "final_loss_median"]
        + [f"{part}_{place}" for place in places for part in parts]
    )
    for one in found.rows.values():
        times = [
            _full(getattr(one, part)[place] if place < len(getattr(one, part)) else math.nan)
            for place in range(len(places))
            for part in parts
        ]
        counts = (one.trajectories, one.diverged)
        known = (one.tail, _full(one.tail_index), _full(one.final_loss))
        writer.writerow([one.case, one.model, *one.values, *counts, *known, *times])
    return text.getvalue()


def _full(value: Any) -> str:
    number = float(value)
    return "" if math.isnan(number) else repr(number)
