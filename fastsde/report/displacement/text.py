"""What the page says of displacement."""

from __future__ import annotations

from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.confidence import Interval
from fastsde.analysis.displacement.section import Displacement
from fastsde.analysis.summary import ordered
from fastsde.report.displacement.figures import origins
from fastsde.report.writing import spanned, table

__all__ = ["finding", "summary"]


def finding(analysis: Analysis) -> str:
    """Say how the displacement grows at the end."""
    found: Displacement = analysis.sections["displacement"]
    last = origins(found)[-1]
    parts = []
    for name in (one for one in ordered(analysis) if last in found.models.get(one, {})):
        law = found.models[name][last]
        exists = np.isfinite(law.mean_square.value).any()
        exponent, what = (law.exponent, "") if exists else (law.median_exponent, " of the median")
        parts.append(f"{_word(exponent)} in {escape(name)} (exponent{what} {spanned(exponent)})")
    return f"Squared displacement from {'the start' if last == 'start' else last}: {'; '.join(parts)}."


def _word(exponent: Interval) -> str:
    """Name a growth by whether its interval contains 0, 1 or 2, or lies between them.

    Examples
    --------
    >>> _word(Interval(np.array(0.5), np.array(0.4), np.array(0.6)))
    'subdiffusive'
    """
    low, high = float(exponent.low), float(exponent.high)
    if not np.isfinite([low, high]).all():
        return "without an exponent"
    for value, word in ((1.0, "diffusive"), (0.0, "stationary"), (2.0, "ballistic")):
        if low <= value <= high:
            return word
    if high < 0:
        return "decreasing"
    return "subdiffusive" if high < 1 else "superdiffusive"


def summary(analysis: Analysis) -> str:
    """Tabulate exponents of mean and median, and both at the longest lag."""
    found: Displacement = analysis.sections["displacement"]
    head = ("model", "from", "exponent of the mean", "exponent of the median", "mean square at the end",
            "median at the end")  # fmt: skip
    rows = [
        [
            escape(name),
            start,
            spanned(one.exponent),
            spanned(one.median_exponent),
            spanned(one.mean_square, -1),
            spanned(one.median_square, -1),
        ]
        for name in ordered(analysis)
        for start, one in found.models.get(name, {}).items()
    ]
    return table(head, rows)
