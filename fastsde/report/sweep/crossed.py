"""All combinations of the swept settings at once: one figure, and one sentence that answers from it."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from fastsde.analysis.cases import SweepAnalysis
from fastsde.analysis.escape.crossed import Crossed
from fastsde.analysis.escape.effects import DATA_SET
from fastsde.analysis.escape.places import passage
from fastsde.analysis.phrases import between, enumerated
from fastsde.analysis.sweep_rows import Row
from fastsde.report import style
from fastsde.report.escape.figures import DECADES, MARKS, SHARES, short_name

__all__ = ["crossed_figure", "crossed_sentence", "main_crossed"]

TITLE_WIDTH = 90
"""Letters of a line of the title."""
FALLING = {"alpha"}
"""Settings that are spoken of from the highest value to the lowest: heavier tails have a lower index."""


def main_crossed(found: SweepAnalysis) -> Crossed | None:
    """Return the combinations that the figure is about: of the most settings, at the first place."""
    return max(found.crossed.values(), key=lambda one: (len(one.factors), -one.place), default=None)


def crossed_sentence(found: SweepAnalysis, one: Crossed) -> str:
    """Say what each setting does to the time of escape, the largest effect first, with 95 % intervals."""
    order = sorted(range(len(one.factors)), key=lambda k: (_open(one, k), -abs(math.log(one.ratio[k]))))
    effects = [_factor(one, k) for k in order]
    most = f"depends most on the {short_name(one.factors[order[0]])}"
    said = "depends significantly on nothing that is varied" if _open(one, order[0]) else most
    units = f"{one.units:,} {'data sets' if one.unit == DATA_SET else 'trajectories per combination'}"
    ranges = enumerated([f"{low:.3g} to {high:.3g}" for *_, low, high in effects])
    where = passage(found.places[one.place])
    return (
        f"The {_time(one)} {where} in {one.model} {said}: {_clauses(effects)}; these are "
        f"means over the other settings, at single values of which the factors are {ranges}"
        f"{_nearest(found, one)} ({units})."
    )


def _open(one: Crossed, k: int) -> bool:
    """Whether a setting may have no effect on average: 1 is in the interval of its factor."""
    return bool(one.ratio_low[k] <= 1 <= one.ratio_high[k])


def _time(one: Crossed) -> str:
    if math.isnan(one.share):
        return f"mean time (up to {one.horizon:.3g}) of escape"
    return f"time by which {SHARES[one.share]} have escaped"


def _factor(one: Crossed, k: int) -> tuple[str, float, float, float, float, float]:
    """Return what is done to a setting, and the factor of the time: its mean, interval and extremes."""
    key = one.factors[k]
    low, high = one.levels[key][0], one.levels[key][-1]
    parts = [one.ratio[k], one.ratio_low[k], one.ratio_high[k], one.least[k], one.most[k]]
    if key in FALLING:
        low, high = high, low
        parts = [1 / parts[number] for number in (0, 2, 1, 4, 3)]
    verb = "lowering" if key in FALLING else "raising"
    return f"{verb} the {short_name(key)} from {low:g} to {high:g}", *map(float, parts)  # type: ignore[return-value]


def _clauses(effects: list[tuple[str, float, float, float, float, float]]) -> str:
    """Join the effects: those that are significant by their factors, and then the others."""
    sure = [one for one in effects if not one[2] <= 1 <= one[3]]
    open_ = [one for one in effects if one not in sure]
    numbers = [f"{said} {{}}by {ratio:.3g} ({between(low, high)})" for said, ratio, low, high, *_ in sure]
    words = [one.format("multiplies it " if k == 0 else "") for k, one in enumerate(numbers)]
    words += [
        f"{said} has no significant effect, factor {ratio:.3g} ({between(low, high)})"
        for said, ratio, low, high, *_ in open_
    ]
    return enumerated(words).replace(" (", " (95 % interval ", 1)


def _nearest(found: SweepAnalysis, one: Crossed) -> str:
    """Say with which values of the first two settings the times are nearest to those of another model."""
    count = one.time.shape[2] if len(one.factors) > 2 else 1
    panels = [_references(found, one, number) for number in range(count)]
    names = set.intersection(*(set(panel) for panel in panels))
    if len(names) != 1:
        return ""
    (name,) = names
    theirs = np.log([panel[name][0] for panel in panels])
    off = np.abs(np.log(one.time.reshape(*one.time.shape[:2], count)) - theirs).mean(axis=-1)
    place = np.unravel_index(int(np.argmin(off)), off.shape)
    at = [f"{short_name(key)} {one.levels[key][k]:g}" for key, k in zip(one.factors, place, strict=False)]
    least = float(off[place])
    apart = "less than 1 % from them" if least < 0.01 else f"{100 * math.expm1(least):.2g} % from them"
    return f"; the times of {name} are nearest to those with {' and '.join(at)}, {apart}"


def crossed_figure(found: SweepAnalysis, one: Crossed) -> Figure:
    """Draw time against the first setting: a line for each value of the second, a panel of the third."""
    panels = list(one.levels[one.factors[2]]) if len(one.factors) > 2 else [None]
    figure = Figure(figsize=(style.WIDTH, 4.2), layout="constrained")
    axes = list(figure.subplots(1, len(panels), squeeze=False, sharey=True)[0])
    for number, (panel, value) in enumerate(zip(axes, panels, strict=True)):
        _lines(panel, one, number)
        _draw_references(panel, _references(found, one, number))
        if value is not None:
            panel.set_title(f"{short_name(one.factors[2])} {value:g}")
        panel.set_xlabel(short_name(one.factors[0]))
    times = one.time[np.isfinite(one.time)]
    if times.max() > DECADES * times.min():
        style.log_scale(axes[0])
    else:
        axes[0].set_ylim(bottom=0)
        axes[0].yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.4g}"))
    axes[0].set_ylabel("escape time (learning rate x steps)")
    title = f"{_time(one)[:1].upper()}{_time(one)[1:]} {passage(found.places[one.place])}, {one.model}"
    figure.suptitle(textwrap.fill(title, TITLE_WIDTH), x=0.01, ha="left", fontsize=10.5)
    style.legend_below(figure, axes)
    return figure


def _lines(panel: Axes, one: Crossed, number: int) -> None:
    """Draw the lines of a panel, moved a little so that their bars lie beside each other."""
    x, many = one.levels[one.factors[0]], one.levels[one.factors[1]]
    gap = min(b - a for a, b in itertools.pairwise(x))
    for k, value in enumerate(many):
        where = (slice(None), k, number)[: len(one.factors)]
        time, low, high = (part[where] for part in (one.time, one.low, one.high))
        bars = np.nan_to_num(np.maximum([time - low, high - time], 0.0), posinf=0.0)
        panel.errorbar(
            x + 0.12 * gap * (k - (len(many) - 1) / 2),
            time,
            yerr=bars,
            markersize=5,
            elinewidth=1.0,
            label=f"{short_name(one.factors[1])} {value:g}",
            **style.mode_line(k).marked(MARKS[k % len(MARKS)]),
        )
    panel.set_xticks(x, [f"{value:g}" for value in x])


def _references(found: SweepAnalysis, one: Crossed, number: int) -> dict[str, tuple[float, float, float]]:
    """Return the times of models that have only the setting of a panel, such as the algorithm itself."""
    here: dict[str, list[Row]] = {}
    for row in found.rows.values():
        own = dict(zip(found.columns, row.values, strict=True))
        last = one.factors[2] if len(one.factors) > 2 else ""
        among = not last or own.get(last) == f"{one.levels[last][number]:.12g}"
        if among and not any(own.get(key) for key in one.factors[:2]):
            here.setdefault(row.model, []).append(row)
    times = {name: _half(rows[0], one.place) for name, rows in here.items() if len(rows) == 1}
    return {name: time for name, time in times.items() if one.share == 0.5 and math.isfinite(time[0])}


def _draw_references(panel: Axes, times: Mapping[str, tuple[float, float, float]]) -> None:
    """Draw their times as level lines with bands."""
    dashes = itertools.cycle((":", "-.", "--"))
    for name, (time, low, high) in times.items():
        panel.axhline(time, color=style.INK, linewidth=1.2, linestyle=next(dashes), label=name)
        if math.isfinite(high):
            panel.axhspan(low, high, color=style.INK, alpha=0.1, linewidth=0)


def _half(row: Row, place: int) -> tuple[float, float, float]:
    if place >= len(row.escape_time):
        return math.nan, math.nan, math.nan
    return float(row.escape_time[place]), float(row.escape_low[place]), float(row.escape_high[place])
