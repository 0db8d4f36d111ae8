"""Figures on equilibrium: currents, entropy production and mixing times."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fastsde.analysis import Analysis
from fastsde.analysis.currents.mixing import FORGOTTEN, MixingTimes
from fastsde.analysis.currents.planes import Plane
from fastsde.analysis.currents.section import Currents
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered
from fastsde.report import panels, style
from fastsde.report.features.figures import lines_of


def fields(analysis: Analysis) -> Figure:
    """Draw the fastest current of the two most irreversible models, and all entropy productions."""
    found: Currents = analysis.sections["currents"]
    measured = [name for name in ordered(analysis) if found.models[name].planes]
    lines = lines_of(analysis)
    shown = sorted(measured, key=lambda name: -_production(found, name))[:2]
    figure, axes = style.grid(len(shown) + 1, 3, 2.9)
    planes = {name: _plane(found, name) for name in shown}
    longest = max(
        (float(np.nanmax(np.hypot(*_flow(one).T), initial=0.0)) for _, one in planes.values()), default=0
    )
    for panel, (name, (kind, plane)) in zip(axes, planes.items(), strict=False):
        _field(panel, plane, longest)
        panel.set_title(f"{name}: {kind} plane")
    panel = axes[-1]
    for number, name in enumerate(measured):
        entropy = found.models[name].entropy
        if entropy is None:
            continue
        value = entropy.corrected
        bars = [[float(value.value - value.low)], [float(value.high - value.value)]]
        panel.errorbar([number], [float(value.value)], bars, label=name, **lines[name].dots)
    panel.axhline(0, color=style.INK, linewidth=0.8)
    panel.set_xticks(range(len(measured)), measured, rotation=20)
    panel.set_xlim(-0.6, len(measured) - 0.4)
    panel.set_title("entropy production rate")
    style.legend_below(figure, axes)
    return figure


def _production(found: Currents, name: str) -> float:
    """Return a model's entropy production, minus infinity where there is none."""
    entropy = found.models[name].entropy
    return -np.inf if entropy is None else float(entropy.corrected.value)


def _plane(found: Currents, name: str) -> tuple[str, Plane]:
    planes = found.models[name].planes
    kind = "fastest" if "fastest" in planes else "noise"
    return kind, planes[kind]


def _flow(plane: Plane) -> Floats:
    return plane.velocity * plane.density[..., None]


def _field(panel: Axes, plane: Plane, longest: float) -> None:
    """Draw density and current; an arrow of size `longest` is somewhat longer than a cell."""
    centres = (plane.edges[1:] + plane.edges[:-1]) / 2
    panel.pcolormesh(plane.edges, plane.edges, plane.density.T, cmap="Greys", vmin=0, alpha=0.6, linewidth=0)
    current = _flow(plane)
    cell = 1.4 * float(centres[1] - centres[0])
    panel.quiver(
        centres,
        centres,
        current[..., 0].T,
        current[..., 1].T,
        color="#B3386B",
        pivot="mid",
        width=0.008,
        angles="xy",
        scale_units="xy",
        scale=longest / cell if longest > 0 else 1.0,
    )
    panel.set_xlabel("first direction / its deviation")
    panel.set_ylabel("second direction / its deviation")
    panel.set_aspect("equal")
    panel.grid(visible=False)


def correlations(analysis: Analysis) -> Figure:
    """Autocorrelation of each mode over the late window, at the lags between snapshots."""
    found: MixingTimes = analysis.sections["mixing"]
    modes = panels.shown_modes(analysis)
    figure, axes = style.grid(len(modes), 2, 2.3, sharex=True, sharey=True)
    lines = lines_of(analysis)
    for panel, mode in zip(axes, modes, strict=True):
        for name in ordered(analysis):
            one = found.models[name]
            if one.reason:
                continue
            sampled = np.flatnonzero(one.lags > 0)
            lags, value = one.lags[sampled], one.correlation
            panel.plot(
                lags,
                value.value[sampled, mode],
                label=name,
                markersize=3,
                **lines[name].marked(),
            )
            panel.fill_between(
                lags,
                value.low[sampled, mode],
                value.high[sampled, mode],
                color=lines[name].color,
                alpha=0.13,
                linewidth=0,
            )
        panel.axhline(0, color=style.INK, linewidth=0.8)
        panel.axhline(FORGOTTEN, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
        panel.set_xlabel("lag (learning-rate steps)")
        style.log_scale(panel, "x", (0.8 * _first_lag(found), 1.1 * _last_lag(found)))
        panel.xaxis.set_major_locator(
            FixedLocator(style.nice_ticks(0.8 * _first_lag(found), 1.1 * _last_lag(found)))
        )
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_ylim(top=1.03)
        panel.set_title(f"{analysis.objective.vocabulary.mode} {mode + 1}")
    panels.outer_labels(axes, 2, "autocorrelation")
    style.legend_below(figure, axes)
    return figure


def _first_lag(found: MixingTimes) -> float:
    """Return the least lag at which any model is sampled."""
    return min((float(one.lags[1]) for one in found.models.values() if len(one.lags) > 1), default=1.0)


def _last_lag(found: MixingTimes) -> float:
    return max((float(one.lags[-1]) for one in found.models.values() if len(one.lags) > 1), default=2.0)
