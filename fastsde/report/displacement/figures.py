"""Figure of the mean squared displacement over time, from the start and from halfway."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.displacement.section import ORIGINS, Displacement
from fastsde.analysis.summary import ordered
from fastsde.report import panels, style

__all__ = ["origins", "over_lag"]


def origins(found: Displacement) -> list[str]:
    """Return the times from which displacement was measured in some model."""
    return [name for name in ORIGINS if any(name in models for models in found.models.values())]


def over_lag(analysis: Analysis) -> Figure:
    """Draw the mean squared displacement over the lag, its fitted power, and the length of the path."""
    found: Displacement = analysis.sections["displacement"]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    starts = origins(found)
    figure, axes = style.grid(len(starts) + bool(found.length), 2, 2.9)
    for panel, name in zip(axes, starts, strict=False):
        for model in (one for one in ordered(analysis) if name in found.models.get(one, {})):
            one = found.models[model][name]
            exists = np.isfinite(one.mean_square.value).any()
            shown = one.mean_square if exists else one.median_square
            panels.curve(panel, one.lag, shown, lines[model], model if exists else f"{model} (median)")
        panel.set_title(f"from the {name}" if name == "start" else f"from {name}")
        panel.set_ylabel(f"squared displacement, {found.of}")
        _logarithmic(panel, "lag (learning-rate steps)")
    if found.length:
        panel = axes[len(starts)]
        for model, length in found.length.items():
            later = slice(1, None)
            panels.curve(panel, found.step[later], panels.part(length, later), lines[model], model)
        panel.set_title("length of the path")
        panel.set_ylabel("mean length")
        _logarithmic(panel, "time (learning-rate steps)")
    style.legend_below(figure, axes)
    return figure


def _logarithmic(panel: Axes, label: str) -> None:
    style.log_scale(panel, "x")
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=np.float64) for line in panel.get_lines()])
    style.log_scale(panel, "y", style.log_limits(drawn))
    panel.set_xlabel(label)
