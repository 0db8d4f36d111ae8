"""Figure of the shape of a law over time: spread, L-skewness and L-kurtosis, or their robust stand-ins."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.protocols import Floats
from fastsde.analysis.shape.bootstrap import Interval
from fastsde.analysis.shape.section import ShapeSection
from fastsde.analysis.summary import ordered
from fastsde.report import panels, style

ROWS = (
    ("interquartile_range", "interquartile range"),
    ("l_skewness", "L-skewness"),
    ("l_kurtosis", "L-kurtosis"),
)
"""Statistics shown, one per row."""

GAUSSIAN = {"l_skewness": 0.0, "l_kurtosis": 0.1226}
"""Their values for a Gaussian law."""


def shown_quantities(analysis: Analysis) -> list[str]:
    """Columns of the figure: the strongest mode, its last rival, and the loss, where they are recorded."""
    found: ShapeSection = analysis.sections["shape"]
    modes = [f"mode {mode + 1}" for mode in panels.shown_modes(analysis)]
    return [name for name in dict.fromkeys([modes[0], modes[-1], "loss"]) if name in found.quantities]


def over_time(analysis: Analysis) -> Figure:
    """Spread, L-skewness and L-kurtosis of the strongest modes and of the loss, by model."""
    found: ShapeSection = analysis.sections["shape"]
    names = shown_quantities(analysis)
    lines = style.model_lines(list(analysis.models), analysis.reference)
    figure, axes = style.grid(len(ROWS) * len(names), len(names), 2.1, sharex=True)
    for place, panel in enumerate(axes):
        statistic, label = ROWS[place // len(names)]
        quantity = names[place % len(names)]
        shown = style.time_axis(panel, analysis.step)
        if statistic in GAUSSIAN:
            panel.axhline(GAUSSIAN[statistic], color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)))
        missing = [
            name
            for name in ordered(analysis)
            if not _drawn(
                panel, analysis.step, shown, _one(found, name, statistic), quantity, found, lines, name
            )
        ]
        if missing:
            panels.note(panel, "no mean:", missing)
        if statistic == "interquartile_range":
            style.log_scale(panel)
            panel.set_title(analysis.objective.vocabulary.named(quantity))
        elif statistic == "l_kurtosis":
            panel.set_ylim(-0.3, 1.02)
        else:
            panel.set_ylim(-1.02, 1.02)
        if place % len(names) == 0:
            panel.set_ylabel(label)
        if place < len(axes) - len(names):
            panel.set_xlabel("")
    axes[-1].plot([], [], color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)), label="a Gaussian law")
    style.legend_below(figure, axes)
    return figure


def _one(found: ShapeSection, name: str, statistic: str) -> Interval:
    return found.models[name].statistics[statistic]


def _drawn(
    panel: Axes,
    step: Floats,
    shown: slice,
    one: Interval,
    quantity: str,
    found: ShapeSection,
    lines: dict[str, style.Line],
    name: str,
) -> bool:
    """Draw one line with its band; return whether there was anything to draw."""
    column = found.quantities.index(quantity)
    value, low, high = (part[shown, column] for part in (one.value, one.low, one.high))
    if not np.isfinite(value).any():
        return False
    panel.plot(step[shown], value, label=name, **lines[name]._asdict())
    panel.fill_between(step[shown], low, high, color=lines[name].color, alpha=0.18, linewidth=0)
    return True
