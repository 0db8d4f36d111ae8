"""The figures of a report, one function each: an `Analysis` in, a matplotlib figure out."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fastsde.analysis import Analysis, ModelResult
from fastsde.analysis.pipeline import log_spaced
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.analysis.tails import Tails
from fastsde.report import style

MODES = 4
"""At most so many modes are drawn."""


def loss_quantiles(analysis: Analysis) -> Figure:
    """Loss of every model over time: median, half and nine tenths of the trajectories."""
    names, column = ordered(analysis), analysis.quantities.index("loss")
    lines = style.model_lines(list(analysis.models), analysis.reference)
    figure, axes = style.panels(len(names), 3, 2.35, sharex=True, sharey=True)
    everything = np.concatenate(
        [one.moments.quantiles[:, :, column].ravel() for one in analysis.models.values()]
    )
    limits = style.log_limits(np.append(everything, _lowest_plateau(analysis)))
    for panel, name in zip(axes, names, strict=True):
        result = analysis.models[name]
        _bands(panel, analysis, result.moments.quantiles[:, :, column], lines[name], "this model")
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
        _plateaus(panel, analysis)
        panel.set_yscale("log")
        panel.set_ylim(*limits)
        panel.set_title(_titled(name, result), color=lines[name].color)
    _outer_labels(axes, 3, "loss")
    _neutral_legend(figure, axes)
    return figure


def mode_growth(analysis: Analysis) -> Figure:
    """Growth of the modes in every model, as fractions of what is to be learned."""
    names = ordered(analysis)
    shown_modes = _shown_modes(analysis)
    figure, axes = style.panels(len(names), 3, 2.35, sharex=True, sharey=True)
    limits = _mode_limits(analysis, shown_modes)
    for panel, name in zip(axes, names, strict=True):
        result = analysis.models[name]
        for mode in shown_modes:
            quantiles = result.moments.quantiles[:, :, mode] / analysis.mode_strength[mode]
            label = f"mode {mode + 1} (strength {analysis.mode_strength[mode]:.3g})"
            _bands(panel, analysis, quantiles, style.mode_line(mode), label, inner=False)
        panel.axhline(1.0, color=style.MUTED, linewidth=0.8)
        panel.set_ylim(*limits)
        panel.set_title(_titled(name, result), color=style.INK)
    axes[0].fill_between([], [], color=style.MUTED, alpha=0.25, linewidth=0, label="90 % of trajectories")
    _outer_labels(axes, 3, "mode / strength")
    style.legend_below(figure, axes, 5)
    return figure


def distances_over_time(analysis: Analysis) -> Figure:
    """Distances of every model from the reference: as they are, and in units of what chance alone gives."""
    kinds = [
        ("sliced_wasserstein", "sliced Wasserstein-2 distance", "share of a mode, or decades of loss"),
        ("mmd", "squared MMD", "dimensionless"),
    ]
    figure, axes = style.panels(4, 2, 2.6, sharex=True)
    lines = style.model_lines(list(analysis.models), analysis.reference)
    for column, (kind, title, unit) in enumerate(kinds):
        _distance_panel(axes[column], analysis, kind, lines)
        axes[column].set_title(title)
        axes[column].set_ylabel(unit)
        _ratio_panel(axes[2 + column], analysis, kind, lines)
        axes[2 + column].set_ylabel("times the chance level")
        axes[column].set_xlabel("")
    style.legend_below(figure, axes, 8)
    return figure


def survival_curves(analysis: Analysis) -> Figure:
    """Share of trajectories that have not learned a mode yet, by mode and model."""
    results = {name: analysis.models[name].learning for name in ordered(analysis)}
    lines = style.model_lines(list(analysis.models), analysis.reference)
    shown_modes = _shown_modes(analysis)
    figure, axes = style.panels(len(shown_modes), 2, 2.5, sharey=True)
    for panel, mode in zip(axes, shown_modes, strict=True):
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
        style.step_axis(panel, *_survival_range(analysis, mode), log_spaced(analysis.step))
        panel.set_ylim(0, 1.03)
        fraction = next(one.fractions[0] for one in results.values() if one is not None)
        level = fraction * analysis.mode_strength[mode]
        panel.set_title(f"mode {mode + 1}: first time at {level:.3g} of {analysis.mode_strength[mode]:.3g}")
    _outer_labels(axes, 2, "share not learned yet")
    style.legend_below(figure, axes, 6)
    return figure


def tail_index(analysis: Analysis) -> Figure:
    """Hill's tail index of the update noise over time, by mode and model."""
    lines = style.model_lines(list(analysis.models), analysis.reference)
    results = {name: analysis.models[name].tails for name in ordered(analysis)}
    shown_modes = _shown_modes(analysis)
    figure, axes = style.panels(len(shown_modes), 2, 2.5, sharex=True, sharey=True)
    for panel, mode in zip(axes, shown_modes, strict=True):
        style.time_axis(panel, analysis.step)
        _tail_marks(panel, [tails.gaussian_window for tails in results.values() if tails is not None])
        for number, (name, tails) in enumerate(results.items()):
            if tails is not None and np.isfinite(tails.window_index[:, mode]).any():
                _tail_line(panel, analysis, tails, mode, number, name, lines[name])
        panel.set_title(f"mode {mode + 1}")
    _outer_labels(axes, 2, "tail index of the noise")
    style.legend_below(figure, axes, 8)
    return figure


