"""The figure of the effect: how far each model is from the reference over the course of learning."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fastsde.analysis import Analysis
from fastsde.analysis.protocols import Floats
from fastsde.analysis.ranking import ranking
from fastsde.report import panels, style

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the reference's path that the upper axis marks."""


def effect_over_course(analysis: Analysis) -> Figure:
    """Effect of every model at each snapshot with its interval, and its parts, over what sampling gives."""
    effects = analysis.effects
    analysis.models[analysis.reference]  # without a reference, says what the analysis lacks
    parts = {"effect: mean over coordinates": effects.value}
    if effects.has_modes and effects.has_loss:
        parts |= {"modes, share of their strength": effects.modes, "loss, decades": effects.loss}
    figure, axes = _layout(len(parts))
    for panel, (title, values) in zip(axes, parts.items(), strict=True):
        effect_panel(panel, analysis, values)
        panel.set_title(title)
    panels.start_at_action(axes, analysis)
    _mark_shares(axes[0], analysis)
    style.legend_below(figure, axes)
    return figure


def effect_panel(panel: Axes, analysis: Analysis, values: Floats) -> None:
    """Draw the effect, or a part of it, (snapshot, model, model), over what sampling gives."""
    effects = analysis.effects
    lines = style.model_lines(list(analysis.models), analysis.reference)
    own = effects.names.index(analysis.reference)
    shown = style.time_axis(panel, analysis.step)
    steps, sampling = analysis.step[shown], values[shown, own, own]
    curves = {name: values[shown, own, effects.names.index(name)] for name in ranking(analysis)}
    low, high = _limits(np.array([sampling, *curves.values()]))
    panel.fill_between(steps, low, sampling, color=style.PALE, linewidth=0, label="sampling alone")
    for name, curve in curves.items():
        panel.plot(steps, curve, label=name, **lines[name]._asdict())
        if values is effects.value:
            band = effects.course(analysis.reference, name)
            lower, upper = np.maximum(band.low, low)[shown], band.high[shown]
            panel.fill_between(steps, lower, upper, color=lines[name].color, alpha=0.18, linewidth=0)
    style.log_scale(panel, "y", (low, high))


def _layout(parts: int) -> tuple[Figure, list[Axes]]:
    """One wide panel, and two below it if the parts are drawn."""
    if parts == 1:
        return style.grid(1, 1, 3.2)
    figure = style.sheet(6.2)
    places = figure.add_gridspec(2, 2, height_ratios=(1.25, 1))
    return figure, [figure.add_subplot(places[0, :]), *(figure.add_subplot(places[1, at]) for at in (0, 1))]


def _limits(values: Floats) -> tuple[float, float]:
    """Limits that hold all values above a ten-thousandth of the largest."""
    known = values[np.isfinite(values) & (values > 0)]
    if not known.size:
        return 1e-3, 1.0
    high = 2 * float(known.max())
    return max(0.7 * float(known.min()), high / 2e4), high


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
