"""Figures on equilibrium: currents, entropy production and mixing times."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.currents.mixing import FORGOTTEN, MixingTimes
from fastsde.analysis.currents.planes import Plane
from fastsde.analysis.currents.section import Currents
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import panels, style
from fastsde.report.features_figures import lines_of


def fields(analysis: Analysis) -> Figure:
    """Draw the current in the fastest plane of two models, and the entropy production of all."""
    found: Currents = analysis.sections["currents"]
    measured = [name for name in ordered(analysis) if found.models[name].planes]
    lines = lines_of(analysis)
    shown = measured[:2]
    figure, axes = style.grid(len(shown) + 1, 3, 2.9)
    for panel, name in zip(axes, shown, strict=False):
        planes = found.models[name].planes
        kind = "fastest" if "fastest" in planes else "noise"
        _field(panel, planes[kind], time_per_step(analysis))
        panel.set_title(f"{name}: {kind} plane", color=lines[name].color)
    panel = axes[-1]
    for number, name in enumerate(measured):
        entropy = found.models[name].entropy
        if entropy is None:
            continue
        value = entropy.corrected
        bars = [[float(value.value - value.low)], [float(value.high - value.value)]]
        panel.errorbar([number], [float(value.value)], bars, fmt="o", color=lines[name].color, label=name)
    panel.axhline(0, color=style.INK, linewidth=0.8)
    panel.set_xticks(range(len(measured)), measured, rotation=20)
    panel.set_xlim(-0.6, len(measured) - 0.4)
    panel.set_title("entropy production by time")
    style.legend_below(figure, axes)
    return figure


def _field(panel: Axes, plane: Plane, step: float) -> None:
    """Draw density and mean velocity, arrows in units of the largest."""
    centres = (plane.edges[1:] + plane.edges[:-1]) / 2
    panel.pcolormesh(plane.edges, plane.edges, plane.density.T, cmap="Greys", vmin=0, alpha=0.6, linewidth=0)
    current = plane.velocity * plane.density[..., None] * step
    panel.quiver(
        centres, centres, current[..., 0].T, current[..., 1].T, color="#B3386B", pivot="mid", width=0.008
    )
    panel.set_xlabel("first direction / its deviation")
    panel.set_ylabel("second direction / its deviation")
    panel.set_aspect("equal")
    panel.grid(visible=False)


def correlations(analysis: Analysis) -> Figure:
    """Autocorrelation of each mode over the late window."""
    found: MixingTimes = analysis.sections["mixing"]
    modes = panels.shown_modes(analysis)
    figure, axes = style.grid(len(modes), 2, 2.3, sharex=True, sharey=True)
    lines = lines_of(analysis)
    for panel, mode in zip(axes, modes, strict=True):
        for name in ordered(analysis):
            one = found.models[name]
            if one.reason:
                continue
            value = one.correlation
            panel.plot(one.lags, value.value[:, mode], label=name, **lines[name]._asdict())
            panel.fill_between(
                one.lags,
                value.low[:, mode],
                value.high[:, mode],
                color=lines[name].color,
                alpha=0.13,
                linewidth=0,
            )
        panel.axhline(0, color=style.INK, linewidth=0.8)
        panel.axhline(FORGOTTEN, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
        panel.set_xlabel("lag (learning-rate steps)")
        panel.set_xscale("symlog", linthresh=max(1.0, _first_lag(found)))
        panel.set_xlim(0, None)
        panel.set_title(f"mode {mode + 1}")
    panels.outer_labels(axes, 2, "autocorrelation")
    style.legend_below(figure, axes)
    return figure


def _first_lag(found: MixingTimes) -> float:
    gaps = [float(np.diff(one.lags).min()) for one in found.models.values() if len(one.lags) > 1]
    return min(gaps, default=1.0)
