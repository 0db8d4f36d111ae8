"""What the figures draw in their panels: bands, levels, distances, marks, limits and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fastsde.analysis import Analysis, ModelResult
from fastsde.analysis.confidence import Interval
from fastsde.analysis.coordinates import mode_scale
from fastsde.analysis.distances.registry import declared
from fastsde.analysis.law import log_spaced
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import style

MODES = 4
"""Modes drawn, at most."""
TOP_INDEX = 27.0
"""The largest tail index drawn: larger ones stand here, below the upper end of the axis."""


def bands(
    panel: Axes, analysis: Analysis, quantiles: Floats, line: style.Line, label: str, inner: bool = True
) -> None:
    """Draw the median, and the bands of 50 % and 90 % of trajectories."""
    shown = style.time_axis(panel, analysis.step)
    steps = analysis.step[shown]
    low, lower, median, upper, high = quantiles[shown].T
    panel.fill_between(
        steps,
        low,
        high,
        color=line.color,
        alpha=0.16,
        linewidth=0,
        label=None if not inner else "90 % of trajectories",
    )
    if inner:
        panel.fill_between(
            steps, lower, upper, color=line.color, alpha=0.28, linewidth=0, label="50 % of trajectories"
        )
    style_of = "-" if inner else line.linestyle
    panel.plot(steps, median, color=line.color, linestyle=style_of, label="median" if inner else label)


def distance_panel(panel: Axes, analysis: Analysis, kind: str, lines: dict[str, style.Line]) -> None:
    """Draw one distance as it is, three or four decades of it, over the null band of the reference."""
    shown = style.time_axis(panel, analysis.step)
    steps = analysis.step[shown]
    own = analysis.models[analysis.reference].distances[kind]
    values = {name: analysis.models[name].distances[kind].value[shown] for name in ordered(analysis)}
    high = style.log_limits(np.concatenate([*values.values(), own.null[shown]]))[1]
    low = high / (1e4 if declared(kind).unbiased else 1e3)
    panel.fill_between(steps, low, own.null[shown], color=style.PALE, linewidth=0, label="95 % null quantile")
    for name, value in values.items():
        label = f"two halves of {name}" if name == analysis.reference else name
        panel.plot(steps, np.where(value > low, value, np.nan), label=label, **lines[name]._asdict())
    style.log_scale(panel, "y", (low, high))
    missing = [name for name, value in values.items() if not np.isfinite(value).any()]
    if missing:
        note(panel, "does not exist for", missing)


def ratio_panel(panel: Axes, analysis: Analysis, kind: str, lines: dict[str, style.Line]) -> None:
    """Draw one distance over its null quantile: linear within the band, logarithmic outside."""
    shown, negative = style.time_axis(panel, analysis.step), declared(kind).unbiased
    panel.axhspan(-1 if negative else 0, 1, color=style.PALE, linewidth=0)
    highest = 1.0
    for name in ordered(analysis):
        ratio = analysis.models[name].distances[kind].ratio[shown]
        if np.isfinite(ratio).any():
            highest = max(highest, float(np.nanmax(ratio)))
            panel.plot(analysis.step[shown], ratio, **lines[name]._asdict())
    panel.set_yscale("symlog", linthresh=1.0, linscale=0.6)
    panel.set_ylim(-1.3 if negative else 0.0, 1.5 * max(highest, 2.0))
    ticks = [value for value in (-1, 0, 1, 3, 10, 30, 100, 300, 1000) if value < 1.5 * max(highest, 2.0)]
    panel.yaxis.set_major_locator(FixedLocator(ticks if negative else ticks[1:]))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())


def curve(panel: Axes, x: Floats, interval: Interval, line: style.Line, name: str) -> None:
    """Draw a curve with the band of its interval."""
    panel.plot(x, interval.value, label=name, **line._asdict())
    panel.fill_between(x, interval.low, interval.high, color=line.color, alpha=0.15, linewidth=0)


def part(interval: Interval, chosen: slice) -> Interval:
    """Give the chosen entries of an interval."""
    return Interval(interval.value[chosen], interval.low[chosen], interval.high[chosen])


def column(interval: Interval, number: int, first: int = 0) -> Interval:
    """Give a column of an interval of two axes, from row `first` on."""
    return Interval(*(part[first:, number] for part in (interval.value, interval.low, interval.high)))


def note(panel: Axes, text: str, names: Sequence[str]) -> None:
    """Write a text and the models it is about into the upper left corner, or how many they are."""
    who = ", ".join(names) if len(names) <= 3 else f"{len(names)} models"
    panel.text(
        0.02, 0.97, f"{text} {who}", transform=panel.transAxes, va="top", color=style.MUTED, fontsize="small"
    ).set_in_layout(False)


def plateaus(panel: Axes, analysis: Analysis) -> None:
    """Mark the loss of the optimum and of the saddles with the first r modes learned."""
    for rank, level in enumerate(analysis.plateaus[:MODES]):
        label = "saddles: first r modes learned" if rank == 0 else None
        panel.axhline(level, color=style.MUTED, linewidth=0.7, linestyle=(0, (1, 2)), label=label)
    if math.isfinite(analysis.optimum_loss) and analysis.optimum_loss > 0:
        panel.axhline(analysis.optimum_loss, color=style.MUTED, linewidth=0.9, label="optimum")


def drawn_levels(analysis: Analysis) -> Floats:
    """Give the levels that a loss axis should reach: of the saddles and of the optimum."""
    levels = np.append(analysis.plateaus[:MODES], analysis.optimum_loss)
    return np.asarray(levels[np.isfinite(levels) & (levels > 0)], dtype=np.float64)


def tail_marks(panel: Axes, gaussian: list[float]) -> None:
    """Logarithmic axis of indices, with the lines at which variance and kurtosis cease to exist."""
    style.log_scale(panel, "y", (0.4, 30.0))
    panel.yaxis.set_major_locator(FixedLocator([0.5, 1, 2, 4, 8, 16]))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.axhspan(0.4, 2, color="#f3e3df", zorder=0, label="no variance (below 2)")
    known = [value for value in gaussian if math.isfinite(value)]
    if known:
        level = float(np.median(known))
        panel.axhline(
            level, color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)), label="a Gaussian sample"
        )


def survival_range(analysis: Analysis, mode: int) -> tuple[float, float]:
    """Find the steps between which some curve of this mode falls, a little wider."""
    found = [one.learning for one in analysis.models.values() if one.learning is not None]
    steps = found[0].times / time_per_step(analysis)
    falling = np.flatnonzero(np.any([one.survival[0, mode] < 0.999 for one in found], axis=0))
    flat = np.flatnonzero(
        np.all([one.survival[0, mode] <= one.survival[0, mode, -1] + 1e-3 for one in found], axis=0)
    )
    first = steps[max(0, falling[0] - 12)] if falling.size else steps[0]
    last = steps[min(len(steps) - 1, flat[0] + 12)] if flat.size else steps[-1]
    return (float(first), float(last)) if first < last else (float(steps[0]), float(steps[-1]))


def shown_modes(analysis: Analysis) -> range:
    """Draw the strongest modes, those above a hundredth of the first."""
    worth = int(np.sum(analysis.mode_strength > 0.01 * analysis.mode_strength[0]))
    return range(max(1, min(MODES, worth)))


def start_at_action(axes: list[Axes], analysis: Analysis) -> None:
    """Begin a logarithmic axis at a third of the time at which a mode first moves in some trajectory."""
    modes = [name for name in analysis.quantities if name != "loss"]
    if not log_spaced(analysis.step) or not modes:
        return
    scale = mode_scale(analysis.mode_strength)
    high = [one.moments.quantiles[:, -1, : len(modes)] / scale for one in analysis.models.values()]
    moving = np.flatnonzero(np.any([np.any(values > 0.02, axis=1) for values in high], axis=0))
    first = float(analysis.step[max(1, moving[0])]) / 3 if moving.size else 0.0
    for panel in axes:
        style.step_axis(panel, max(first, float(analysis.step[1])), float(analysis.step[-1]), True)


def titled(name: str, result: ModelResult) -> str:
    """Name a panel after its model, with the number of trajectories that diverged."""
    return f"{name} ({result.diverged:,} diverged)" if result.diverged else name


def across(count: int) -> int:
    """Return how many panels a row has: four where that saves a row or a gap, else three.

    Examples
    --------
    >>> [across(count) for count in (3, 4, 6, 7, 8, 9)]
    [3, 4, 3, 4, 4, 3]
    """
    return 4 if -(-count // 4) < -(-count // 3) else 3


def outer_labels(axes: list[Axes], columns: int, label: str) -> None:
    """Label the y axis of the left panels, and the x axis of the lowest only."""
    for number, panel in enumerate(axes):
        if number % columns == 0:
            panel.set_ylabel(label)
        if number + columns < len(axes) and panel.get_shared_x_axes().get_siblings(panel) != [panel]:
            panel.set_xlabel("")


def mode_limits(analysis: Analysis, modes: range) -> tuple[float, float]:
    """Limits that contain the bands of all models, except values far from all medians and from 0 and 1."""
    shown = slice(modes.start, modes.stop)
    strength = analysis.mode_strength[shown]
    bands = np.array([one.moments.quantiles[:, :, shown] / strength for one in analysis.models.values()])
    middle = np.array([one.moments.median[:, shown] / strength for one in analysis.models.values()])
    known, centre = bands[np.isfinite(bands)], middle[np.isfinite(middle)]
    if not known.size or not centre.size:
        return -0.06, 1.06
    least, most = min(0.0, float(centre.min())), max(1.0, float(centre.max()))
    low, high = float(known.min()) - 0.06, float(known.max()) + 0.06
    return max(least - 0.6 * (most - least), low), min(most + 1.2 * (most - least), high)


def neutral_legend(figure: Figure, axes: list[Axes]) -> None:
    """Legend of loss panels, whose colours differ: bands and lines in grey."""
    style.legend_below(figure, axes)
    shades = iter((0.25, 0.5))
    for handle in figure.legends[0].legend_handles:
        if isinstance(handle, Patch):
            handle.set(facecolor=style.MUTED, alpha=next(shades))
