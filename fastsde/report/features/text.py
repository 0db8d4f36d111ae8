"""What diffusion, rank and alignment say, in sentences."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.confidence import Interval
from fastsde.analysis.features.diffusion import Diffusion, DiffusionPeaks
from fastsde.analysis.features.rank import Ranks
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.summary import ordered
from fastsde.report.panels import shown_modes
from fastsde.report.writing import percent


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
    """Say whether the peak of the diffusion precedes learning."""
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
    several = len(modes) > 1
    which = f"mode{'s' if several else ''} {enumerated([str(mode + 1) for mode in modes])}"
    before = [percent(float(one.before_learned.value[mode])) for mode in modes]
    fraction = [percent(float(value)) for value in one.fraction.value[modes]]
    return (
        f"{start}. For {which}{', in this order,' if several else ''} it comes before "
        f"{percent(found.learned)} of the mode is learned in {enumerated(before)} of the trajectories; the "
        f"median trajectory has then learned {enumerated(fraction)} of it."
    )


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
        text = (
            f"Compared with {escape(name)}, the {kind} rank of {reference} is {average} on average over time"
        )
        if course.loss_average_difference is not None:
            text += f" and {_lower(course.loss_average_difference)} at equal loss"
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
