"""What the table of results says of a model on a landscape: its energy at the end, and its escapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fastsde.study.study import Study

if TYPE_CHECKING:
    from fastsde.analysis.escape.section import Escape
    from fastsde.analysis.results import Findings

__all__ = ["landscape_words"]

MOST = 3
"""Kinds of escape in the table, at most; the report has all."""


def landscape_words(analysis: Findings, name: str, energy: str) -> dict[str, str] | None:
    """Return the cells of a model by column, None if the study has no landscape.

    An escape is given by the share of trajectories that made it and the median step at which they do, had
    nothing diverged; a dash where fewer than half do. The energy is left out where it has no lower bound: it
    says only how long the run was.

    Parameters
    ----------
    analysis : Analysis
    name : str
        Of the model.
    energy : str
        Its median energy at the end.
    """
    landscape = Study.from_toml(analysis.study).landscape
    if landscape is None:
        return None
    words = {"final energy": energy} if landscape.bounded else {}
    escape: Escape | None = analysis.sections.get("escape")
    if escape is None:
        return words
    curves = escape.models[name]
    step = float(analysis.time[-1] / analysis.step[-1])
    for number, place in enumerate(escape.places[:MOST]):
        arrived, median = curves.arrived[number], float(curves.median[number]) / step
        share = curves.escaped[number] / arrived if arrived else math.nan
        when = f"step {median:,.0f}" if math.isfinite(median) else "-"
        words[f"{place} (share, median)"] = f"{100 * share:.3g} %, {when}" if arrived else "-"
    return words
