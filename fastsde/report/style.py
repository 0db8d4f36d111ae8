"""How figures look: colours that colour-blind readers can distinguish, line styles, axes and legends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from fastsde.analysis.law import log_spaced
from fastsde.analysis.protocols import Floats
from fastsde.system.errors import RequestError

DPI = 150
WIDTH = 9.0
"""Width of every figure on the page, in inches."""
COLUMN, TEXT = 3.4, 7.0
"""Widths of one column, and of the text, of a paper in two columns, in inches."""
SHRINK = 0.78
"""Size of letters and height of panels in a paper, in those of the page."""

INK, MUTED, PALE = "#222222", "#6b6b6b", "#d9d9d9"
RC: Any = {
    "font.size": 9.5,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
"""Matplotlib settings of all figures; applied with ``matplotlib.rc_context``."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#5E4FA2")
_DASHES = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 2, 1, 2)), (0, (4, 1, 1, 1, 1, 1)))
_MARKS = ("s", "^", "D", "v", "P", "X", "p", "*")
_MODE_COLOURS = ("#440154", "#2A788E", "#E07B00", "#B3386B", "#4C9F38", "#7A7A7A")
_ALL, _MARKED = 24, 5
"""Points up to which each has its mark; marks on a longer curve."""


class Line(NamedTuple):
    """Colour, dashes and mark of one series, so that it can be recognised in grey too.

    ``line._asdict()`` are the options of a curve, whose marks `thin_marks` thins out; ``line.dots`` those of
    points.
    """

    color: str
    linestyle: Any
    marker: str = ""

    @property
    def dots(self) -> dict[str, Any]:
        """Options of points without a curve: the colour, and the mark of the series or a circle."""
        return {"color": self.color, "marker": self.marker or "o", "linestyle": "none"}

    def marked(self, marker: str = "") -> dict[str, Any]:
        """Options of a curve through points: with the given mark, that of the series, or a circle."""
        return self._replace(marker=marker or self.marker or "o")._asdict()


def model_lines(names: Sequence[str], reference: str) -> dict[str, Line]:
    """Give each model its line, the same in every figure; the reference is black and solid, without marks.

    Examples
    --------
    >>> model_lines(["gd", "sgd"], "sgd")["sgd"].color
    '#222222'
    """
    others = [name for name in names if name != reference]
    lines = {
        name: Line(_COLOURS[i % len(_COLOURS)], _DASHES[1 + i % (len(_DASHES) - 1)], _MARKS[i % len(_MARKS)])
        for i, name in enumerate(others)
    }
    return {reference: Line(INK, "-"), **lines} if reference else lines


def mode_line(number: int) -> Line:
    """Give a mode its line."""
    return Line(_MODE_COLOURS[number % len(_MODE_COLOURS)], _DASHES[number % len(_DASHES)])


_paper: ContextVar[bool] = ContextVar("paper", default=False)


@contextmanager
def template(paper: bool = False) -> Iterator[None]:
    """Draw figures for the page, or for a paper in two columns, with letters of 6.5 to 7.5 points."""
    sizes = {key: SHRINK * value for key, value in RC.items() if key.endswith("size")}
    narrow = {**RC, **sizes, "lines.linewidth": 1.1, "axes.linewidth": 0.6}
    token = _paper.set(paper)
    try:
        with matplotlib.rc_context(narrow if paper else RC):
            yield
    finally:
        _paper.reset(token)


def sheet(height: float, columns: int = 2) -> Figure:
    """Make an empty figure of a height for the page; in a paper one panel is one column wide."""
    if not _paper.get():
        return Figure(figsize=(WIDTH, height), layout="constrained")
    return Figure(figsize=(COLUMN if columns == 1 else TEXT, SHRINK * height), layout="constrained")


