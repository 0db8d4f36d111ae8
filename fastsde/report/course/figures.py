"""Figures of the course of training: loss, growth of the modes, learning times."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.law import log_spaced
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import panels, style

MODES = 4
"""Modes drawn, at most."""


def loss_quantiles(analysis: Analysis) -> Figure:
    """Loss of every model over time: median, half and nine tenths of the trajectories."""
    names, column = ordered(analysis), analysis.quantities.index("loss")
    lines = style.model_lines(list(analysis.models), analysis.reference)
    columns = panels.across(len(names))
    figure, axes = style.grid(len(names), columns, 2.35, sharex=True, sharey=True)
    everything = np.concatenate(
        [one.moments.quantiles[:, :, column].ravel() for one in analysis.models.values()]
    )
    limits = style.log_limits(np.append(everything, panels.drawn_levels(analysis)))
    for panel, name in zip(axes, names, strict=True):
        result = analysis.models[name]
        panels.bands(panel, analysis, result.moments.quantiles[:, :, column], lines[name], "this model")
        if analysis.reference and name != analysis.reference:
            median = analysis.models[analysis.reference].moments.median[:, column]
            shown = style.time_axis(panel, analysis.step)
            panel.plot(
                analysis.step[shown],
                median[shown],
                color=style.INK,
                linewidth=1.0,
                linestyle=(0, (2, 1.5)),
                label=f"median of {analysis.reference}",
            )
        panels.plateaus(panel, analysis)
        style.log_scale(panel, "y", limits)
        panel.set_title(panels.titled(name, result))
    panels.start_at_action(axes, analysis)
    panels.outer_labels(axes, columns, analysis.objective.vocabulary.loss)
    panels.neutral_legend(figure, axes)
    return figure


def mode_growth(analysis: Analysis) -> Figure:
    """Growth of the modes in every model, as fractions of the strengths of the modes."""
    names, words = ordered(analysis), analysis.objective.vocabulary
    shown_modes = panels.shown_modes(analysis)
    columns = panels.across(len(names))
    figure, axes = style.grid(len(names), columns, 2.35, sharex=True, sharey=True)
    limits = panels.mode_limits(analysis, shown_modes)
    for panel, name in zip(axes, names, strict=True):
        result = analysis.models[name]
        for mode in shown_modes:
            quantiles = result.moments.quantiles[:, :, mode] / analysis.mode_strength[mode]
            label = f"{words.mode} {mode + 1}"
            if analysis.objective.linear:
                label += f" (strength {analysis.mode_strength[mode]:.3g})"
            panels.bands(panel, analysis, quantiles, style.mode_line(mode), label, inner=False)
        panel.axhline(1.0, color=style.MUTED, linewidth=0.8)
        panel.set_ylim(*limits)
        panel.set_title(panels.titled(name, result), color=style.INK)
    axes[0].fill_between([], [], color=style.MUTED, alpha=0.25, linewidth=0, label="90 % of trajectories")
    panels.start_at_action(axes, analysis)
    panels.outer_labels(axes, columns, words.mode_axis)
    style.legend_below(figure, axes)
    return figure


def passage_times(analysis: Analysis) -> Figure:
    """When each mode is learned: one row a model, its median with the ranges of 50 % and 90 %."""
    words = analysis.objective.vocabulary
    shown_modes = panels.shown_modes(analysis)
    names = [name for name in ordered(analysis) if analysis.models[name].learning is not None]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    figure, axes = style.grid(len(shown_modes), 2, 0.9 + 0.24 * len(names), sharey=True)
    for panel, mode in zip(axes, shown_modes, strict=True):
        for row, name in enumerate(names):
            _passage_row(panel, analysis, name, mode, row, lines[name].color)
        style.step_axis(panel, *panels.survival_range(analysis, mode), log_spaced(analysis.step))
        panel.set_title(_passage_title(analysis, mode))
        panel.grid(visible=False, axis="y")
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    panels.outer_labels(axes, 2, "")
    axes[0].plot([], [], "o", color=style.MUTED, markersize=4.5, label="median")
    axes[0].plot([], [], color=style.MUTED, linewidth=4.5, alpha=0.5, label="half of the trajectories")
    axes[0].plot([], [], color=style.MUTED, linewidth=1.1, label="90 % of the trajectories")
    axes[0].plot([], [], ">", color=style.MUTED, markersize=4.5, label=f"later, or never: {words.never_pass}")
    style.legend_below(figure, axes)
    return figure


def _passage_row(panel: Axes, analysis: Analysis, name: str, mode: int, row: int, color: str) -> None:
    """Draw quantiles of one passage time from its survival curve; those beyond the run at its right end."""
    result = analysis.models[name].learning
    assert result is not None
    steps = result.times / time_per_step(analysis)
    share = result.survival[0, mode]
    early, lower, middle, upper, late = (_quantile(steps, share, p) for p in (0.05, 0.25, 0.5, 0.75, 0.95))
    end = panels.survival_range(analysis, mode)[1]
    inside = [min(value, end) for value in (early, late, lower, upper)]
    panel.plot(inside[:2], [row, row], color=color, linewidth=1.1)
    panel.plot(inside[2:], [row, row], color=color, linewidth=4.5, alpha=0.5, solid_capstyle="butt")
    if middle <= end:
        panel.plot([middle], [row], "o", color=color, markersize=4.5)
    if late > end:
        panel.plot([end], [row], ">", color=color, markersize=4.5, clip_on=False)


def _quantile(steps: Floats, share: Floats, passed: float) -> float:
    """Return the step by which a share has passed; infinity where it never does."""
    there = np.flatnonzero(share <= 1 - passed)
    return float(steps[there[0]]) if there.size else math.inf


def _passage_title(analysis: Analysis, mode: int) -> str:
    words = analysis.objective.vocabulary
    fraction = next(one.learning.fractions[0] for one in analysis.models.values() if one.learning is not None)
    level = fraction * analysis.mode_strength[mode]
    whole = f" of {analysis.mode_strength[mode]:.3g}" if analysis.objective.linear else ""
    return f"{words.mode} {mode + 1}: first time at {level:.3g}{whole}"


def survival_curves(analysis: Analysis) -> Figure:
    """Share of trajectories that have not learned a mode yet, by mode and model."""
    words = analysis.objective.vocabulary
    shown_modes = panels.shown_modes(analysis)
    figure, axes = style.grid(len(shown_modes), 2, 2.5, sharey=True)
    for panel, mode in zip(axes, shown_modes, strict=True):
        survival_panel(panel, analysis, mode)
    panels.outer_labels(axes, 2, words.not_passed)
    style.legend_below(figure, axes)
    return figure


def survival_panel(panel: Axes, analysis: Analysis, mode: int) -> None:
    """Draw the share of trajectories that have not learned a mode yet, in every model."""
    results = {name: analysis.models[name].learning for name in ordered(analysis)}
    lines = style.model_lines(list(analysis.models), analysis.reference)
    for name, result in results.items():
        if result is None:
            continue
        steps = result.times / time_per_step(analysis)
        panel.step(steps, result.survival[0, mode], where="post", label=name, **lines[name]._asdict())
        panel.fill_between(
            steps,
            result.low[0, mode],
            result.high[0, mode],
            step="post",
            color=lines[name].color,
            alpha=0.13,
            linewidth=0,
        )
    style.step_axis(panel, *panels.survival_range(analysis, mode), log_spaced(analysis.step))
    panel.set_ylim(0, 1.03)
    panel.set_title(_passage_title(analysis, mode))
