"""Figures on feature learning: diffusion, rank, alignment and late-time laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter
from numpy.typing import NDArray

from fastsde.analysis import Analysis
from fastsde.analysis.confidence import Interval
from fastsde.analysis.features.diffusion import Diffusion
from fastsde.analysis.features.late_law import LateLaws
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered
from fastsde.report import panels, style


def lines_of(analysis: Analysis) -> dict[str, style.Line]:
    """Give the line of every model."""
    return style.model_lines(list(analysis.models), analysis.reference)


def aligned_diffusion(analysis: Analysis) -> Figure:
    """Diffusion along each mode in the trajectory's own time, and how much of the mode is learned."""
    found: Diffusion = analysis.sections["diffusion"]
    modes = panels.shown_modes(analysis)
    figure, axes = style.grid(len(modes), 2, 2.4, sharex=True, sharey=True)
    lines = lines_of(analysis)
    for panel, mode in zip(axes, modes, strict=True):
        for number, name in enumerate(name for name in ordered(analysis) if name in found.models):
            curves = found.models[name].aligned
            if curves is None:
                continue
            panel.plot(
                curves.time, curves.diffusion[:, mode], label=f"diffusion, {name}", **lines[name]._asdict()
            )
            if number == 0:
                panel.fill_between(
                    curves.time,
                    curves.growth[:, mode],
                    color=style.PALE,
                    alpha=0.7,
                    linewidth=0,
                    label=f"learned, {name}",
                )
        panel.axvline(1.0, color=style.MUTED, linewidth=0.8)
        style.log_scale(panel, "x", (0.25, 4.0))
        panel.xaxis.set_major_locator(FixedLocator([0.5, 1, 2, 4]))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.set_ylim(0, 1.15)
        panel.set_xlabel("time / time at which half is learned")
        panel.set_title(f"mode {mode + 1}")
    panels.outer_labels(axes, 2, "share of own largest")
    style.legend_below(figure, axes)
    return figure


