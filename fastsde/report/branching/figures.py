"""Figure of the variance that comes after the branching."""

from __future__ import annotations

from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.branching.section import Branching
from fastsde.report import style

QUANTITIES = 6
"""Quantities drawn, at most."""


def share_within_states(analysis: Analysis) -> Figure:
    """Draw the share of variance within states, one panel per quantity, one line per model."""
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
