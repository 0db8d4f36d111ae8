"""The figure of a sweep: one plot of escape times, or of what else there is, against what is swept."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from fastsde.analysis.cases import SweepAnalysis
from fastsde.analysis.escape.places import passage
from fastsde.analysis.protocols import Floats
from fastsde.analysis.sweep_rows import SEEDS, Row, column
from fastsde.report import style
from fastsde.report.escape.figures import DECADES, MARKS, short_name
from fastsde.report.sweep.crossed import crossed_figure, main_crossed
from fastsde.report.sweep.tables import heading, main_place

__all__ = ["sweep_image"]

TITLE_WIDTH = 90
"""Letters of a line of the title."""


@dataclass(frozen=True)
class _Quantity:
    """What the plot shows: its name, and value, lower and upper end in a row."""

    title: str
    label: str
    of: Callable[[Row], tuple[float, float, float]]


def sweep_image(found: SweepAnalysis) -> bytes:
    """Return the figure as a PNG file; empty where no row has anything to show."""
    together = main_crossed(found)
    across = _across(found)
    quantity = _quantity(found)
    buffer = io.BytesIO()
    with matplotlib.rc_context(style.RC):
        if together is not None:
            figure = crossed_figure(found, together)
        elif across is not None and quantity is not None:
            figure = _draw(found, across, quantity)
        else:
            return b""
        figure.savefig(buffer, format="png", dpi=style.DPI)
    return buffer.getvalue()


def _across(found: SweepAnalysis) -> int | None:
    """Return which column goes along the axis: the one of most values, numbers before words."""
    values = [{one.values[k] for one in found.rows.values()} - {""} for k in range(len(found.columns))]
    several = [k for k, key in enumerate(found.columns) if key not in SEEDS and len(values[k]) > 1]
    return max(several, key=lambda k: (all(map(_is_number, values[k])), len(values[k]), -k), default=None)


def _quantity(found: SweepAnalysis) -> _Quantity | None:
    """Return the first of escape time, tail index and final loss that some row has."""
    place = main_place(found)
    where = passage(found.places[place]) if found.places else ""
    nan = math.nan

    def time(one: Row) -> tuple[float, float, float]:
        if place >= len(one.escape_time):
            return nan, nan, nan
        return float(one.escape_time[place]), float(one.escape_low[place]), float(one.escape_high[place])

    choices = (
        _Quantity(f"Time by which half of the trajectories have escaped {where}", "escape time", time),
        _Quantity("Index of the tail of the noise, mode 1", "tail index", lambda r: (r.tail_index, nan, nan)),
        _Quantity("Median loss at the end", "final loss", lambda r: (r.final_loss, nan, nan)),
    )
    return next((q for q in choices if any(math.isfinite(q.of(r)[0]) for r in found.rows.values())), None)


def _draw(found: SweepAnalysis, across: int, quantity: _Quantity) -> Figure:
    figure = style.sheet(4.6)
    axes = figure.subplots()
    series = _series(found, across)
    names = list(dict.fromkeys(model for model, _ in series))
    others = list(dict.fromkeys(rest for _, rest in series))
    ticks = sorted({one.values[across] for one in found.rows.values()} - {""}, key=_order)
    numeric = all(map(_is_number, ticks))
    logarithmic = numeric and float(ticks[0]) > 0 and float(ticks[-1]) >= 3 * float(ticks[0])
    for number, ((model, rest), rows) in enumerate(series.items()):
        shift = (number - (len(series) - 1) / 2) / max(1, len(series))
        label = ", ".join([model, *(f"{short_name(key)} {value}" for key, value in rest)])
        look = style.mode_line(others.index(rest) if len(others) > 1 else names.index(model))
        points: dict[str, list[tuple[float, float, float]]] = {}
        for one in rows:
            points.setdefault(one.values[across], []).append(quantity.of(one))
        mark = MARKS[names.index(model) % len(MARKS)]
        place = [_place(value, ticks, numeric, logarithmic, shift) for value in points]
        dashes = look.linestyle
        _line(axes, place, list(points.values()), color=look.color, linestyle=dashes, mark=mark, label=label)
    _axes(axes, found.columns[across], ticks, numeric, logarithmic)
    axes.set_ylabel(quantity.label + (" (learning rate x steps)" if "time" in quantity.label else ""))
    axes.set_title(textwrap.fill(quantity.title, TITLE_WIDTH))
    style.legend_below(figure, [axes])
    return figure


def _series(found: SweepAnalysis, across: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], list[Row]]:
    """Group the rows to lines: by model, and by all other swept values that it has; seeds are repetitions."""
    series: dict[tuple[str, tuple[tuple[str, str], ...]], list[Row]] = {}
    for one in sorted(found.rows.values(), key=lambda row: _order(row.values[across])):
        if not one.values[across]:
            continue
        rest = tuple(
            (key, value)
            for k, (key, value) in enumerate(zip(found.columns, one.values, strict=True))
            if k != across and key not in SEEDS and value
        )
        series.setdefault((_base(one.model, found), rest), []).append(one)
    varying = {pair for _, rest in series for pair in rest}
    alone = {key for key, _ in varying if len({v for k, v in varying if k == key}) == 1}
    return {(m, tuple(p for p in rest if p[0] not in alone)): rows for (m, rest), rows in series.items()}


def _base(model: str, found: SweepAnalysis) -> str:
    """Return the name that a model had before its values were swept."""
    names = [key.split(".")[1] for key in found.swept if key.startswith("models.")]
    return next((n for n in names if model == n or model.startswith(f"{n}-{column_name(found, n)}")), model)


def column_name(found: SweepAnalysis, model: str) -> str:
    """Return the last word of the first key that is swept of a model, as its unfolded names have it."""
    keys = [key for key in found.swept if key.split(".")[:2] == ["models", model]]
    return column(keys[0]).split(".")[-1].lower() if keys else ""


def _line(
    axes: Axes,
    place: list[float],
    points: list[list[tuple[float, float, float]]],
    *,
    color: str,
    linestyle: object,
    mark: str,
    label: str,
) -> None:
    """Draw one line; where there are several points at a place, those of data sets, their mean and each."""
    middle, below, above = [], [], []
    for x, many in zip(place, points, strict=True):
        known = np.array([one for one in many if math.isfinite(one[0])]).reshape(-1, 3)
        if len(known) > 1:
            axes.plot([x] * len(known), known[:, 0], ".", color=color, alpha=0.5, markersize=5)
        value = math.exp(np.log(known[:, 0]).mean()) if len(known) and (known[:, 0] > 0).all() else math.nan
        low, high = known[0, 1:] if len(known) == 1 else (math.nan, math.nan)
        middle.append(value)
        below.append(value - low if math.isfinite(low) else 0.0)
        above.append(high - value if math.isfinite(high) else 0.0)
    axes.errorbar(
        place,
        middle,
        yerr=np.maximum([below, above], 0.0),
        color=color,
        linestyle=linestyle,
        marker=mark,
        markersize=5,
        elinewidth=1.0,
        label=label,
    )


def _place(value: str, ticks: list[str], numeric: bool, logarithmic: bool, shift: float) -> float:
    """Return where a value is drawn, moved a little so that the lines' bars lie beside each other."""
    if not numeric:
        return ticks.index(value) + 0.3 * shift
    numbers = np.sort(np.array([float(tick) for tick in ticks]))
    if logarithmic:
        return float(float(value) * math.exp(shift * _room(np.log(numbers))))
    return float(value) + shift * _room(numbers)


def _room(ticks: Floats) -> float:
    """Return how far marks may lie from their value: a quarter of the least gap, little of a wide axis."""
    return float(min(0.25 * np.diff(ticks).min(), 0.05 * np.ptp(ticks)))


def _axes(axes: Axes, key: str, ticks: list[str], numeric: bool, logarithmic: bool) -> None:
    axes.set_xlabel(heading(key))
    if logarithmic:
        style.log_scale(axes, "x")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
    places = [float(tick) for tick in ticks] if numeric else list(map(float, range(len(ticks))))
    axes.set_xticks(places, [f"{float(tick):g}" if numeric else tick for tick in ticks])
    heights = np.concatenate([np.asarray(line.get_ydata(), dtype=np.float64) for line in axes.get_lines()])
    heights = heights[np.isfinite(heights) & (heights > 0)]
    if heights.size and heights.max() > DECADES * heights.min():
        style.log_scale(axes)
    else:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _order(value: str) -> tuple[int, float, str]:
    return (0, float(value), "") if _is_number(value) else (1, 0.0, value)
