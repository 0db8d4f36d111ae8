"""What the numbers on equilibrium say, and their tables, as HTML."""

from __future__ import annotations

import math
from html import escape

from fastsde.analysis import Analysis
from fastsde.analysis.currents.mixing import Mixing, MixingTimes
from fastsde.analysis.currents.section import Current, Currents
from fastsde.analysis.features.late_law import LateLaws
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report.panels import shown_modes
from fastsde.report.writing import NOTHING, number, p_value, spanned, table


def currents_finding(analysis: Analysis) -> str:
    """Say which models break detailed balance."""
    found: Currents = analysis.sections["currents"]
    moving = "late_law" in analysis.sections and _moving(analysis)
    sentences = [_current_sentence(name, found.models[name]) for name in ordered(analysis)]
    warning = (
        f" The laws of {escape(moving)} are not stationary in the window: their numbers are those of a "
        "transient, which has currents too."
        if moving
        else ""
    )
    return " ".join(sentence for sentence in sentences if sentence) + warning


def _moving(analysis: Analysis) -> str:
    """Names of the models with currents whose law still moves in the late window."""
    laws: LateLaws = analysis.sections["late_law"]
    found: Currents = analysis.sections["currents"]
    return ", ".join(
        name for name, law in laws.models.items() if law.moves and found.models[name].area is not None
    )


def _current_sentence(name: str, one: Current) -> str:
    if one.area is None:
        return ""
    if one.area.p_value >= 0.05:
        return (
            f"{escape(name)} shows no significant current: its areas are consistent with a reversible "
            "process "
            f"(p {p_value(one.area.p_value)})."
        )
    text = f"{escape(name)} breaks detailed balance (p {p_value(one.area.p_value)})"
    if one.entropy is not None and float(one.entropy.corrected.low) > 0:
        text += f" and produces entropy at the rate {spanned(one.entropy.corrected)} per unit time"
    return text + "."


def currents_table(analysis: Analysis) -> str:
    """Tabulate areas, entropy production, turning and bounds, or the reason why there are none."""
    found: Currents = analysis.sections["currents"]
    head = (
        "model",
        "pairs of snapshots",
        "largest area / its error, p",
        "entropy production rate (bias removed)",
        "p",
        "lower bound",
        "steps per rotation in the fastest plane",
    )
    step = time_per_step(analysis)
    rows = [_current_row(name, found.models[name], step) for name in ordered(analysis)]
    words = analysis.objective.vocabulary
    shown = ", ".join(map(words.named, found.coordinates[:6]))
    shown += ", ..." if len(found.coordinates) > 6 else ""
    digits = (
        " (two digits ab: u<sub>a</sub><sup>T</sup> W v<sub>b</sub>)" if analysis.objective.linear else ""
    )
    return (
        f"<p>Coordinates: {escape(shown)}{digits}. "
        "p-values and biases by time-reversed surrogates, intervals by a bootstrap over trajectories. The "
        "gap between snapshots must resolve the fastest relaxation, and the law must be stationary.</p>"
        + table(head, rows)
    )


def _current_row(name: str, one: Current, step: float) -> list[str]:
    if one.area is None:
        return [escape(name), escape(one.reason), *[NOTHING] * 5]
    entropy, plane = one.entropy, one.planes.get("fastest")
    area = f"{one.area.largest:.1f}, {p_value(one.area.p_value)}"
    pairs = f"{one.pairs:,} of {one.gap:g} step{'s' if one.gap != 1 else ''}, {one.counted:,} trajectories"
    if entropy is None:
        cells = [NOTHING, NOTHING]
    else:
        cells = [
            f'{spanned(entropy.corrected)}<span class="what">bias {number(entropy.bias)}</span>',
            p_value(entropy.p_value),
        ]
    if plane is None:
        return [escape(name), pairs, area, *cells, NOTHING, NOTHING]
    turning = plane.turning
    sure = float(turning.low) > 0 or float(turning.high) < 0
    turn = f"{2 * math.pi / abs(float(turning.value)) / step:,.0f}" if sure else "no rotation"
    return [escape(name), pairs, area, *cells, number(plane.bound), turn]


def mixing_finding(analysis: Analysis) -> str:
    """Say how long the modes stay correlated."""
    found: MixingTimes = analysis.sections["mixing"]
    told = []
    mode_word = analysis.objective.vocabulary.mode
    for name in ordered(analysis):
        one = found.models[name]
        if one.reason:
            continue
        modes = [mode for mode in shown_modes(analysis) if math.isfinite(one.time.value[mode])]
        if modes:
            slowest = max(modes, key=lambda mode: one.time.value[mode])
            word = {
                "longer": "more than ",
                "shorter": "less than about ",
                "oscillates": "oscillates, first decorrelates in ",
            }.get(one.verdict[slowest], "")
            told.append(
                f"{escape(name)} {word}{_steps(one.time.value[slowest])} steps ({mode_word} {slowest + 1})"
            )
    return f"Slowest {mode_word}'s correlation time: {'; '.join(told)}." if told else f"No {mode_word} moves."


def _steps(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def mixing_table(analysis: Analysis) -> str:
    """Tabulate correlation times."""
    found: MixingTimes = analysis.sections["mixing"]
    modes = shown_modes(analysis)
    rows = [
        [escape(name), *(_mixing_cell(found.models[name], mode) for mode in modes)]
        for name in ordered(analysis)
    ]
    return (
        "<p>Integrated correlation time in learning-rate steps with 95 % intervals. <b>Longer</b>: the "
        "correlation persists beyond the window, and the time is a lower bound. <b>Shorter</b>: it decays "
        "within a snapshot or two. <b>Oscillates</b>: it becomes negative, as in shuffled epochs, whose "
        "noise sums to zero, and the time is that of the first decay.</p>"
        + table(("model", *(f"{analysis.objective.vocabulary.mode} {mode + 1}" for mode in modes)), rows)
    )


def _mixing_cell(one: Mixing, mode: int) -> str:
    if one.reason:
        return escape(one.reason)
    verdict = one.verdict[mode]
    word = "" if verdict == "resolved" else f'<span class="what">{verdict}</span>'
    return spanned(one.time, mode) + word