def peak_fractions(analysis: Analysis) -> Figure:
    """How much of each mode is learned when its diffusion peaks: quartiles, medians and their intervals."""
    found: Diffusion = analysis.sections["diffusion"]
    names = [name for name in ordered(analysis) if name in found.models]
    modes = panels.shown_modes(analysis)
    figure, axes = style.grid(2, 2, 2.8)
    lines = lines_of(analysis)
    for number, name in enumerate(names):
        one = found.models[name]
        place = np.arange(len(modes)) + 1 + (number - (len(names) - 1) / 2) * 0.8 / len(names)
        chosen = slice(modes.start, modes.stop)
        low, high = one.quartiles[0, chosen], one.quartiles[2, chosen]
        axes[0].vlines(place, low, high, color=lines[name].color, linewidth=4, alpha=0.3)
        _points(axes[0], place, panels.part(one.fraction, chosen), lines[name], name)
        _points(axes[1], place, panels.part(one.before_learned, chosen), lines[name], name)
    axes[0].axhline(found.learned, color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
    axes[0].set_ylabel("share of the mode learned")
    axes[0].set_title("when the diffusion peaks (bar: half of the trajectories)")
    axes[1].set_ylim(-0.03, 1.05)
    axes[1].set_ylabel("share of trajectories")
    axes[1].set_title(f"peak before {found.learned:.0%} is learned")
    for panel in axes:
        _mode_axis(panel, len(modes))
    style.legend_below(figure, axes)
    return figure


def rates_over_time(analysis: Analysis) -> Figure:
    """Diffusion of the modes over time in every model; beside it their drift where that was recorded."""
    found: Diffusion = analysis.sections["diffusion"]
    names = [name for name in ordered(analysis) if name in found.models]
    has_drift = any(found.models[name].drift.size for name in names)
    kinds = ("diffusion", "drift") if has_drift else ("diffusion",)
    columns = 2 if has_drift else 3
    wanted = [(name, kind) for name in names for kind in kinds]
    figure, axes = style.grid(len(wanted), columns, 2.2, sharex=True)
    modes = panels.shown_modes(analysis)
    limits = _decades(
        np.stack([found.models[name].diffusion[1:, :, modes.start : modes.stop] for name in names])
    )
    for panel, (name, kind) in zip(axes, wanted, strict=True):
        values = getattr(found.models[name], kind)
        panel.set_title(f"{kind}, {name}")
        if not values.size:
            panels.note(panel, "not recorded for", [name])
            continue
        _mode_courses(panel, analysis, np.abs(values) if kind == "diffusion" else values)
        if kind == "diffusion":
            style.log_scale(panel, "y", limits)
        else:
            _two_sided(panel, float(np.nanmax(np.abs(values), initial=1e-12)))
    panels.start_at_action(axes, analysis)
    panels.outer_labels(axes, columns, "per unit time")
    style.legend_below(figure, axes)
    return figure


def _mode_courses(panel: Axes, analysis: Analysis, values: Floats) -> None:
    """Draw the median and the band of 90 % of a rate of each mode over time."""
    shown = style.time_axis(panel, analysis.step)
    for mode in panels.shown_modes(analysis):
        line = style.mode_line(mode)
        low, middle, high = values[:, shown, mode]
        panel.fill_between(analysis.step[shown], low, high, color=line.color, alpha=0.13, linewidth=0)
        panel.plot(analysis.step[shown], middle, label=f"mode {mode + 1}", **line._asdict())


def late_laws(analysis: Analysis) -> Figure:
    """Effective temperatures of the modes, and how far their means are from the fixed point."""
    found: LateLaws = analysis.sections["late_law"]
    names = ordered(analysis)
    modes = panels.shown_modes(analysis)
    chosen = slice(modes.start, modes.stop)
    figure, axes = style.grid(2, 2, 2.9)
    lines = lines_of(analysis)
    shown = [name for name in names if found.models[name].temperatures is not None]
    for number, name in enumerate(names):
        law = found.models[name]
        place = np.arange(len(modes)) + 1 + (number - (len(names) - 1) / 2) * 0.8 / len(names)
        if law.temperatures is not None:
            _points(axes[0], place, panels.part(law.temperatures.each, chosen), lines[name], name)
            if law.own_temperature:
                axes[0].axhline(
                    law.own_temperature, color=lines[name].color, linewidth=0.9, linestyle=(0, (4, 2))
                )
        _points(axes[1], place, panels.part(law.offset, chosen), lines[name], name)
    axes[0].set_title("effective temperature (dashed: the model's own)")
    axes[0].set_ylabel("temperature, units of the loss")
    if shown:
        style.log_scale(axes[0])
    axes[1].axhline(0, color=style.INK, linewidth=0.8)
    axes[1].set_title("mean minus the fixed point of gradient flow")
    axes[1].set_ylabel("share of the mode's strength")
    values = np.concatenate([found.models[name].offset.value[chosen] for name in names])
    known = np.abs(values[np.isfinite(values)])
    if known.size and known.max() > 0:
        axes[1].set_yscale("symlog", linthresh=max(1e-6, 0.03 * float(known.max())))
    for panel in axes:
        _mode_axis(panel, len(modes))
    style.legend_below(figure, axes)
    return figure


def _points(
    panel: Axes, place: NDArray[np.floating[Any]], interval: Interval, line: style.Line, name: str
) -> None:
    bars = np.maximum(0.0, [interval.value - interval.low, interval.high - interval.value])
    panel.errorbar(
        place,
        interval.value,
        np.nan_to_num(bars),
        markersize=4,
        label=name,
        elinewidth=1.4,
        **line.dots,
    )


def _mode_axis(panel: Axes, modes: int) -> None:
    panel.set_xticks(range(1, modes + 1), [f"mode {mode}" for mode in range(1, modes + 1)])
    panel.set_xlim(0.4, modes + 0.6)
    panel.grid(visible=False, axis="x")


def _two_sided(panel: Axes, largest: float) -> None:
    """Make an axis linear around zero and logarithmic in its outermost decades, with few ticks."""
    decade = 10.0 ** (math.floor(math.log10(largest)) - 1)
    panel.set_yscale("symlog", linthresh=decade)
    ticks = [sign * decade * power for power in (1, 10) for sign in (-1, 1)]
    panel.yaxis.set_major_locator(FixedLocator([0.0, *ticks]))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}" if value else "0"))


def _decades(values: Floats) -> tuple[float, float]:
    """Limits of a logarithmic axis: at most ten decades below the largest."""
    top = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    return style.log_limits(values, floor=1e-10 * top)
