"""Figures of escape: curves, hazards, and what settings do to the times."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from fastsde.analysis import Analysis
from fastsde.analysis.escape.effects import COVARIATES, Effect
from fastsde.analysis.escape.places import passage
from fastsde.analysis.law import log_spaced
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import style

if TYPE_CHECKING:
    from fastsde.analysis.escape.section import Escape

RANKS = 4
"""Ranks drawn, at most."""
DECADES = 20
"""Times that differ by more than this factor are drawn on a logarithmic axis."""
MARKS = ("o", "s", "^", "D")
TITLE_WIDTH = 44
"""Letters of a line of a panel's title."""

SHARES = {0.5: "half", 0.25: "a quarter", 0.1: "a tenth"}
"""Shares of the trajectories whose times of escape are compared, in words."""


def curves(analysis: Analysis) -> Figure:
    """Share of trajectories that are still at each rank, from their arrival there."""
    found: Escape = analysis.sections["escape"]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    ranks = range(min(RANKS, len(found.grid)))
    figure, axes = style.grid(len(ranks), 2, 2.5, sharey=True)
    step = time_per_step(analysis)
    for panel, rank in zip(axes, ranks, strict=True):
        times = found.grid[rank] / step
        for name in ordered(analysis):
            one = found.models[name]
            panel.step(times, one.survival[rank], where="post", label=name, **lines[name]._asdict())
            panel.fill_between(
                times,
                one.low[rank],
                one.high[rank],
                step="post",
                color=lines[name].color,
                alpha=0.12,
                linewidth=0,
            )
            if one.diverged[rank]:
                panel.plot(times, one.divergence[rank], color=lines[name].color, linewidth=0.9, linestyle=":")
        if any(found.models[name].diverged[rank] for name in found.models):
            label = "share that diverged first"
            panel.plot([], [], color=style.MUTED, linewidth=0.9, linestyle=":", label=label)
        _time_axis(panel, analysis, times)
        panel.set_ylim(0, 1.03)
        panel.set_title(passage(found.places[rank]))
    for number, panel in enumerate(axes):
        if number % 2 == 0:
            panel.set_ylabel("share still there")
    style.legend_below(figure, axes)
    return figure


def hazards(analysis: Analysis) -> Figure:
    """Rate of escape of those still there."""
    found: Escape = analysis.sections["escape"]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    ranks = range(min(RANKS, len(found.grid)))
    figure, axes = style.grid(len(ranks), 2, 2.5)
    step = time_per_step(analysis)
    for panel, rank in zip(axes, ranks, strict=True):
        edge = found.edge[rank] / step
        middle = (edge[1:] + edge[:-1]) / 2
        known = np.diff(edge) > 1e-6 * edge[-1]
        seen: list[float] = []
        for name in ordered(analysis):
            one = found.models[name]
            rate, low, high = (v[rank][known] * step for v in (one.hazard, one.hazard_low, one.hazard_high))
            shown = np.where(rate > 0, rate, np.nan)
            panel.plot(middle[known], shown, label=name, markersize=3, **lines[name].marked())
            panel.fill_between(middle[known], low, high, color=lines[name].color, alpha=0.12, linewidth=0)
            seen += rate[rate > 0].tolist()
        panel.set_title(passage(found.places[rank]))
        if seen:
            style.log_scale(panel, "y", (min(seen) / 2, max(seen) * 2))
        panel.set_xlim(left=0)
        panel.set_xlabel(f"time since {analysis.objective.vocabulary.since} (learning-rate steps)")
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        if rank % 2 == 0:
            panel.set_ylabel("escapes per step")
    style.legend_below(figure, axes)
    return figure


def effects(analysis: Analysis) -> Figure:
    """Escape times against each setting that varies with all else equal."""
    found: Escape = analysis.sections["escape"]
    return effect_panels(found.effects, time_per_step(analysis), "steps", found.places)


def effect_panels(found: Mapping[str, Effect], unit: float, word: str, places: Sequence[str]) -> Figure:
    """Draw one panel for each family of models: time against the setting, one line for each place."""
    groups: dict[tuple[str, ...], list[Effect]] = {}
    for one in found.values():
        groups.setdefault((one.covariate, *one.names, *one.held), []).append(one)
    figure, axes = style.grid(len(groups), 3, 2.7)
    for panel, many in zip(axes, groups.values(), strict=True):
        for one in many:
            label = f"{passage(places[one.place])}, {SHARES[one.share]} escaped"
            _effect_line(panel, one, unit, label)
        _effect_axis(panel, many[0], many[0].covariate)
        times = np.concatenate([one.time for one in many])
        times = times[np.isfinite(times) & (times > 0)]
        if times.size and times.max() > DECADES * times.min():
            style.log_scale(panel, "y", (0.5 * times.min() / unit, 2 * times.max() / unit))
        panel.set_title(textwrap.fill(family_name(many[0]), TITLE_WIDTH), fontsize=8.5)
    for number, panel in enumerate(axes):
        if number % 3 == 0:
            panel.set_ylabel(f"time to escape ({word})")
    style.legend_below(figure, axes)
    return figure


def family_name(one: Effect) -> str:
    """Name a family after its models, all of two, or the first and the last, and what they have in common.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> family_name(SimpleNamespace(names=("levy-alpha1_2", "levy-alpha1_5", "sde"), held=()))
    'levy-alpha1_2 ... sde'
    >>> family_name(SimpleNamespace(names=("sde", "sde"), held=("time.learning_rate = 0.01",)))
    'sde (learning rate 0.01)'
    """
    names = list(dict.fromkeys(one.names))
    text = " ... ".join((names[0], names[-1])) if len(names) > 2 else ", ".join(names)
    held = [" ".join((short_name(key), value)) for key, value in (each.split(" = ") for each in one.held)]
    return f"{text} ({', '.join(held)})" if held else text


def _effect_line(panel: Axes, one: Effect, unit: float, label: str) -> None:
    line = style.mode_line(one.place)
    if len(one.value) < 3:  # two points are no curve
        line = line._replace(linestyle="none")
    bars = np.array([one.time - one.low, one.high - one.time]) / unit
    bars = np.where(np.isfinite(bars), np.maximum(bars, 0.0), 0.0)
    panel.errorbar(
        one.value,
        one.time / unit,
        yerr=bars,
        markersize=4,
        elinewidth=1.0,
        label=label,
        **line.marked(MARKS[one.place % len(MARKS)]),
    )


def _effect_axis(panel: Axes, one: Effect, covariate: str) -> None:
    panel.set_xlabel(short_name(covariate))
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.3g}" if value < 1e3 else f"{value:,.0f}")
    )
    spread = one.value.max() / one.value.min() if one.value.min() > 0 else math.nan
    if covariate not in ("alpha", "noise") and spread >= 3:
        style.log_scale(panel, "x")
    panel.set_xticks(one.value, [f"{value:g}" for value in one.value])
    panel.xaxis.set_minor_formatter(NullFormatter())
    if covariate == "noise":
        panel.set_xticks([0, 1], ["isotropic", "gradient"])
        panel.set_xlim(-0.4, 1.4)


def short_name(covariate: str) -> str:
    """Return a covariate in a few words."""
    return COVARIATES.get(covariate, covariate).split(" (")[0]


def _time_axis(panel: Axes, analysis: Analysis, times: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    style.step_axis(
        panel, float(times[0]), float(times[-1]), bool(log_spaced(analysis.step) and times[0] > 0)
    )
    panel.set_xlabel(f"time since {analysis.objective.vocabulary.since} (learning-rate steps)")
