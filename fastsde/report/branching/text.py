"""What the page says of the variance explained by the initial state."""

from __future__ import annotations

from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.branching.section import Branching
from fastsde.report.writing import percent


def finding(analysis: Analysis) -> str:
    """Say for each model what the initial states explain most, when, and what they explain at the end."""
    found: Branching = analysis.sections["branching"]
    sentences = []
    for name, spread in found.models.items():
        later = np.flatnonzero(found.step >= found.step[-1] / 10)  # at the start the states are all there is
        decided = 1 - spread.share[later]
        if not np.isfinite(decided).any() or not np.isfinite(spread.share[-1]).any():
            continue
        row, which = np.unravel_index(int(np.nanargmax(decided)), decided.shape)
        at = later[row]
        low, high = 1 - spread.high[at, which], 1 - spread.low[at, which]
        sentences.append(
            f"In {escape(name)} the initial state explains most of {escape(found.quantities[which])}: "
            f"{percent(decided[row, which])} (95&nbsp;% interval {percent(low)} to {percent(high)}) of "
            f"its variance at step {found.step[at]:,.0f}. At the end the noise after the branching explains "
            f"{percent(np.nanmin(spread.share[-1]))} or more of the variance of every quantity."
        )
    return " ".join(sentences)
