"""All combinations of the swept settings at once: one figure, and one sentence that answers from it."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from fastsde.analysis.cases import SweepAnalysis
from fastsde.analysis.escape.crossed import Crossed
from fastsde.analysis.escape.effects import DATA_SET
from fastsde.analysis.escape.places import passage
from fastsde.analysis.phrases import between
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


def crossed_sentence(one: Crossed, places: Sequence[str]) -> str:
    """Say what each setting does to the time of escape, the largest effect first, with 95 % intervals."""
    order = sorted(range(len(one.factors)), key=lambda k: -abs(math.log(one.ratio[k])))
    names = [short_name(one.factors[k]) for k in order]
    units = f"{one.units:,} {'data sets' if one.unit == DATA_SET else 'trajectories per combination'}"
    clauses = "; ".join(_clause(one, k) for k in order)
    return (
        f"The {_time(one)} {passage(places[one.place])} of {one.model} depends most on the {names[0]}: "
        f"{clauses} (means over the other settings, with 95 % intervals, and the range at single values of "
        f"them; {units})."
    )


def _time(one: Crossed) -> str:
    if math.isnan(one.share):
        return f"mean time (up to {one.horizon:.3g}) of escape"
    return f"time by which {SHARES[one.share]} have escaped"


def _clause(one: Crossed, k: int) -> str:
    """Say by which factor a setting multiplies the time, whether it does, and how far that varies."""
    key = one.factors[k]
    low, high = one.levels[key][0], one.levels[key][-1]
    ratio, ends = one.ratio[k], (one.ratio_low[k], one.ratio_high[k])
    extremes = (one.least[k], one.most[k])
    if key in FALLING:
        low, high, ratio = high, low, 1 / ratio
        ends, extremes = (1 / ends[1], 1 / ends[0]), (1 / extremes[1], 1 / extremes[0])
    verb = "lowering" if key in FALLING else "raising"
    said = f"{verb} the {short_name(key)} from {low:g} to {high:g}"
    numbers = f"{ratio:.3g} ({between(*ends)}; {extremes[0]:.3g} to {extremes[1]:.3g})"
    if ends[0] <= 1 <= ends[1]:
        return f"{said} has no significant effect on average, factor {numbers}"
    return f"{said} multiplies it by {numbers}"


def crossed_figure(found: SweepAnalysis, one: Crossed) -> Figure:
    """Draw time against the first setting: a line for each value of the second, a panel of the third."""
    panels = list(one.levels[one.factors[2]]) if len(one.factors) > 2 else [None]
    figure = Figure(figsize=(style.WIDTH, 4.2), layout="constrained")
    axes = list(figure.subplots(1, len(panels), squeeze=False, sharey=True)[0])
    for number, (panel, value) in enumerate(zip(axes, panels, strict=True)):
        _lines(panel, one, number)
        _references(panel, found, one, value)
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
            marker=MARKS[k % len(MARKS)],
            markersize=5,
            elinewidth=1.0,
            label=f"{short_name(one.factors[1])} {value:g}",
            **style.mode_line(k)._asdict(),
        )
    panel.set_xticks(x, [f"{value:g}" for value in x])


def _references(panel: Axes, found: SweepAnalysis, one: Crossed, value: float | None) -> None:
    """Draw models that have only the panel's setting as level lines with a band: the algorithm itself."""
    here: dict[str, list[Row]] = {}
    for row in found.rows.values():
        own = dict(zip(found.columns, row.values, strict=True))
        among = value is None or own.get(one.factors[2]) == f"{value:.12g}"
        if among and not any(own.get(key) for key in one.factors[:2]):
            here.setdefault(row.model, []).append(row)
    dashes = itertools.cycle((":", "-.", "--"))
    for name, rows in here.items():
        time, low, high = _half(rows[0], one.place)
        if len(rows) > 1 or one.share != 0.5 or not math.isfinite(time):
            continue
        panel.axhline(time, color=style.INK, linewidth=1.2, linestyle=next(dashes), label=name)
        if math.isfinite(high):
            panel.axhspan(low, high, color=style.INK, alpha=0.1, linewidth=0)


def _half(row: Row, place: int) -> tuple[float, float, float]:
    if place >= len(row.escape_time):
        return math.nan, math.nan, math.nan
    return float(row.escape_time[place]), float(row.escape_low[place]), float(row.escape_high[place])
