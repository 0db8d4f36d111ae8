"""What the numbers on diffusion, rank and alignment say, and their tables, as HTML."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.confidence import Interval
from fastsde.analysis.features.diffusion import Diffusion, DiffusionPeaks
from fastsde.analysis.features.rank import RankCourse, Ranks
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.summary import ordered
from fastsde.report.panels import shown_modes
from fastsde.report.writing import NOTHING, p_value, percent, spanned, table


def _shares(interval: Interval, place: int) -> str:
    ends = [float(end[place]) for end in (interval.value, interval.low, interval.high)]
    if not math.isfinite(ends[0]):
        return NOTHING
    return f"<b>{percent(ends[0])}</b> <small>({100 * ends[1]:.0f} to {100 * ends[2]:.0f})</small>"


def diffusion_finding(analysis: Analysis) -> str:
    """Say whether the diffusion along the modes peaks before they are learned."""
    found: Diffusion = analysis.sections["diffusion"]
    names = [name for name in ordered(analysis) if name in found.models]
    if not names:
        return "No model learned a mode."
    others: dict[str, list[str]] = {}
    for name in names[1:]:
        verdict = _verdict(found.models[name], _counted(analysis, found.models[name]))
        others.setdefault(verdict, []).append(escape(name))
    said = [f"In {enumerated(same)} it {verdict}." for verdict, same in others.items()]
    return " ".join([_diffusion_sentence(analysis, names[0], found), *said])


def _counted(analysis: Analysis, one: DiffusionPeaks) -> list[int]:
    return [mode for mode in shown_modes(analysis) if one.counted[mode] > 0]


def _verdict(one: DiffusionPeaks, modes: list[int]) -> str:
    """Say of the peak of the diffusion how it stands to learning."""
    if not modes:
        return "undetermined: no mode is learned"
    if np.all(one.edge[modes] > 0.9 * one.counted[modes]):
        return "does not exist: the diffusion is largest at the first or last snapshot"
    low, high = one.before_learned.low[modes], one.before_learned.high[modes]
    if np.all(low > 0.5):
        return "precedes learning in every mode"
    if np.all(high < 0.5):
        return "does not precede learning"
    if np.any(low > 0.5):
        which = [str(mode + 1) for mode, end in zip(modes, low, strict=True) if end > 0.5]
        return f"precedes learning in mode{'s' if len(which) > 1 else ''} {enumerated(which)} only"
    return "precedes learning in about half of the trajectories"


def _diffusion_sentence(analysis: Analysis, name: str, found: Diffusion) -> str:
    one = found.models[name]
    modes = _counted(analysis, one)
    start = f"In {escape(name)} the peak of the diffusion {_verdict(one, modes)}"
    if not modes or np.all(one.edge[modes] > 0.9 * one.counted[modes]):
        return f"{start}."
    numbers = [str(mode + 1) for mode in modes]
    before = [percent(float(one.before_learned.value[mode])) for mode in modes]
    fraction = [percent(float(value)) for value in one.fraction.value[modes]]
    return (
        f"{start}: it comes before {percent(found.learned)} of the mode is learned in "
        f"{enumerated(before)} of the trajectories (modes {enumerated(numbers)}), "
        f"when the median trajectory has learned {enumerated(fraction)} of it."
    )


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
        f"located between snapshots {percent(found.resolution)} of the time apart. Trajectories that never "
        "learned the mode, or exploded, are left out and named.</p>" + table(head, rows)
    )


def _diffusion_row(name: str, one: DiffusionPeaks, mode: int) -> list[str]:
    left = (
        (one.unlearned[mode], "not learned"),
        (one.exploded, "exploded"),
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


def rank_finding(analysis: Analysis) -> str:
    """Say whether the reference has the lower rank."""
    found: Ranks = analysis.sections["rank"]
    reference = escape(analysis.reference)
    sentences: list[str] = []
    unknown: list[str] = []
    for name in ordered(analysis):
        one = found.models[name]
        course = one.effective or one.stable
        kind = "effective" if one.effective else "stable"
        if course is None or course.average_difference is None:
            continue
        if not math.isfinite(float(course.average_difference.value)):
            unknown.append(escape(name))
            continue
        average = _lower(course.average_difference)
        text = f"Against {escape(name)}: {kind} rank of {reference} {average} on average over time"
        if course.loss_average_difference is not None:
            text += f", {_lower(course.loss_average_difference)} at equal loss"
        sentences.append(text + ".")
    if unknown:
        who = enumerated(unknown)
        sentences.append(f"Undetermined against {who}: too few trajectories survive.")
    if not sentences:
        return "There is no model to compare the rank with."
    return f"{_favours(found, reference)} {' '.join(sentences)}".strip()


def _favours(found: Ranks, reference: str) -> str:
    """Judge by the ranks at equal loss, or over time where there are none."""
    courses = [one.effective or one.stable for one in found.models.values()]
    judged = [one.loss_average_difference or one.average_difference for one in courses if one is not None]
    ends = [(float(one.low), float(one.high)) for one in judged if one is not None]
    ends = [(low, high) for low, high in ends if math.isfinite(low) and math.isfinite(high)]
    if not ends:
        return ""
    if all(high < 0 for _, high in ends):
        return f"{reference} has a lower rank than every other model."
    if not any(high < 0 for _, high in ends):
        return f"{reference} does not have a lower rank than any other model."
    return f"{reference} has a lower rank than some of the other models."


def _lower(difference: Interval) -> str:
    value, low, high = (float(end) for end in (difference.value, difference.low, difference.high))
    if not math.isfinite(value):
        return "unknown"
    if low <= 0 <= high:
        return f"the same within {max(abs(low), abs(high)):.2g}"
    ends = sorted((abs(low), abs(high)))
    word = "lower" if value < 0 else "higher"
    return f"{word} by {abs(value):.2g} ({ends[0]:.2g} to {ends[1]:.2g})"


def rank_table(analysis: Analysis) -> str:
    """Tabulate average ranks and differences."""
    found: Ranks = analysis.sections["rank"]
    reference = escape(analysis.reference)
    head = (
        "model",
        "effective rank, mean over time",
        f"{reference} less model",
        "the same at equal loss",
        "stable rank, mean over time",
        f"{reference} less model",
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


def alignment_finding(analysis: Analysis) -> str:
    """Say how aligned the networks are at the end."""
    found = analysis.sections["alignment"]
    words = {
        "mode_alignment": "of W's singular vectors with the modes",
        "layer_alignment": "of adjacent layers",
    }
    parts = []
    for name in ordered(analysis):
        values = {key: one for key, one in found.models[name].quantiles.items() if key in words}
        told = [f"{one[1, -1].mean():.3f} {words[key]}" for key, one in values.items()]
        parts.append(f"{escape(name)} {' and '.join(told)}")
    return f"Median alignment at the end (1 is perfect): {'; '.join(parts)}."
