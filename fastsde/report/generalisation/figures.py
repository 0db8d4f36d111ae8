"""Figures of training and test, over time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.generalisation.section import Generalisation
from fastsde.analysis.summary import ordered
from fastsde.report import panels, style

TRAINING = style.Line(style.MUTED, (0, (3, 1.5)))


def accuracies(analysis: Analysis) -> Figure:
    """Draw who predicts every test example, then training and test accuracy of each model."""
    found: Generalisation = analysis.sections["generalisation"]
    names = [name for name in ordered(analysis) if name in found.models]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    figure, axes = style.grid(len(names) + 1, 3, 2.35, sharex=True, sharey=True)
    shown = style.time_axis(axes[0], found.step)
    for name in names:
        perfect = found.models[name].perfect["test_accuracy"]
        part = panels.part(perfect, shown)
        panels.curve(axes[0], found.step[shown], part, lines[name], name)
    axes[0].set_title("all test examples right")
    for panel, name in zip(axes[1:], names, strict=True):
        _both(panel, found, name, ("train_accuracy", "test_accuracy"), lines[name])
        panel.set_title(panels.titled(name, analysis.models[name]))
    axes[0].set_ylim(-0.03, 1.03)
    panels.outer_labels(axes, 3, "share")
    style.legend_below(figure, axes)
    return figure


def losses(analysis: Analysis) -> Figure:
    """Draw training and test loss of each model."""
    found: Generalisation = analysis.sections["generalisation"]
    names = [name for name in ordered(analysis) if name in found.models]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    figure, axes = style.grid(len(names), 3, 2.35, sharex=True, sharey=True)
    for panel, name in zip(axes, names, strict=True):
        _both(panel, found, name, ("loss", "test_loss"), lines[name])
        panel.set_title(panels.titled(name, analysis.models[name]))
    drawn = [
        values for one in found.models.values() for key, values in one.quantiles.items() if "loss" in key
    ]
    limits = style.log_limits(np.concatenate([values.ravel() for values in drawn]))
    style.log_scale(axes[0], "y", limits)
    panels.outer_labels(axes, 3, "loss")
    style.legend_below(figure, axes)
    return figure


def _both(panel: Axes, found: Generalisation, name: str, pair: tuple[str, str], line: style.Line) -> None:
    """Draw the median of the training examples in grey, and that of the test with its band in colour."""
    shown = style.time_axis(panel, found.step)
    step, (training, test), quantiles = found.step[shown], pair, found.models[name].quantiles
    if training in quantiles:
        panel.plot(step, quantiles[training][shown, 2], label="training: median", **TRAINING._asdict())
    low, _, median, _, high = quantiles[test][shown].T
    panel.fill_between(step, low, high, color=line.color, alpha=0.16, linewidth=0)
    panel.plot(step, median, color=line.color, label="test: median, and 90 % of trajectories")
