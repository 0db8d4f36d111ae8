"""Figures of distances: over time, all of them, all pairs of models, and what each distance is worth."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from fastsde.analysis import Analysis
from fastsde.analysis.distances.battery import Battery
from fastsde.analysis.distances.kinds.mmd_features import MMD_FEATURES
from fastsde.analysis.distances.kinds.sliced_wasserstein import SLICED_WASSERSTEIN
from fastsde.analysis.distances.pairs import Matrix, Pairs
from fastsde.analysis.distances.registry import declared
from fastsde.analysis.distances.relevance import Relevance
from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.protocols import Bools, Floats
from fastsde.analysis.ranking import ordered, verdict
from fastsde.report import panels, style

HOT = LinearSegmentedColormap.from_list("ratio", ["#fdf3e1", "#f5b65c", "#d55e00", "#7a1f1f"])
EFFECT = LinearSegmentedColormap.from_list("effect", ["#e8f0f6", "#8fb8d6", "#2f77ad", "#0b3a5c"])
RATIOS = LogNorm(1.0, 100.0)
SHADES = ("#c9dcea", "#8fb8d6", "#4a8fc0", "#0b4f7d")


def all_distances(analysis: Analysis) -> Figure:
    """Every distance of every model over its null quantile, one panel per chosen snapshot."""
    found: Battery = analysis.sections["distances"]
    names = ordered(analysis)
    kinds = list(found.models[names[0]].tests)
    figure, axes = _panels(len(found.step), 0.24 * len(kinds) + 1.15, "battery")
    for at, panel in enumerate(axes):
        tests = [[found.models[name].tests[kind] for name in names] for kind in kinds]
        ratio = np.array([[one.ratio[at] for one in row] for row in tests])
        told = np.array([[one.p_value[at] < SIGNIFICANCE for one in row] for row in tests])
        _cells(panel, ratio, told)
        rows = [declared(kind).label for kind in kinds]
        _labels(panel, names, rows if at % 2 == 0 else [""] * len(rows))
        panel.set_title(f"step {found.step[at]:,.0f}")
    _bar(figure, axes, "distance / 95 % null quantile")
    return figure


def all_pairs(analysis: Analysis) -> Figure:
    """Effect between any two models over the course; then MMD above the diagonal and energy below it."""
    found: Pairs = analysis.sections["pairs"]
    names = ordered(analysis)
    figure, axes = _panels(1 + len(found.step), 0.32 * len(names) + 1.25, "pairs")
    _effects(axes[0], analysis, names)
    places = np.array([found.names.index(name) for name in names])
    square = np.ix_(places, places)
    triangle = np.triu(np.ones((len(names), len(names)), dtype=bool))
    (upper, above), (lower, below) = _two_triangles(found)
    for at, panel in enumerate(axes[1:]):
        ratio = np.where(triangle, above.ratio[at][square], below.ratio[at][square])
        p_value = np.where(triangle, above.p_value[at][square], below.p_value[at][square])
        _cells(panel, ratio, p_value < SIGNIFICANCE)
        _labels(panel, names, names if at % 2 else [""] * len(names))
        panel.set_title(f"step {found.step[at]:,.0f} (upper: {upper}, lower: {lower})", fontsize=9)
    _bar(figure, axes, "distance / 95 % null quantile")
    return figure


def _two_triangles(found: Pairs) -> list[tuple[str, Matrix]]:
    """Return the distances above and below the diagonal, the first two, with their names in a sentence."""
    kinds = [(declared(name).words, matrix) for name, matrix in found.kinds.items()]
    return [kinds[0], kinds[min(1, len(kinds) - 1)]]


def _effects(panel: Axes, analysis: Analysis, names: list[str]) -> None:
    """Write the effect over the course between all models; white where it is not significant."""
    effects = analysis.effects
    value = np.array([[effects.between(a, b).mean for b in names] for a in names])
    told = np.array([[verdict(analysis, a, b) == "distinguishable" for b in names] for a in names])
    np.fill_diagonal(told, False)
    np.fill_diagonal(value, [effects.between(name, name).mean for name in names])
    shown = np.where(told, value, np.nan)
    known = value[np.isfinite(value) & (value > 0)]
    panel.set_facecolor("#ededed")
    if known.size:
        scale = LogNorm(float(known.min()), max(float(known.max()), 1.01 * float(known.min())))
        panel.imshow(shown, cmap=EFFECT, norm=scale, aspect="auto")
    for (row, column), one in np.ndenumerate(value):
        dark = told[row, column] and scale(one) > 0.6
        text = f"{one:.2g}" if np.isfinite(one) else "\N{EN DASH}"
        panel.text(
            column, row, text, ha="center", va="center", fontsize=7.5, color="white" if dark else style.INK
        )
    panel.grid(visible=False)
    _labels(panel, names, names)
    panel.set_title("effect over the course (both triangles)", fontsize=9)


def relevance(analysis: Analysis) -> Figure:
    """Power, false alarms and cost of every distance, by sample size."""
    found: Relevance = analysis.sections["relevance"]
    powers = {name: one.power_nearest for name, one in found.distances.items()}
    common = np.all([np.isfinite(one) for one in powers.values() if np.isfinite(one).any()], axis=0)
    names = sorted(powers, key=lambda name: -float(np.nan_to_num(powers[name][common], nan=-1.0).sum()))
    figure = style.sheet(0.27 * len(names) + 1.7)
    axes = list(figure.subplots(1, 4, sharey=True))
    titles = (
        f"distinguished: nearest,\n{found.nearest}",
        f"distinguished: farthest,\n{found.farthest}",
        "false alarms",
        "seconds per test",
    )
    for panel, title in zip(axes, titles, strict=True):
        panel.set_title(title, fontsize=9)
    for row, name in enumerate(names):
        one = found.distances[name]
        series = (one.power_nearest, one.power_farthest, one.size, one.seconds)
        for panel, values in zip(axes, series, strict=True):
            panel.scatter(
                values, np.full(len(values), row), c=_shades(len(values)), s=30, zorder=3, edgecolors="white"
            )
    for panel in axes[:3]:
        panel.set_xlim(-0.04, 1.04)
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        panel.axvline(SIGNIFICANCE, color=style.MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
    axes[2].set_xlim(-0.01, 0.31)
    style.log_scale(axes[3], "x")
    axes[0].set_yticks(range(len(names)), [_marked(found, name) for name in names])
    axes[0].invert_yaxis()
    for size, colour in zip(found.sizes, _shades(len(found.sizes)), strict=True):
        axes[0].scatter([], [], color=colour, s=30, label=f"{size} per sample")
    axes[0].plot([], [], color=style.MUTED, linestyle=(0, (1, 2)), label="5 %, the level")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _marked(found: Relevance, name: str) -> str:
    title = declared(name).label
    return f"{title} *" if not found.distances[name].exists else title


def _shades(count: int) -> tuple[str, ...]:
    return SHADES[-count:]


def _panels(count: int, height: float, name: str) -> tuple[Figure, list[Axes]]:
    return style.grid(count, 2, height, sharex=False, sharey=False)


def _cells(panel: Axes, ratio: Floats, told: Bools) -> None:
    """Colour what is significant by its ratio; grey what is not; a dash where there is no distance."""
    shown = np.where(told, np.clip(ratio, 1.0, None), np.nan)
    panel.set_facecolor("#ededed")
    panel.imshow(shown, cmap=HOT, norm=RATIOS, aspect="auto")
    for (row, column), value in np.ndenumerate(ratio):
        ink = "white" if told[row, column] and value > 20 else style.INK
        text = _short(float(value), bool(told[row, column]))
        panel.text(column, row, text, ha="center", va="center", fontsize=7.5, color=ink)
    panel.grid(visible=False)


def _short(value: float, told: bool) -> str:
    """Write a ratio; "=" within chance, a dash where there is none, infinity where chance gives zero."""
    if not np.isfinite(value):
        return "\N{INFINITY}" if told else "\N{EN DASH}"
    if not told:
        return "="
    if value < 1000:
        return f"{value:.1f}" if value < 10 else f"{value:.0f}"
    power = int(np.log10(value))
    return f"$10^{{{power}}}$"


def _labels(panel: Axes, columns: list[str], rows: list[str]) -> None:
    panel.set_xticks(range(len(columns)), columns, rotation=30, ha="right", rotation_mode="anchor")
    panel.set_yticks(range(len(rows)), rows)
    panel.tick_params(length=0, labelbottom=True)
    panel.spines[:].set_visible(False)


def _bar(figure: Figure, axes: list[Axes], label: str) -> None:
    bar = figure.colorbar(ScalarMappable(RATIOS, HOT), ax=axes, shrink=0.6, pad=0.02, extend="max")
    bar.set_label(label)
    bar.set_ticks([1, 3, 10, 30, 100], labels=["1", "3", "10", "30", "100"])
    bar.ax.minorticks_off()


def distances_over_time(analysis: Analysis) -> Figure:
    """Distances of every model from the reference: as they are, and over their null quantile."""
    kinds = [
        (SLICED_WASSERSTEIN, "sliced Wasserstein-2 distance", analysis.objective.vocabulary.unit),
        (MMD_FEATURES, "squared MMD", MMD_FEATURES.units),
    ]
    figure, axes = style.grid(4, 2, 2.6, sharex=True)
    lines = style.model_lines(list(analysis.models), analysis.reference)
    for column, (distance, title, unit) in enumerate(kinds):
        panels.distance_panel(axes[column], analysis, distance.name, lines)
        axes[column].set_title(title)
        axes[column].set_ylabel(unit)
        panels.ratio_panel(axes[2 + column], analysis, distance.name, lines)
        axes[2 + column].set_ylabel("times the null quantile")
        axes[column].set_xlabel("")
    style.legend_below(figure, axes)
    return figure
