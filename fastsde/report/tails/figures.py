"""Figures of tails: Hill's index over time, over k, and beside all other estimators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fastsde.analysis import Analysis
from fastsde.analysis.law import log_spaced
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered
from fastsde.analysis.tails.registry import declared
from fastsde.analysis.tails.section import SampleTails
from fastsde.analysis.tails.tail_report import Indices
from fastsde.report import panels, style
from fastsde.study.study import Study

LOWEST, HIGHEST = 0.09, 30.0
"""Range of the axis of indices."""

KINDS = ("noise", "increments")
"""What the estimators are compared on."""


def kind_title(analysis: Analysis, kind: str) -> str:
    """Return what the estimators are compared on, as a title."""
    words = analysis.objective.vocabulary
    what = {"noise": f"noise of one step, {words.mode} 1", "increments": f"increments, {words.mode} 1"}
    return what.get(kind, words.loss)


def samples(analysis: Analysis, kind: str) -> dict[str, SampleTails]:
    """Tails of one quantity by model, of those models that have any, in the order of the page."""
    found = {name: getattr(analysis.sections["tails"].models[name], kind) for name in ordered(analysis)}
    return {
        name: one
        for name, one in found.items()
        if one is not None and np.isfinite(one.pooled.estimates["hill"].index).any()
    }


def over_time(analysis: Analysis) -> Figure:
    """Hill's index of the noise of one step over windows of snapshots, by mode and model."""
    found = samples(analysis, "noise")
    lines = style.model_lines(list(analysis.models), analysis.reference)
    modes = panels.shown_modes(analysis)
    figure, axes = style.grid(len(modes), 2, 2.5, sharex=True, sharey=True)
    for panel, mode in zip(axes, modes, strict=True):
        style.time_axis(panel, analysis.step)
        panels.tail_marks(panel, [one.gaussian_window for one in found.values()])
        for number, (name, one) in enumerate(found.items()):
            place = _beside(analysis, one.window, number)
            _bars(panel, place, one.window_estimates["hill"], mode, name, lines[name])
        for name, index in _own_indices(analysis).items():
            if name in found:
                label = f"{name}: index of its law, {index:g}"
                panel.axhline(
                    index, color=lines[name].color, linewidth=1.0, linestyle=(0, (6, 3)), label=label
                )
        panel.set_title(f"{analysis.objective.vocabulary.mode} {mode + 1}")
    panels.outer_labels(axes, 2, "Hill's index of the noise")
    style.legend_below(figure, axes)
    return figure


def over_k(analysis: Analysis) -> Figure:
    """Hill's estimate of the noise over the number of order statistics, one panel a model."""
    found, own = samples(analysis, "noise"), _own_indices(analysis)
    figure, axes = style.grid(len(found), 3, 2.4, sharex=True, sharey=True)
    for panel, (name, one) in zip(axes, found.items(), strict=True):
        panels.tail_marks(panel, [one.gaussian_pooled])
        for mode in panels.shown_modes(analysis):
            line = style.mode_line(mode)
            index, low, high = one.path[mode]
            panel.plot(
                one.path_k[mode],
                index,
                label=f"{analysis.objective.vocabulary.mode} {mode + 1}",
                **line._asdict(),
            )
            panel.fill_between(one.path_k[mode], low, high, color=line.color, alpha=0.15, linewidth=0)
            hill = one.pooled.estimates["hill"]
            panel.plot(hill.k[mode], hill.index[mode], "o", color=line.color, markersize=4.5)
        if name in own:
            dashed: dict[str, Any] = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (6, 3))}
            panel.axhline(own[name], label="index of its law", **dashed)
        panel.plot([], [], "o", color=style.MUTED, markersize=4.5, label="the k chosen")
        style.log_scale(panel, "x")
        panel.set_title(name, color=style.INK)
        panel.set_xlabel("order statistics k")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    panels.outer_labels(axes, 3, "Hill's index")
    style.legend_below(figure, axes)
    return figure