def _tail_line(
    panel: Axes, analysis: Analysis, tails: Tails, mode: int, number: int, name: str, line: style.Line
) -> None:
    """Draw the windows of one model as points with bars, a little beside those of the others."""
    first, last = (analysis.step[tails.window[:, side].astype(int)] for side in (0, 1))
    logarithmic = log_spaced(analysis.step)
    centre = np.sqrt(first * last) if logarithmic else (first + last) / 2
    spread = (number - 2) * 0.006
    place = centre * analysis.step[-1] ** spread if logarithmic else centre + spread * analysis.step[-1]
    index = tails.window_index[:, mode]
    bars = np.array([index - tails.window_low[:, mode], tails.window_high[:, mode] - index])
    panel.errorbar(
        place,
        index,
        yerr=np.where(np.isfinite(bars), bars, 0.0),
        elinewidth=0.9,
        linewidth=1.3,
        marker="o",
        markersize=2.5,
        label=name,
        **line._asdict(),
    )


def _bands(
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


def _distance_panel(panel: Axes, analysis: Analysis, kind: str, lines: dict[str, style.Line]) -> None:
    """Draw one distance as it is, three or four decades of it, over the null band of the reference."""
    shown = style.time_axis(panel, analysis.step)
    steps = analysis.step[shown]
    own = analysis.models[analysis.reference].distances[kind]
    values = {name: analysis.models[name].distances[kind].value[shown] for name in ordered(analysis)}
    high = style.log_limits(np.concatenate([*values.values(), own.null[shown]]))[1]
    low = high / (1e4 if kind == "mmd" else 1e3)
    panel.fill_between(steps, low, own.null[shown], color=style.PALE, linewidth=0, label="chance (95 %)")
    for name, value in values.items():
        label = f"two halves of {name}" if name == analysis.reference else name
        panel.plot(steps, np.where(value > low, value, np.nan), label=label, **lines[name]._asdict())
    panel.set_yscale("log")
    panel.set_ylim(low, high)
    missing = [name for name, value in values.items() if not np.isfinite(value).any()]
    if missing:
        _note(panel, f"does not exist for {', '.join(missing)}")


def _ratio_panel(panel: Axes, analysis: Analysis, kind: str, lines: dict[str, style.Line]) -> None:
    """Draw one distance over its null quantile: linear within the band, logarithmic outside."""
    shown = style.time_axis(panel, analysis.step)
    panel.axhspan(-1 if kind == "mmd" else 0, 1, color=style.PALE, linewidth=0)
    highest = 1.0
    for name in ordered(analysis):
        ratio = analysis.models[name].distances[kind].ratio[shown]
        if np.isfinite(ratio).any():
            highest = max(highest, float(np.nanmax(ratio)))
            panel.plot(analysis.step[shown], ratio, **lines[name]._asdict())
    panel.set_yscale("symlog", linthresh=1.0, linscale=0.6)
    panel.set_ylim(-1.3 if kind == "mmd" else 0.0, 1.5 * max(highest, 2.0))
    ticks = [value for value in (-1, 0, 1, 3, 10, 30, 100, 300, 1000) if value < 1.5 * max(highest, 2.0)]
    panel.yaxis.set_major_locator(FixedLocator(ticks if kind == "mmd" else ticks[1:]))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())


