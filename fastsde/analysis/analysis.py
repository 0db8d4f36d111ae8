"""An analysis as its user has it: what was found, and what it comes to in a few words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastsde.analysis import summary
from fastsde.analysis.headline import headline
from fastsde.analysis.results import Findings
from fastsde.system.brief import html_table

__all__ = ["Analysis"]


@dataclass(frozen=True, repr=False)
class Analysis(Findings):
    """All that an analysis found, with its table and its headline; see `Findings` for the fields."""

    def summary(self) -> list[dict[str, Any]]:
        """Return one row of plain numbers for each model: see `fastsde.analysis.summary.summary`."""
        return summary.summary(self)

    def summary_rows(self) -> list[dict[str, str]]:
        """Return one row of text for each model, the most important column first: a table to print."""
        return summary.summary_rows(self)

    def _repr_html_(self) -> str:
        return html_table(self.headline(), self.summary_rows())

    def headline(self) -> str:
        """Return the main finding in one or two sentences."""
        return headline(self)
