"""The benchmark as one figure: fractions of the limit, threads, and scaling of the cost with each size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastsde.benchmark.run import Benchmark
    from fastsde.benchmark.scaling import Scaling

__all__ = ["draw"]

MEASURED, LIMIT = "#0072B2", "#D55E00"
COLUMNS = 3


def draw(benchmark: Benchmark, path: Path | str) -> None:
    """Draw a benchmark into a PNG file.

    Parameters
    ----------
    benchmark : Benchmark
    path : path
        Replaced if it exists.
    """
    import matplotlib as mpl

    from fastsde.report.style import DPI, RC

    with mpl.rc_context(RC):
        figure = _figure(benchmark)
        figure.savefig(path, dpi=DPI, format="png")


def _figure(benchmark: Benchmark) -> Figure:
    from matplotlib.figure import Figure

    from fastsde.report.style import WIDTH

    rows = -(-len(benchmark.scaling) // COLUMNS)
    top, below = 0.26 * len(benchmark.throughput) + 1.0, 2.5 * rows
    figure = Figure(figsize=(WIDTH, top + below + 0.8), layout="constrained")
    halves = figure.subfigures(2, 1, height_ratios=[top, max(below, 0.1)], squeeze=False)
    upper, lower = halves[:, 0]
    shares, gains = upper.subplots(1, 2, width_ratios=[2.6, 1])
    _shares(shares, benchmark)
    _gains(gains, benchmark)
    if rows:
        panels = lower.subplots(rows, COLUMNS, squeeze=False).ravel()
        for panel, item in zip(panels, benchmark.scaling, strict=False):
            _growth(panel, item)
        for panel in panels[len(benchmark.scaling) :]:
            panel.remove()
        handles, labels = panels[0].get_legend_handles_labels()
        lower.legend(handles, labels, loc="outside lower center", ncols=2)
    machine, date = benchmark.machine, benchmark.created.partition("T")[0]
    title = f"fastsde on {machine['processor']}, {machine['cores']} cores, {date}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
    return figure


def _shares(axes: Axes, benchmark: Benchmark) -> None:
    """Draw bars: one thread's fraction of one core's limit, labelled with the time of a step."""
    items = list(reversed(benchmark.throughput))
    place = [float(row) for row in range(len(items))]
    axes.barh(place, [item.share.median for item in items], color=MEASURED, height=0.62)
    for y, item in zip(place, items, strict=True):
        label = f"{1e6 / item.one.best:.3g} \N{MICRO SIGN}s"
        axes.text(
            min(item.share.median, 1.0) - 0.015, y, label, va="center", ha="right", fontsize=8, color="white"
        )
    axes.axvline(1.0, color=LIMIT, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_yticks(place, [f"{item.case.title}, {item.case.dtype}" for item in items], fontsize=8)
    axes.set_xlim(0, max(1.05, max((item.share.median for item in items), default=1) + 0.05))
    axes.set_xlabel("fraction of one core's limit, one thread; labels: time per trajectory-step")
    axes.grid(visible=False, axis="y")
    axes.set_title("Fraction of the limit")


def _gains(axes: Axes, benchmark: Benchmark) -> None:
    """Draw the speed-up by threads, and the ideal speed-up."""
    threads = [item.threads for item in benchmark.threads]
    axes.plot(threads, threads, color=LIMIT, linestyle=(0, (4, 2)))
    axes.plot(threads, [item.gain for item in benchmark.threads], "o-", color=MEASURED)
    axes.set_xticks(threads)
    axes.set_xlabel("threads")
    axes.set_ylabel("speed-up")
    axes.set_ylim(0, max(threads, default=1) * 1.1)
    axes.set_title("Scaling with threads")


def _growth(axes: Axes, item: Scaling) -> None:
    """Draw the time of a step over one size on logarithmic axes, with the time at the limit."""
    axes.loglog(item.sizes, np.multiply(item.seconds, 1e6), "o-", color=MEASURED, label="measured")
    axes.loglog(
        item.sizes,
        np.multiply(item.limit, 1e6),
        color=LIMIT,
        linestyle=(0, (4, 2)),
        label="limit from operation counts",
    )
    _sizes(axes, item.sizes)
    axes.set_xlabel(item.axis.name)
    what = "ensemble" if item.axis.name == "trajectories" else "trajectory"
    axes.set_ylabel(f"\N{MICRO SIGN}s per step, {what}")
    axes.set_title(
        f"{item.axis.title}\nexponent {item.measured:.2f} (expected: {item.expected:.2f})", fontsize=8.5
    )


def _sizes(axes: Axes, sizes: tuple[int, ...]) -> None:
    """Label both logarithmic axes with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.set_xticks(sizes, [f"{size}" for size in sizes])
    horizontal: Any = axes.xaxis
    horizontal.set_minor_locator(NullLocator())
    vertical: Any = axes.yaxis
    vertical.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    vertical.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    vertical.set_minor_formatter(NullFormatter())
