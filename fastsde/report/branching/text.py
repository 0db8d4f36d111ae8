"""The report on ensembles that branch from states of another one."""

from __future__ import annotations

from html import escape

import numpy as np
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.branching.section import Branching
from fastsde.report import style
from fastsde.report.spec import FigureSpec
from fastsde.report.writing import percent

__all__ = ["SPECS"]

QUANTITIES = 6
"""At most so many quantities are drawn."""


def _found(analysis: Analysis) -> Branching | None:
    found: Branching | None = analysis.sections.get("branching")
    return found


def draw(analysis: Analysis) -> Figure:
    """Draw the share of the spread that comes after the branching, a panel a quantity, a line a model."""
    found: Branching = analysis.sections["branching"]
    lines = style.model_lines(list(found.models), analysis.reference)
    shown = min(QUANTITIES, len(found.quantities))
    figure, axes = style.grid(shown, 3, 2.35, sharex=True, sharey=True)
    for number, panel in enumerate(axes):
        visible = style.time_axis(panel, found.step)
        for name, spread in found.models.items():
            panel.plot(
                found.step[visible], spread.share[visible, number], label=name, **lines[name]._asdict()
            )
            low, high = spread.low[visible, number], spread.high[visible, number]
            panel.fill_between(
                found.step[visible], low, high, color=lines[name].color, alpha=0.12, linewidth=0
            )
        panel.set_ylim(-0.02, 1.02)
        panel.set_title(found.quantities[number])
        panel.set_xlabel("steps since the branching" if number + 3 >= shown else "")
    for panel in axes[::3]:
        panel.set_ylabel("share within states")
    style.legend_below(figure, axes)
    return figure


def finding(analysis: Analysis) -> str:
    """Say for each model what the states decided most, when, and what they still decide at the end."""
    found = _found(analysis)
    if found is None:
        return ""
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


SPECS = (
    FigureSpec(
        name="branching",
        title="Variance explained by the initial state",
        caption=(
            "Trajectories branch from states of another run. Share of their variance that is between "
            "branches of the same state, with 95 % bands: 0 means that the state explains all of it, 1 that "
            "the state no longer matters."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>, trajectory k being a branch of state "
            "&lfloor;k / branches&rfloor;. One-way analysis of variance with random effects (Searle, Casella "
            "and McCulloch 1992); bootstrap over states."
        ),
        draw=draw,
        applies=lambda analysis: _found(analysis) is not None,
        finding=finding,
    ),
)
