"""The part of the page on increments: their autocorrelation and spectrum."""

from __future__ import annotations

from html import escape

import numpy as np
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.increments.section import Increments
from fastsde.analysis.summary import ordered
from fastsde.report import panels, style
from fastsde.report.spec import FigureSpec, register_figure
from fastsde.report.writing import spanned, table

MODES = 2
"""Modes that are drawn."""


def draw(analysis: Analysis) -> Figure:
    """Draw autocorrelation and spectrum of the first modes, one row a mode."""
    found: Increments = analysis.sections["increments"]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    modes = range(min(MODES, next(iter(found.models.values())).spectrum.value.shape[1]))
    figure, axes = style.grid(2 * len(modes), 2, 2.6)
    for mode in modes:
        left, right = axes[2 * mode : 2 * mode + 2]
        left.axhline(0.0, color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)))
        right.axhline(1.0, color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)), label="independent")
        for name in (one for one in ordered(analysis) if one in found.models):
            law = found.models[name]
            panels.curve(left, found.lag[1:], panels.column(law.correlation, mode, 1), lines[name], name)
            panels.curve(right, found.frequency, panels.column(law.spectrum, mode), lines[name], name)
        title = f"{analysis.objective.vocabulary.mode} {mode + 1}"
        left.set(title=title, xlabel="lag (learning-rate steps)", ylabel="autocorrelation")
        right.set(title=title, xlabel="frequency (cycles per step)", ylabel="spectrum")
        values = np.concatenate([law.spectrum.value[:, mode] for law in found.models.values()])
        if np.nanmax(values) > 10 * np.nanmin(values):
            style.log_scale(right, "y", style.log_limits(values))
        else:
            right.set_ylim(0, 1.3 * max(1.0, float(np.nanmax(values))))
    style.legend_below(figure, axes)
    return figure


def finding(analysis: Analysis) -> str:
    """Say how neighbouring increments of the first mode are correlated."""
    found: Increments = analysis.sections["increments"]
    words = analysis.objective.vocabulary.mode
    parts = [
        f"{spanned(panels.column(found.models[name].correlation, 0), 1)} in {escape(name)}"
        for name in ordered(analysis)
        if name in found.models
    ]
    return (
        f"Correlation of an increment of {words} 1 over {found.gap:,.0f} steps with the next one: "
        f"{'; '.join(parts)}; 0 for independent increments."
    )


def summary(analysis: Analysis) -> str:
    """Tabulate the correlation of neighbours, and the spectrum at the lowest and the highest frequency."""
    found: Increments = analysis.sections["increments"]
    words = analysis.objective.vocabulary.mode
    head = ("model", words, "correlation of neighbours", "spectrum, lowest frequency", "highest frequency")
    rows = [
        [
            escape(name),
            str(mode + 1),
            spanned(panels.column(law.correlation, mode), 1),
            spanned(panels.column(law.spectrum, mode), 0),
            spanned(panels.column(law.spectrum, mode), -1),
        ]
        for name, law in ((one, found.models[one]) for one in ordered(analysis) if one in found.models)
        for mode in range(law.spectrum.value.shape[1])
        if np.isfinite(law.spectrum.value[:, mode]).any()
    ]
    return table(head, rows)


register_figure(
    FigureSpec(
        name="increments",
        section="increments",
        order=128,
        title=lambda words: f"Autocorrelation and spectrum of increments of {words.modes}",
        caption=lambda words: (
            f"Change of each {words.mode} from one snapshot to the next, over the longest run of evenly "
            "spaced snapshots, less its mean over trajectories; means over trajectories with 95&nbsp;% "
            "bands. The spectrum is in units of the mean square of an increment: it is 1 at all frequencies "
            "where increments are independent, rises with the frequency where a step is followed by one "
            "back, and falls where motion persists."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes</code>, trajectories that never diverge; <code>analysis.h5 "
            "sections/increments</code>: mean products over mean square; mean periodogram, no window."
        ),
        draw=draw,
        finding=finding,
        beside=summary,
    )
)
