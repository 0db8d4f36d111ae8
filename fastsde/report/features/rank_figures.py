"""Figures of rank and alignment over time."""

from __future__ import annotations

from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.features.alignment import Alignment
from fastsde.analysis.features.rank import ModelRanks, RankCourse, Ranks
from fastsde.analysis.summary import ordered
from fastsde.report import panels, style
from fastsde.report.features.figures import lines_of


def ranks(analysis: Analysis) -> Figure:
    """Ranks over time, and differences between the reference and each model, over time and at equal loss."""
    found: Ranks = analysis.sections["rank"]
    every = {kind: _courses(analysis, found, kind) for kind in ("effective", "stable")}
    kinds = [kind for kind, courses in every.items() if courses]
    others = any(course.difference is not None for kind in kinds for course in every[kind].values())
    at_loss = others and bool(len(found.levels))
    rows = 1 + others + at_loss
    figure, axes = style.grid(rows * len(kinds), len(kinds), 2.2)
    lines = lines_of(analysis)
    for column, kind in enumerate(kinds):
        courses = every[kind]
        top = axes[column]
        for name in courses:
            shown = style.time_axis(top, analysis.step)
            panels.curve(
                top, analysis.step[shown], panels.part(courses[name].over_time, shown), lines[name], name
            )
        top.set_title(f"{kind} rank")
        if others:
            panel = axes[len(kinds) + column]
            shown = style.time_axis(panel, analysis.step)
            for name, course in courses.items():
                if course.difference is not None:
                    panels.curve(
                        panel, analysis.step[shown], panels.part(course.difference, shown), lines[name], name
                    )
            panel.axhline(0, color=style.INK, linewidth=0.8)
            panel.set_title(f"{analysis.reference} minus model, at the same time")
        if at_loss:
            panel = axes[2 * len(kinds) + column]
            for name, course in courses.items():
                if course.difference_at_loss is not None:
                    panels.curve(panel, found.levels, course.difference_at_loss, lines[name], name)
            panel.axhline(0, color=style.INK, linewidth=0.8)
            style.log_scale(panel, "x", (float(found.levels[0]), float(found.levels[-1])))
            panel.set_xlabel("loss above the least, falling")
            panel.set_title(f"{analysis.reference} minus model, at the same loss")
    for row, label in enumerate(("rank", "difference of ranks", "difference of ranks")[:rows]):
        axes[row * len(kinds)].set_ylabel(label)
    style.legend_below(figure, axes)
    return figure


def alignment(analysis: Analysis) -> Figure:
    """Alignment of modes and layers, and balance, over time: the mean over modes or interfaces."""
    found: Alignment = analysis.sections["alignment"]
    names = list(next(iter(found.models.values())).quantiles)
    figure, axes = style.grid(len(names), 3, 2.6)
    lines = lines_of(analysis)
    labels = {
        "mode_alignment": "singular vectors with the modes",
        "layer_alignment": "adjacent layers with each other",
        "balance": "imbalance of adjacent layers",
    }
    for panel, quantity in zip(axes, names, strict=True):
        for name in ordered(analysis):
            values = found.models[name].quantiles[quantity].mean(axis=2)
            shown = style.time_axis(panel, analysis.step)
            panel.plot(analysis.step[shown], values[1, shown], label=name, **lines[name]._asdict())
            panel.fill_between(
                analysis.step[shown],
                values[0, shown],
                values[2, shown],
                color=lines[name].color,
                alpha=0.1,
                linewidth=0,
            )
        if quantity == "balance":
            style.log_scale(panel)
        else:
            panel.set_ylim(0, 1.03)
        panel.set_title(labels[quantity])
    panels.start_at_action(axes, analysis)
    style.legend_below(figure, axes)
    return figure


def _courses(analysis: Analysis, found: Ranks, kind: str) -> dict[str, RankCourse]:
    def course(one: ModelRanks) -> RankCourse | None:
        return one.effective if kind == "effective" else one.stable

    known = {name: course(found.models[name]) for name in ordered(analysis) if name in found.models}
    return {name: one for name, one in known.items() if one is not None}
