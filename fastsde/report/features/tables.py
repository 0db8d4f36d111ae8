"""Tables of diffusion and rank."""

from __future__ import annotations

import math
from html import escape

from fastsde.analysis import Analysis
from fastsde.analysis.confidence import Interval
from fastsde.analysis.features.diffusion import Diffusion, DiffusionPeaks
from fastsde.analysis.features.rank import RankCourse, Ranks
from fastsde.analysis.summary import ordered
from fastsde.report.panels import shown_modes
from fastsde.report.writing import NOTHING, p_value, percent, spanned, table


def _shares(interval: Interval, place: int) -> str:
    ends = [float(end[place]) for end in (interval.value, interval.low, interval.high)]
    if not math.isfinite(ends[0]):
        return NOTHING
    return f"<b>{percent(ends[0])}</b> <small>({100 * ends[1]:.0f} to {100 * ends[2]:.0f})</small>"


def diffusion_table(analysis: Analysis) -> str:
    """Tabulate the peaks of every model and mode."""
    found: Diffusion = analysis.sections["diffusion"]
    head = (
        "model, mode",
        "trajectories",
        f"peak before {percent(found.learned)} learned",
        "peak before half learned",
        "learned at the peak (median)",
        "time learned / time of peak",
        "learned when the drift peaks",
        "later than the reference: probability, p",
    )
    rows = [
        _diffusion_row(name, found.models[name], mode)
        for name in ordered(analysis)
        if name in found.models
        for mode in shown_modes(analysis)
    ]
    return (
        "<p>Shares with Wilson's 95 % intervals, medians with intervals from order statistics. Peaks are "
        f"resolved to the spacing of snapshots, {percent(found.resolution)} of the time. Trajectories that "
        "never learned the mode, or diverged, are left out and counted.</p>" + table(head, rows)
    )


def _diffusion_row(name: str, one: DiffusionPeaks, mode: int) -> list[str]:
    left = (
        (one.unlearned[mode], "not learned"),
        (one.diverged, "diverged"),
        (one.edge[mode], "peak at an end"),
    )
    notes = ", ".join(f"{int(count):,} {what}" for count, what in left if count)
    effect = NOTHING
    if math.isfinite(one.effect[mode]):
        effect = f"{one.effect[mode]:.2f}, {p_value(float(one.p_value[mode]))}"
    return [
        f"{escape(name)}, mode {mode + 1}",
        f'{one.counted[mode]:,.0f}<span class="what">{notes}</span>',
        _shares(one.before_learned, mode),
        _shares(one.before_half, mode),
        spanned(one.fraction, mode),
        spanned(one.lead, mode),
        NOTHING if one.drift_fraction is None else spanned(one.drift_fraction, mode),
        effect,
    ]


def rank_table(analysis: Analysis) -> str:
    """Tabulate average ranks and differences."""
    found: Ranks = analysis.sections["rank"]
    reference = escape(analysis.reference)
    head = (
        "model",
        "effective rank, mean over time",
        f"{reference} minus model",
        "the same at equal loss",
        "stable rank, mean over time",
        f"{reference} minus model",
        "the same at equal loss",
    )
    rows = [
        [escape(name), *_rank_cells(found.models[name].effective), *_rank_cells(found.models[name].stable)]
        for name in ordered(analysis)
    ]
    how = "trajectory by trajectory" if found.paired else "between independent means"
    return (
        f"<p>Means over trajectories with 95 % intervals; differences are taken {how}, those at equal loss "
        "over the losses that nine tenths of the trajectories of both models pass.</p>" + table(head, rows)
    )


def _rank_cells(course: RankCourse | None) -> list[str]:
    if course is None:
        return [NOTHING] * 3
    others = (course.average_difference, course.loss_average_difference)
    return [spanned(course.average), *(NOTHING if one is None else spanned(one) for one in others)]
