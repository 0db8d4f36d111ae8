"""How a result on plain arrays shows itself: a sentence, a table of text, plain data, HTML in a notebook."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fastsde.analysis import records
from fastsde.system.brief import html_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Shown", "axes_of", "number", "span"]

Rows = list[dict[str, str]]


class Shown:
    """A result that can be printed, tabulated, drawn, and turned into plain data."""

    def sentence(self) -> str:
        """Return the result in a sentence."""
        raise NotImplementedError

    def rows(self) -> Rows:
        """Return the table, one dictionary of text per row."""
        raise NotImplementedError

    def table(self) -> str:
        """Return the result as a table of text."""
        rows = self.rows()
        heads = list(rows[0])
        lines = [heads, *([row[head] for head in heads] for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as dictionaries, lists, numbers and text; None for what is not finite."""
        return dict(records.plain(self))

    def __repr__(self) -> str:
        return self.sentence()

    def __str__(self) -> str:
        return f"{self.sentence()}\n\n{self.table()}"

    def _repr_html_(self) -> str:
        return html_table(self.sentence(), self.rows())


def number(value: float) -> str:
    """Return a number in three digits, "-" for NaN.

    Examples
    --------
    >>> number(0.123456), number(float("nan")), number(float("inf"))
    ('0.123', '-', 'inf')
    """
    return "-" if math.isnan(value) else f"{value:.3g}"


def span(low: float, high: float) -> str:
    """Return an interval in words, "-" where there is none.

    Examples
    --------
    >>> span(1.0, 2.5), span(float("nan"), 1.0)
    ('1 to 2.5', '-')
    """
    return "-" if math.isnan(low) or math.isnan(high) else f"{number(low)} to {number(high)}"


def axes_of(ax: Axes | None) -> Axes:
    """Return the axes to draw into: those given, or new ones."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]
