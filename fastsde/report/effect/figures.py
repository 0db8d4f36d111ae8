"""The figure of the effect: how far each model is from the reference over the course of learning."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fastsde.analysis import Analysis
from fastsde.analysis.protocols import Floats
from fastsde.analysis.ranking import ranking
from fastsde.report import panels, style

SHARES = (0.1, 0.5, 0.9)
"""Shares of the reference's path that the upper axes mark."""
PARTS = {"modes, share of their strength": (0, (4, 1.5)), "loss, decades": (0, (1, 1.2))}
"""The parts of an effect, with their dashes."""
OTHERS = "#a8a8a8"
"""Colour of the other models in each panel."""


def effect_over_course(analysis: Analysis) -> Figure:
    """Effect of each model at every snapshot in a panel: interval, parts, and what sampling gives."""
    analysis.models[analysis.reference]  # without a reference, says what the analysis lacks
    names = ranking(analysis)
    lines = style.model_lines(list(analysis.models), analysis.reference)
    columns = panels.across(len(names))
    figure, axes = style.grid(len(names), columns, 2.5, sharex=True, sharey=True)
    limits = _limits(np.array([curve for name in names for curve in _curves(analysis, name).values()]))
    for panel, name in zip(axes, names, strict=True):
        _one_model(panel, analysis, name, lines[name], limits)
        panel.set_title(panels.titled(name, analysis.models[name]))
        style.log_scale(panel, "y", limits)
    panels.start_at_action(axes, analysis)
    panels.outer_labels(axes, columns, "effect")
    for panel in axes[:columns]:
        _mark_shares(panel, analysis)
    _neutral_legend(figure, axes)
    return figure


def _curves(analysis: Analysis, name: str) -> dict[str, Floats]:
    """Return the effect of a model at each snapshot, its parts if there are two, and that of sampling."""
    effects = analysis.effects
    at = (slice(None), effects.names.index(analysis.reference), effects.names.index(name))
    curves = {"effect": effects.value[at], "sampling alone": effects.value[:, at[1], at[1]]}
    if effects.has_modes and effects.has_loss:
        curves |= dict(zip(PARTS, (effects.modes[at], effects.loss[at]), strict=True))
    return curves


def _one_model(
    panel: Axes, analysis: Analysis, name: str, line: style.Line, limits: tuple[float, float]
) -> None:
    """Draw the effect of one model, over those of the others in grey and what sampling gives."""
    shown = style.time_axis(panel, analysis.step)
    steps, curves, low = analysis.step[shown], _curves(analysis, name), limits[0]
    band = analysis.effects.course(analysis.reference, name)
    lower, upper = np.maximum(band.low, low)[shown], band.high[shown]
    panel.plot(steps, curves["effect"][shown], color=line.color, label="effect of this model", zorder=3)
    panel.fill_between(steps, lower, upper, color=line.color, alpha=0.25, linewidth=0)
    for part, dashes in PARTS.items():
        if part in curves:
            panel.plot(
                steps, curves[part][shown], color=line.color, linewidth=1.0, linestyle=dashes, label=part
            )
    for other in (other for other in ranking(analysis) if other != name):
        panel.plot(steps, _curves(analysis, other)["effect"][shown], color=OTHERS, linewidth=0.7, zorder=1.5)
    panel.plot([], [], color=OTHERS, linewidth=0.7, label="effects of the other models")
    gray = curves["sampling alone"][shown]
    panel.fill_between(steps, low, gray, color=style.PALE, linewidth=0, label="sampling alone")


def _neutral_legend(figure: Figure, axes: list[Axes]) -> None:
    """Put a legend below whose lines are black, since the colours of panels differ."""
    style.legend_below(figure, axes)
    for handle in figure.legends[0].legend_handles:
        if isinstance(handle, Line2D) and handle.get_color() != OTHERS:
            handle.set_color(style.INK)


def effect_panel(panel: Axes, analysis: Analysis) -> None:
    """Draw the effect of all models over what sampling gives."""
    effects = analysis.effects
    values = effects.value
    lines = style.model_lines(list(analysis.models), analysis.reference)
    own = effects.names.index(analysis.reference)
    shown = style.time_axis(panel, analysis.step)
    steps, sampling = analysis.step[shown], values[shown, own, own]
    curves = {name: values[shown, own, effects.names.index(name)] for name in ranking(analysis)}
    low, high = _limits(np.array([sampling, *curves.values()]))
    panel.fill_between(steps, low, sampling, color=style.PALE, linewidth=0, label="sampling alone")
    for name, curve in curves.items():
        panel.plot(steps, curve, label=name, **lines[name]._asdict())
        band = effects.course(analysis.reference, name)
        lower, upper = np.maximum(band.low, low)[shown], band.high[shown]
        panel.fill_between(steps, lower, upper, color=lines[name].color, alpha=0.18, linewidth=0)
    style.log_scale(panel, "y", (low, high))


def _limits(values: Floats) -> tuple[float, float]:
    """Limits that hold all values above a thousandth of the largest."""
    known = values[np.isfinite(values) & (values > 0)]
    if not known.size:
        return 1e-3, 1.0
    high = 2 * float(known.max())
    return max(0.7 * float(known.min()), high / 2e3), high


def _mark_shares(panel: Axes, analysis: Analysis) -> None:
    """Mark on an axis above the panel how much of its path the reference has covered."""
    weight = analysis.effects.weight
    done = np.cumsum(weight) - weight / 2
    above = panel.twiny()
    above.set_xscale(panel.get_xscale())
    above.set_xlim(panel.get_xlim())
    at = [float(np.interp(share, done, analysis.step)) for share in SHARES]
    inside = [(step, share) for step, share in zip(at, SHARES, strict=True) if step > panel.get_xlim()[0]]
    above.xaxis.set_major_locator(FixedLocator([step for step, _ in inside]))
    labels = {step: f"{100 * share:.0f} %" for step, share in inside}
    above.xaxis.set_major_formatter(FuncFormatter(lambda step, _: labels.get(step, "")))
    above.xaxis.set_minor_locator(FixedLocator([]))
    above.xaxis.set_minor_formatter(NullFormatter())
    above.set_xlabel(f"share of the path of {analysis.reference}", fontsize="small", color=style.MUTED)
    above.tick_params(colors=style.MUTED, labelsize="x-small")
    above.grid(visible=False)
    above.spines["top"].set_visible(True)
