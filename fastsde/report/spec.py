"""A figure of the report with its finding and table, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.study.objective import Vocabulary
from fastsde.system.registry import LAST, Registry

__all__ = ["FIGURES", "FigureSpec", "Text", "register_figure", "said"]

Text = str | Callable[[Vocabulary], str]
"""A text, or a function that makes it with the words of the study's objective."""


def said(text: Text, analysis: Analysis) -> str:
    """Return a text in the words of what an analysis is of."""
    return text if isinstance(text, str) else text(analysis.objective.vocabulary)


@dataclass(frozen=True)
class FigureSpec:
    """A figure of the report, or a table without one, and all the text that belongs to it.

    Attributes
    ----------
    name : str
        Stem of the file in ``figures/``, and anchor on the page.
    title, caption, source : str or callable
        HTML: heading, what the figure shows, and the file, variable and formula of its numbers. A function
        where they speak of modes or the loss, which an objective may call otherwise.
    draw : callable, optional
        Makes the figure of an analysis; None for a table alone.
    section : str
        The section of the analysis whose answer is shown; empty for results that belong to none.
    condition : callable
        What else the analysis needs, beyond an answer of the section.
    order : int
        Place on the page.
    detail : bool
        Whether it belongs to the figure before it on the page, and is folded away under that.
    answers : bool
        Whether the finding answers a question of the study, and is listed at the top of the page too.
    finding : callable, optional
        One or two sentences (HTML) that say what the numbers mean, above the figure.
    beside : callable, optional
        HTML below the figure: the table of its numbers.
    """

    name: str
    title: Text
    caption: Text = ""
    source: Text = ""
    draw: Callable[[Analysis], Figure] | None = None
    section: str = ""
    condition: Callable[[Analysis], bool] = lambda analysis: True
    order: int = LAST
    detail: bool = False
    answers: bool = False
    finding: Callable[[Analysis], str] = lambda analysis: ""
    beside: Callable[[Analysis], str] = lambda analysis: ""

    def applies(self, analysis: Analysis) -> bool:
        """Whether an analysis has what the figure shows."""
        return (not self.section or self.section in analysis.sections) and self.condition(analysis)


FIGURES: Registry[FigureSpec] = Registry("figure of the report", "fastsde.report")
"""All figures by name, in the order of the page."""

register_figure = FIGURES.register
"""Register a `FigureSpec`, and return it."""
