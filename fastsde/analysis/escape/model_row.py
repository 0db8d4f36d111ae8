"""What the table of models says of escape on a landscape: who passed what, and when."""

from __future__ import annotations

import math
from typing import Any

from fastsde.analysis.escape.places import is_rank

__all__ = ["cells"]

MOST = 3
"""Kinds of escape in the table, at most; the report has all."""


def cells(analysis: Any, name: str) -> dict[str, str]:
    """Return the share of trajectories that passed each place, and the median step at which they do.

    The median is as if nothing diverged; a dash where fewer than half pass. Of a network there are no cells:
    its learning times say the same.
    """
    found = analysis.sections.get("escape")
    if found is None:
        return {}
    words = {}
    curves = found.models[name]
    step = float(analysis.time[-1] / analysis.step[-1])
    for number, place in enumerate(found.places[:MOST]):
        if is_rank(place):
            continue
        arrived, median = curves.arrived[number], float(curves.median[number]) / step
        share = curves.escaped[number] / arrived if arrived else math.nan
        when = f"step {median:,.0f}" if math.isfinite(median) else "-"
        words[f"{place} (share, median)"] = f"{100 * share:.3g} %, {when}" if arrived else "-"
    return words