def _note(panel: Axes, text: str) -> None:
    panel.text(0.02, 0.97, text, transform=panel.transAxes, va="top", color=style.MUTED, fontsize=8.5)


def _plateaus(panel: Axes, analysis: Analysis) -> None:
    """Mark the loss of the optimum and of the saddles with the first r modes learned."""
    for rank, level in enumerate(analysis.plateaus[:MODES]):
        label = "saddles: first r modes learned" if rank == 0 else None
        panel.axhline(level, color=style.MUTED, linewidth=0.7, linestyle=(0, (1, 2)), label=label)
    if math.isfinite(analysis.optimum_loss) and analysis.optimum_loss > 0:
        panel.axhline(analysis.optimum_loss, color=style.MUTED, linewidth=0.9, label="optimum")


def _lowest_plateau(analysis: Analysis) -> Floats:
    levels = np.append(analysis.plateaus[:MODES], analysis.optimum_loss)
    return np.asarray(levels[np.isfinite(levels) & (levels > 0)], dtype=np.float64)


def _tail_marks(panel: Axes, gaussian: list[float]) -> None:
    """Logarithmic axis of indices, with the lines at which variance and kurtosis cease to exist."""
    panel.set_yscale("log")
    panel.set_ylim(0.8, 30)
    panel.yaxis.set_major_locator(FixedLocator([1, 2, 4, 8, 16]))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.axhspan(0.8, 2, color="#f3e3df", zorder=0, label="no variance (below 2)")
    known = [value for value in gaussian if math.isfinite(value)]
    if known:
        level = float(np.median(known))
        panel.axhline(
            level, color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)), label="a Gaussian sample"
        )


def _survival_range(analysis: Analysis, mode: int) -> tuple[float, float]:
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


def _shown_modes(analysis: Analysis) -> range:
    """Draw the strongest modes, those above a hundredth of the first."""
    worth = int(np.sum(analysis.mode_strength > 0.01 * analysis.mode_strength[0]))
    return range(max(1, min(MODES, worth)))


def _titled(name: str, result: ModelResult) -> str:
    return f"{name} ({result.exploded:,} exploded)" if result.exploded else name


def _outer_labels(axes: list[Axes], columns: int, label: str) -> None:
    """Label the y axis of the left panels, and the x axis of the lowest only."""
    for number, panel in enumerate(axes):
        if number % columns == 0:
            panel.set_ylabel(label)
        if number + columns < len(axes) and panel.get_shared_x_axes().get_siblings(panel) != [panel]:
            panel.set_xlabel("")


def _mode_limits(analysis: Analysis, modes: range) -> tuple[float, float]:
    """Limits that hold the bands of all models, from -0.6 to 2.2 at most."""
    strength = analysis.mode_strength[modes.start : modes.stop]
    bands = [
        one.moments.quantiles[:, :, modes.start : modes.stop] / strength for one in analysis.models.values()
    ]
    return max(-0.6, float(np.nanmin(bands)) - 0.06), min(2.2, float(np.nanmax(bands)) + 0.06)


def _neutral_legend(figure: Figure, axes: list[Axes]) -> None:
    """Legend of loss panels, whose colours differ: bands and lines in grey."""
    style.legend_below(figure, axes, 3)
    for handle in figure.legends[0].legend_handles:
        if handle is not None and hasattr(handle, "set_facecolor"):
            handle.set_facecolor(style.MUTED)