def side_by_side(analysis: Analysis) -> Figure:
    """All estimators with their intervals: of noise and increments, every model."""
    shown = {kind: found for kind in KINDS if (found := samples(analysis, kind))}
    panels_of = {
        kind_title(analysis, kind): {name: first_column(one.pooled.estimates) for name, one in found.items()}
        for kind, found in shown.items()
    }
    kinds = list(next(one for found in shown.values() for one in found.values()).pooled.estimates)
    return estimates(analysis, panels_of, [declared(name).marked_label for name in kinds])


def first_column(estimates_of: Mapping[str, Indices]) -> Floats:
    """Return estimate and interval of the first column by every estimator, shape (3, estimator)."""
    ends = ("index", "low", "high")
    return np.array([[getattr(one, end)[0] for one in estimates_of.values()] for end in ends])


def estimates(analysis: Analysis, shown: Mapping[str, Mapping[str, Floats]], labels: list[str]) -> Figure:
    """Draw estimates of tails with their intervals, a row for each estimator.

    Parameters
    ----------
    analysis : Analysis
    shown : mapping of str to mapping of str to ndarray, shape (3, row)
        By title of a panel, then by model: estimate, lower and upper end.
    labels : list of str
        Of the rows.
    """
    lines = style.model_lines(list(analysis.models), analysis.reference)
    figure, axes = style.grid(len(shown), 3, 1.4 + 0.5 * len(analysis.models), sharey=True)
    for panel, (title, found) in zip(axes, shown.items(), strict=True):
        _index_axis(panel)
        for number, (name, (index, low, high)) in enumerate(found.items()):
            height = np.arange(len(labels)) + 0.8 * ((number + 0.5) / len(found) - 0.5)
            clipped = np.clip(index, LOWEST, 0.93 * HIGHEST)
            bars = [clipped - np.clip(low, LOWEST, clipped), np.clip(high, clipped, 0.93 * HIGHEST) - clipped]
            options: dict[str, Any] = {"markersize": 3.6, "elinewidth": 1.3, **lines[name].dots}
            panel.errorbar(clipped, height, xerr=bars, label=name, **options)
        panel.set_title(title)
        for level in range(1, len(labels)):
            panel.axhline(level - 0.5, color=style.PALE, linewidth=0.7)
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].set_ylim(len(labels) - 0.5, -0.5)
    for panel in axes:
        panel.grid(visible=False, axis="y")
    style.legend_below(figure, axes)
    return figure


def _index_axis(panel: Axes) -> None:
    style.log_scale(panel, "x", (LOWEST, HIGHEST))
    panel.xaxis.set_major_locator(FixedLocator([0.125, 0.5, 2, 8]))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.axvspan(LOWEST, 2, color="#f3e3df", zorder=0, label="no variance (below 2)")
    panel.set_xlabel("tail index")


def _beside(analysis: Analysis, window: Floats, number: int) -> Floats:
    """Middle of each window, a little to the side by the number of the model."""
    first, last = (analysis.step[window[:, side].astype(int)] for side in (0, 1))
    spread = (number - 2) * 0.006
    if log_spaced(analysis.step):
        return np.asarray(np.sqrt(first * last) * analysis.step[-1] ** spread)
    return np.asarray((first + last) / 2 + spread * analysis.step[-1])


def _own_indices(analysis: Analysis) -> dict[str, float]:
    """Return the tail index that the noise of a model has by construction, where it is a power law's."""
    models = Study.from_toml(analysis.study).models
    known = {name: float(models[name].tail_index) for name in ordered(analysis) if name in models}
    return {name: index for name, index in known.items() if math.isfinite(index)}


def _bars(panel: Axes, place: Floats, found: Indices, mode: int, name: str, line: style.Line) -> None:
    index, low, high = (values[:, mode] for values in (found.index, found.low, found.high))
    if not np.isfinite(index).any():
        return
    index, high = np.minimum(index, panels.TOP_INDEX), np.minimum(high, panels.TOP_INDEX)
    bars = np.maximum(0.0, np.array([index - low, high - index]))
    shown = np.where(np.isfinite(index), index, math.nan)
    options: dict[str, Any] = {"elinewidth": 0.9, "linewidth": 1.3, "markersize": 3.2}
    height = np.where(np.isfinite(bars), bars, 0.0)
    panel.errorbar(place, shown, yerr=height, label=name, **options, **line.marked())
