"""Figures of saddles: who visits them and for how long, their curvature, and the noise there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fastsde.analysis import Analysis
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import style

if TYPE_CHECKING:
    from fastsde.analysis.saddles.found import Saddles
    from fastsde.analysis.saddles.noise_summary import SaddleNoise

MOST = 8
"""Saddles drawn, at most: the most visited."""
RARE = 0.02
"""Saddles that a smaller share of the trajectories of every model visits are not drawn."""


def visits(analysis: Analysis) -> Figure:
    """Share of trajectories that visit each saddle, and how long they stay."""
    found: Saddles = analysis.sections["saddles"]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    shown = drawn_saddles(found)
    figure, axes = style.grid(2, 2, 2.9)
    for number, name in enumerate(ordered(analysis)):
        one = found.models[name]
        share = np.stack([one.share_low, one.share, one.share_high], axis=1)
        _points(axes[0], shown, number, len(found.models), share, name, lines)
        dwell = np.where(one.visits[:, None] > 0, one.dwell, np.nan) / time_per_step(analysis)
        _points(axes[1], shown, number, len(found.models), dwell, name, lines)
    axes[0].set_ylim(0, 1.04)
    axes[0].set_title("share of trajectories that visit (95 % interval)")
    axes[1].set_ylim(bottom=0)
    axes[1].set_title("time seen there (steps; median, 90 % of visits)")
    _saddle_axes(axes, found, shown)
    style.legend_below(figure, axes)
    return figure


def curvature(analysis: Analysis) -> Figure:
    """Smallest and largest Hessian eigenvalue of the saddles, and at the states that visit them.

    In units of the largest at the minimum.
    """
    found: Saddles = analysis.sections["saddles"]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    shown = [k for k in drawn_saddles(found) if _known(found, k)]
    figure, axes = style.grid(2, 2, 2.9)
    for panel, own in zip(axes, (found.types.lowest, found.types.highest), strict=True):
        place, value = np.arange(len(shown)), own[shown] / found.curvature_scale
        panel.hlines(value, place - 0.42, place + 0.42, color=style.INK, linewidth=1.6, label="the saddle")
    for number, name in enumerate(ordered(analysis)):
        one = found.models[name]
        for panel, values in zip(axes, (one.lowest, one.highest), strict=True):
            share = values / found.curvature_scale
            _points(panel, shown, number, len(found.models), share, name, lines)
    axes[0].axhspan(-found.negative_rule, found.negative_rule, color=style.PALE, linewidth=0, label="small")
    axes[0].set_title("smallest eigenvalue")
    axes[1].set_title("largest eigenvalue")
    axes[0].set_ylabel("over largest at the minimum")
    axes[1].set_ylim(bottom=0)
    _saddle_axes(axes, found, shown)
    style.legend_below(figure, axes)
    return figure


def noise(analysis: Analysis) -> Figure:
    """How many directions the noise has at each saddle, and how much of it points out of it."""
    found: Saddles = analysis.sections["saddles"]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    shown = [k for k in drawn_saddles(found) if any(_directions(one)[k] > 0 for one in found.noise.values())]
    figure, axes = style.grid(2, 2, 2.9)
    for number, name in enumerate(name for name in ordered(analysis) if name in found.noise):
        one = found.noise[name]
        _points(axes[0], shown, number, len(found.noise), spread(one), name, lines)
        _points(axes[1], shown, number, len(found.noise), along(one), name, lines)
    for panel in axes:
        if not style.log_scale(panel):
            continue
        panel.yaxis.set_major_locator(FixedLocator(style.nice_ticks(*panel.get_ylim())))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
    axes[1].axhline(1.0, color=style.MUTED, linewidth=0.9, linestyle=(0, (1, 2)), label="as in any direction")
    axes[0].set_title("participation ratio: directions with noise")
    axes[1].set_title("variance along the next mode / mean (95 % interval)")
    _saddle_axes(axes, found, shown)
    style.legend_below(figure, axes)
    return figure


def spread(one: SaddleNoise) -> Floats:
    """Return the participation ratio and its quantiles, of points; where a model has none, of single steps.

    The latter with the 95 % interval of their one ratio.
    """
    if not one.states.any():
        ends = (one.step_participation_low, one.step_participation, one.step_participation_high)
        return np.stack(ends, axis=1)
    return np.stack([one.participation_low, one.participation, one.participation_high], axis=1)


def along(one: SaddleNoise) -> Floats:
    """Return the relative variance along the next mode with its 95 % interval, (saddle, 3).

    The median over points; of single steps where a model has none.
    """
    if not one.states.any():
        return np.stack([one.step_along_mode_low, one.step_along_mode, one.step_along_mode_high], axis=1)
    return np.stack([one.along_mode_low, one.along_mode, one.along_mode_high], axis=1)


def _directions(one: SaddleNoise) -> Floats:
    return np.nan_to_num(spread(one)[:, 1])


def drawn_saddles(found: Saddles) -> list[int]:
    """Choose the visited saddles to draw, by rank: those that a few trajectories of some model visit.

    Where no saddle is visited by as many, those that are visited at all.
    """
    total = np.sum([one.visits for one in found.models.values()], axis=0)
    most = [int(k) for k in np.argsort(-total, kind="stable")[:MOST] if total[k] > 0]
    largest = np.max([np.nan_to_num(one.share) for one in found.models.values()], axis=0)
    often = [k for k in most if largest[k] >= RARE]
    return sorted(often or most)


def _known(found: Saddles, saddle: int) -> bool:
    at_visits = [one.lowest[saddle, 1] for one in found.models.values()]
    return bool(np.isfinite([found.types.lowest[saddle], *at_visits]).any())


def has_curvature(found: Saddles) -> bool:
    """Whether the curvature of some visited saddle, or at some visit, is known."""
    return any(_known(found, saddle) for saddle in drawn_saddles(found))


def _points(
    panel: Axes,
    shown: Sequence[int],
    number: int,
    total: int,
    values: Floats,
    name: str,
    lines: Mapping[str, style.Line],
) -> None:
    """Draw a value, or a median and its range, for each saddle; models are side by side."""
    place = np.arange(len(shown)) + 0.7 * ((number + 0.5) / total - 0.5)
    chosen = values[list(shown)]
    middle = chosen[:, chosen.shape[1] // 2]
    bars = None
    if chosen.shape[1] == 3:
        bars = np.nan_to_num(np.abs(np.stack([middle - chosen[:, 0], chosen[:, 2] - middle])))
    panel.errorbar(
        place,
        middle,
        yerr=bars,
        markersize=4,
        elinewidth=1.1,
        label=name,
        **lines[name].dots,
    )


def _saddle_axes(axes: Sequence[Axes], found: Saddles, shown: Sequence[int]) -> None:
    labels = [found.kept[k] if found.top[k] else f"{found.kept[k]}*" for k in shown]
    for panel in axes:
        panel.xaxis.set_major_locator(FixedLocator(list(range(len(shown)))))
        panel.set_xticklabels(labels)
        panel.set_xlim(-0.5, max(len(shown), 1) - 0.5)
        panel.set_xlabel("modes kept by the saddle (* not the strongest)")
        panel.grid(visible=False, axis="x")
