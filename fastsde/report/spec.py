"""A figure of the report and all that stands beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from fastsde.analysis import Analysis


@dataclass(frozen=True)
class FigureSpec:
    """A figure of the report.

    Attributes
    ----------
    name : str
        Stem of the file in ``figures/``.
    title, caption, source : str
        HTML: heading, what is seen, and file, variable and formula of the numbers.
    draw : callable
        Makes the figure of an analysis.
    applies : callable
        Whether the analysis has what the figure needs.
    finding : callable, optional
        One or two sentences (HTML) that say what the numbers mean, above the figure.
    beside : callable, optional
        HTML below the figure: the table of its numbers.
    """

    name: str
    title: str
    caption: str
    source: str
    draw: Callable[[Analysis], Figure]
    applies: Callable[[Analysis], bool]
    finding: Callable[[Analysis], str] = lambda analysis: ""
    beside: Callable[[Analysis], str] = lambda analysis: ""
