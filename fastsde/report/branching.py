"""The report on ensembles that branch from states of another one."""

from __future__ import annotations

from html import escape

import numpy as np
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.branching.section import Branching
from fastsde.report import style
from fastsde.report.spec import FigureSpec

__all__ = ["SPECS"]

QUANTITIES = 6
"""At most so many quantities are drawn."""


def _found(analysis: Analysis) -> Branching | None:
    found: Branching | None = analysis.sections.get("branching")
    return found


def draw(analysis: Analysis) -> Figure:
    """Draw the share of the spread that comes after the branching, a panel a quantity, a line a model."""
    found = _found(analysis)
    assert found is not None
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
    """Say for each model how much of its spread at the end the states had not decided."""
    found = _found(analysis)
    if found is None:
        return ""
    sentences = []
    for name, spread in found.models.items():
        share, low, high = spread.share[-1], spread.low[-1], spread.high[-1]
        if not np.isfinite(share).any():
            continue
        which = int(np.nanargmax(share))
        sentences.append(
            f"Under {escape(name)} the noise after the branching makes {100 * share[which]:.0f} % "
            f"(95 % interval {100 * low[which]:.0f} to {100 * high[which]:.0f}) of the spread of "
            f"{escape(found.quantities[which])} at the end, and less of any other quantity's; the rest was "
            "decided by the states."
        )
    return " ".join(sentences)


SPECS = (
    FigureSpec(
        name="branching",
        title="What the states had decided",
        caption=(
            "Trajectories branch from states of another run. Share of their variance that is between "
            "branches of the same state, with 95 % bands: 0 means that the state decided everything, 1 that "
            "it does not matter any more."
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
