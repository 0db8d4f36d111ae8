"""Figures of densities: curves over histograms, contours over points."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fastsde.analysis import Analysis
from fastsde.analysis.density.section import Densities, ModelDensity
from fastsde.analysis.density.solve import Density
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered
from fastsde.report import style

__all__ = ["densities", "density_figure", "shown_range"]

MODELS = 6
"""Models that are drawn, at most."""
HELD = (0.99, 0.9, 0.5)
"""Shares of the probability inside the contours."""
CUT = 5e-4
"""Probability that may be beyond each end of an axis."""
HISTOGRAM = 50


def densities(analysis: Analysis) -> Figure:
    """Draw every model with a density, a row each, at its snapshots."""
    found: Densities = analysis.sections["density"]
    names = [
        name for name in ordered(analysis) if name in found.models and found.models[name].density is not None
    ]
    names = names[:MODELS]
    lines = style.model_lines(list(analysis.models), analysis.reference)
    columns = max(len(found.models[name].step) for name in names)
    figure, axes = style.grid(len(names) * columns, columns, 2.1 if _flat(found, names) else 2.8)
    for row, name in enumerate(names):
        one = found.models[name]
        for column in range(columns):
            panel = axes[row * columns + column]
            _panel(panel, one, column, lines[name].color)
            panel.set_title(f"{name}, step {one.step[column]:,.0f}")
    figure.legend(handles=_legend(_flat(found, names)), loc="outside lower center", ncols=2)
    return figure


def _flat(found: Densities, names: list[str]) -> bool:
    density = found.models[names[0]].density
    assert density is not None
    return density.grid.dimension == 1


def _legend(flat: bool) -> list[Line2D]:
    """Return what curves or contours, and bars or points are."""
    shares = ", ".join(f"{100 * share:g}" for share in HELD[::-1])
    solid = "density" if flat else f"density: contours around {shares} % of it"
    marked = "histogram of the trajectories" if flat else "trajectories"
    marker = Line2D(
        [], [], color=style.MUTED, marker="s" if flat else ".", linestyle="", alpha=0.5, label=marked
    )
    return [Line2D([], [], color=style.INK, label=solid), marker]


def _panel(panel: Axes, one: ModelDensity, snapshot: int, colour: str) -> None:
    density = one.density
    assert density is not None
    if density.grid.dimension == 1:
        _histogram(panel, density, one.counts[snapshot], density.mass[snapshot], colour)
        _curve(panel, density, snapshot, colour)
    else:
        points = one.points[snapshot]
        panel.plot(points[:, 0], points[:, 1], ".", color=style.MUTED, markersize=2.5, alpha=0.6)
        _contours(panel, density, snapshot, colour)


def _curve(panel: Axes, density: Density, snapshot: int, colour: str, label: str | None = None) -> None:
    grid = density.grid
    mass = density.mass[snapshot]
    panel.plot(grid.centres[0], mass / grid.volume, color=colour, label=label)
    panel.set_xlim(*shown_range(grid.edges[0], mass))
    panel.set_ylim(0, None)
    panel.xaxis.set_major_locator(MaxNLocator(5))


def _histogram(panel: Axes, density: Density, count: Floats, mass: Floats, colour: str) -> None:
    """Draw the counts in bars of several cells."""
    edges = density.edges["x"]
    low, high = shown_range(edges, mass)
    inside = np.flatnonzero((edges[1:] > low) & (edges[:-1] < high))
    starts = inside[:: max(1, len(inside) // HISTOGRAM)]
    bounds = np.append(edges[starts], edges[inside[-1] + 1])
    total = np.add.reduceat(count[: inside[-1] + 1], starts)
    height = total / count.sum() / np.diff(bounds)
    panel.stairs(height, bounds, fill=True, color=style.MUTED, alpha=0.35, linewidth=0)


def _contours(panel: Axes, density: Density, snapshot: int, colour: str) -> None:
    grid, mass = density.grid, density.mass[snapshot]
    falling = np.sort(mass.ravel())[::-1]
    held = np.cumsum(falling)
    places = np.minimum(np.searchsorted(held, np.array(HELD)), len(falling) - 1)
    levels = sorted({float(level) for level in falling[places] if level > 0})
    if levels and levels[-1] < falling[0]:
        panel.contour(*grid.centres, mass.T, levels=levels, colors=colour, linewidths=1.1)
    for axis, name in enumerate("xy"):
        panel.set(**{f"{name}lim": shown_range(grid.edges[axis], grid.marginal(mass.ravel(), axis))})
    panel.set_xlabel("coordinate 1")
    panel.set_ylabel("coordinate 2")


def shown_range(edges: Floats, mass: Floats) -> tuple[float, float]:
    """Return the ends of the axis that leave out `CUT` of the mass on each side, and a little more room.

    Examples
    --------
    >>> shown_range(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0]))
    (0.9, 2.1)
    """
    below = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
    first, last = np.searchsorted(below, np.array([CUT, 1 - CUT]))
    low, high = edges[max(0, first - 1)], edges[min(len(edges) - 1, last)]
    room = 0.1 * (high - low)
    return float(max(edges[0], low - room)), float(min(edges[-1], high + room))


def density_figure(found: dict[str, Density], learning_rate: float) -> Figure:
    """Draw densities without trajectories: one panel per model, curves or contours at up to four times."""
    first = next(iter(found.values()))
    flat = first.grid.dimension == 1
    later = np.flatnonzero(first.times > 0)
    wanted = np.linspace(0, len(later) - 1, 5 if flat else 3)[1:]
    chosen = later[np.unique(wanted.round().astype(int))]
    if flat:
        figure, axes = style.grid(len(found), 2, 2.7)
        for panel, (name, density) in zip(axes, found.items(), strict=True):
            for place, snapshot in enumerate(chosen):
                colour = style.mode_line(place).color
                _curve(
                    panel, density, snapshot, colour, f"step {density.times[snapshot] / learning_rate:,.0f}"
                )
            top = density.mass[chosen[len(chosen) // 2 :]].max() / density.grid.volume
            widest = [shown_range(density.edges["x"], density.mass[snapshot]) for snapshot in chosen]
            panel.set_xlim(min(low for low, _ in widest), max(high for _, high in widest))
            panel.set_ylim(0, 1.15 * top)
            panel.set_title(name)
            panel.set_xlabel("coordinate 1")
        axes[0].set_ylabel("density")
        style.legend_below(figure, axes)
        return figure
    figure, axes = style.grid(len(found) * len(chosen), len(chosen), 3.2)
    for row, (name, density) in enumerate(found.items()):
        for column, snapshot in enumerate(chosen):
            panel = axes[row * len(chosen) + column]
            _contours(panel, density, snapshot, style.mode_line(row).color)
            panel.set_title(f"{name}, step {density.times[snapshot] / learning_rate:,.0f}")
    return figure