def grid(count: int, columns: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """Make a figure of ``count`` panels in rows of ``columns``, with room for a legend under them."""
    if not count:
        raise RequestError("nothing to draw: this analysis has none of what the figure shows")
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = sheet(height * rows + 0.55, columns)
    places = figure.subplots(rows, columns, squeeze=False, **options)
    axes = list(places.ravel())
    for unused in axes[count:]:
        unused.remove()
    for above in axes[max(0, count - columns) : count]:
        above.xaxis.set_tick_params(labelbottom=True)
    return figure, axes[:count]


def time_axis(axes: Axes, step: Floats) -> slice:
    """Set up the axis of steps; returns which snapshots can be drawn: not step 0 on a logarithmic axis."""
    logarithmic = log_spaced(step)
    step_axis(axes, float(step[1] if logarithmic else step[0]), float(step[-1]), logarithmic)
    return slice(1, None) if logarithmic else slice(None)


def step_axis(axes: Axes, first: float, last: float, logarithmic: bool) -> None:
    """Set limits, scale, ticks and label of an axis of learning-rate steps; a single step gets room."""
    if first >= last:
        first, last = (0.5 * last, 2.0 * last) if logarithmic else (last - 1.0, last + 1.0)
    axes.set_xlim(first, last)
    axes.set_xlabel("time (learning-rate steps)")
    if logarithmic:
        log_scale(axes, "x", (first, last))
        axes.xaxis.set_major_locator(FixedLocator(nice_ticks(first, last)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def log_scale(axes: Axes, which: str = "y", limits: tuple[float, float] | None = None) -> bool:
    """Make an axis logarithmic, after drawing; return whether it is: not without limits or positive data.

    Examples
    --------
    >>> panel = Figure().subplots()
    >>> panel.plot([1.0, 2.0], [0.0, float("nan")])  # doctest: +ELLIPSIS
    [...]
    >>> log_scale(panel, "y"), log_scale(panel, "x")
    (False, True)
    """
    shared = axes.get_shared_x_axes() if which == "x" else axes.get_shared_y_axes()
    least = min(
        panel.dataLim.minposx if which == "x" else panel.dataLim.minposy
        for panel in shared.get_siblings(axes)
    )
    if limits is None and not math.isfinite(least):
        return False
    axes.set(**{f"{which}scale": "log"})
    if limits is not None:
        axes.set(**{f"{which}lim": limits})
    return True


def nice_ticks(first: float, last: float) -> list[float]:
    """Choose between three and seven round numbers for a logarithmic axis.

    Examples
    --------
    >>> nice_ticks(150, 1200)
    [200.0, 500.0, 1000.0]
    """
    powers = range(math.floor(math.log10(first)), math.ceil(math.log10(last)) + 1)
    ticks: list[float] = []
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 4, 6, 8)):
        ticks = [float(digit * 10**power) for power in powers for digit in digits]
        ticks = [tick for tick in ticks if first <= tick <= last]
        if len(ticks) >= 3:
            break
    return ticks


def thin_marks(axes: Sequence[Axes]) -> None:
    """Leave a few marks on each long curve, at places that differ from curve to curve; after drawing."""
    for panel in axes:
        low, high = sorted(panel.get_xlim())
        curves = [line for line in panel.lines if line.get_marker() not in ("", "None", None)]
        curves = [line for line in curves if len(np.atleast_1d(line.get_xdata())) > _ALL]
        for number, line in enumerate(curves):
            x, y = (np.asarray(values, dtype=np.float64) for values in line.get_data())
            shown = np.flatnonzero(np.isfinite(y) & (x >= low) & (x <= high))
            step = max(1, len(shown) // _MARKED)
            first = int(step * (number + 0.5) / len(curves))
            line.set_markevery(shown[first::step].tolist())


def legend_below(figure: Figure, axes: Sequence[Axes]) -> None:
    """Put one legend for all panels under them, each label once, in as few rows as the width allows.

    Series of which no panel shows a point are left out.
    """
    thin_marks(axes)
    found: dict[str, Any] = {}
    for panel in axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            if not _unseen(handle):
                found.setdefault(label, handle)
    letter = 0.07 * (SHRINK if _paper.get() else 1.0)
    columns = max(1, int(figure.get_figwidth() / (letter * (10.7 + max(map(len, found), default=1)))))
    rows = -(-len(found) // columns)
    figure.legend(
        list(found.values()),
        list(found),
        loc="outside lower center",
        ncols=-(-len(found) // max(1, rows)),
        handlelength=2.6,
    )


def _unseen(handle: Any) -> bool:
    """Whether a series has values and none is finite; one without values stands for others in a legend."""
    line = handle[0] if isinstance(handle, ErrorbarContainer) else handle
    if not isinstance(line, Line2D):
        return False
    heights = np.asarray(line.get_ydata(), dtype=np.float64)
    return bool(heights.size) and not np.isfinite(heights).any()


def log_limits(values: Floats, floor: float = 0.0) -> tuple[float, float]:
    """Limits of a logarithmic axis around positive finite values, half a decade wide at least."""
    good = values[np.isfinite(values) & (values > floor)]
    if not good.size:
        return 0.1, 10.0
    low, high = float(good.min()) / 1.25, float(good.max()) * 1.25
    return (low, high) if high / low > 3 else (low / 1.5, high * 1.5)
