"""What the page says of tails: figures, the sentence over them, and the table of verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.tails.gaussian_null import FALSE_ALARMS, POWER
from fastsde.analysis.tails.section import SampleTails
from fastsde.analysis.tails.verdict import MEANING, TOLERANCE
from fastsde.report import panels
from fastsde.report.spec import FigureSpec
from fastsde.report.tails import figures as tails_figures
from fastsde.report.tails.figures import samples
from fastsde.report.writing import NOTHING, p_value, table, tail_span

WORDS = {
    "none": "no noise",
    "light": "light-tailed",
    "stable": "as alpha-stable",
    "heavy": "without a variance, yet not stable",
    "power": "with a power tail and a variance",
    "undetermined": "undetermined at this number of values",
    "unclear": "heavier-tailed than a Gaussian, of a kind that these values leave open",
    "bounded": "bounded",
    "mixture": "heavier-tailed than a Gaussian only as a mixture of scales",
}
"""Verdicts as they stand in a sentence: noise that is ..."""


def finding(analysis: Analysis) -> str:
    """Say of every model what its noise is, the strongest modes together."""
    groups: dict[str, list[str]] = {}
    for name, one in samples(analysis, "noise").items():
        verdicts = [one.verdict[mode] for mode in panels.shown_modes(analysis)]
        described = " or ".join(
            _with_index(word, name, analysis, verdicts) for word in dict.fromkeys(verdicts)
        )
        groups.setdefault(described, []).append(escape(name))
    parts = [f"{enumerated(names)}: {described}" for described, names in groups.items()]
    return f"The noise of one step, all times together, is in {'; in '.join(parts)}." if parts else ""


def _with_index(word: str, name: str, analysis: Analysis, verdicts: list[str]) -> str:
    """Add to the word the index of a stable or power tail, or what is detectable, and the modes it is of."""
    which = [mode for mode, one in enumerate(verdicts) if one == word]
    modes = "" if len(which) == len(verdicts) else f" (mode {', '.join(str(mode + 1) for mode in which)})"
    if word == "undetermined":
        return f"{WORDS[word]} ({_power(min(_detectable(analysis, name, which)))}){modes}"
    estimator = {"stable": "characteristic", "heavy": "moment", "power": "moment"}.get(word)
    if estimator is None:
        return WORDS[word] + modes
    found = samples(analysis, "noise")[name].pooled.estimates[estimator]
    index, low, high = (end[which] for end in (found.index, found.low, found.high))
    middle = f"{index.min():.2f}" if np.ptp(index) < 0.005 else f"{index.min():.2f} to {index.max():.2f}"
    return f"{WORDS[word]}, index {middle} (intervals within {low.min():.2f} to {high.max():.2f}){modes}"


def _detectable(analysis: Analysis, name: str, modes: list[int]) -> list[float]:
    return [float(samples(analysis, "noise")[name].pooled.detectable[mode]) for mode in modes]


def verdicts(analysis: Analysis) -> str:
    """Table of verdicts on noise by mode, on increments and on the loss, with the index behind each."""
    modes = panels.shown_modes(analysis)
    noise, increments, loss = (samples(analysis, kind) for kind in ("noise", "increments", "loss"))
    names = dict.fromkeys([*noise, *increments, *loss])
    head = ("model", *(f"noise, mode {mode + 1}" for mode in modes), "increments, mode 1", "loss")
    rows = [
        [
            escape(name),
            *(_cell(noise, name, mode) for mode in modes),
            _cell(increments, name, 0),
            _cell(loss, name, 0),
        ]
        for name in names
    ]
    used = {word for found in (noise, increments, loss) for one in found.values() for word in one.verdict}
    return (
        "<p>Verdict on all snapshots together; the moment estimator's index with its 95 % interval (none: "
        "the tail is no power law), and Hill's, which has a bias that no interval holds; the index that a "
        "stable law would have for sums of 1, 4 and 16 values (constant if it is one, towards 2 with a "
        "variance); and, of noise, the index in units of a scale that lasts between snapshots. <b>p</b>: the "
        "chance of so large a kurtosis in Gaussian values of the same number and grouping; at most "
        f"{100 * FALSE_ALARMS:g} % of Gaussian samples get a verdict that claims a tail, all modes together. "
        f"<b>Detectable</b>: the stable index that so many values show with a power of {100 * POWER:g} %; "
        "one nearer 2 may be missed.</p>"
        f"{table(head, rows)}<p>{_legend(used)}</p>"
    )


def _legend(used: Iterable[str]) -> str:
    words = [word for word in MEANING if word in set(used)]
    return " ".join(f"<b>{word}</b>: {escape(MEANING[word])}." for word in words)


def _cell(found: dict[str, SampleTails], name: str, column: int) -> str:
    if name not in found or found[name].verdict[column] == "none":
        return NOTHING
    one = found[name]
    moment = one.pooled.estimates["moment"]
    sums = one.pooled.sums.index[:, column]
    lines = [
        f"index {tail_span(moment.index[column], moment.low[column], moment.high[column])}",
        f"Hill {_number(one.pooled.estimates['hill'].index[column])}",
        f"sums {', '.join(_number(value) for value in sums)}",
    ]
    lines.append(f"p {p_value(one.pooled.gaussian_p[column])}, {_power(one.pooled.detectable[column])}")
    if np.isfinite(one.lasting.index[column]):
        lines.append(f"lasting scale {_number(one.lasting.index[column])}")
    told = "".join(f'<span class="what">{line}</span>' for line in lines)
    return f"<b>{one.verdict[column]}</b>{told}"


def _power(detectable: float) -> str:
    """Say which stable index so many values show, as a rule."""
    return f"detectable {detectable:.2f} or less" if math.isfinite(detectable) else "nothing detectable"


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "&ndash;"


def disagreement_finding(analysis: Analysis) -> str:
    """Warn where the estimators disagree."""
    parts = []
    for kind, text in tails_figures.KINDS.items():
        far = [name for name, one in samples(analysis, kind).items() if _contradicts(one)]
        if far:
            parts.append(f"{text}: {enumerated([escape(name) for name in far])}")
    if not parts:
        return "The estimators agree within their intervals and known biases."
    return (
        f"The estimators disagree beyond their intervals and known biases on {'; '.join(parts)}. "
        "What assumes a stable law does not measure a tail there: the law is not stable."
    )


def _contradicts(one: SampleTails) -> bool:
    """Whether the estimators disagree on a first column that is heavier than a Gaussian."""
    heavier = one.pooled.gaussian_p[0] < one.pooled.significance[0]
    return bool(heavier and one.pooled.disagreement[0] > TOLERANCE)


def _has_noise(analysis: Analysis) -> bool:
    return "tails" in analysis.sections and bool(samples(analysis, "noise"))


def _has_any(analysis: Analysis) -> bool:
    return "tails" in analysis.sections and any(samples(analysis, kind) for kind in tails_figures.KINDS)


SPECS = (
    FigureSpec(
        name="tails",
        title="Tails of the noise",
        caption=(
            "Hill's tail index of the noise that one step adds to each mode, over trajectories and a few "
            "adjacent snapshots; bars of 95 % hold its scatter, not its bias where a tail is no exact power "
            "law (a 1.8-stable sample gives 2.7). A law with an index below 2 has no variance, and no "
            "finite Gaussian sample gives an infinite index: the dotted line is what one of this size "
            "gives. <b>Trajectories at different saddles have noise of different size and direction, and "
            "their mixture has a small index without a heavy tail in any of them</b>: noise is measured in "
            "units of each trajectory's own level where that is recorded, and the verdict looks at "
            "differences between adjacent snapshots, in which a lasting level cancels."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/update_noise</code>, u<sub>a</sub><sup>T</sup>(W(&theta;') &minus; "
            "W(&theta; &minus; dt &nabla;L)) v<sub>a</sub>; divided by the root of "
            "<code>mode_diffusion</code>, else gradient noise by that of <code>noise_trace</code>, each "
            "snapshot by its median size; 1/&alpha; = mean of ln(X<sub>i</sub> / X<sub>k+1</sub>) over the "
            "k largest, k between n/100 and n/10 where the Kolmogorov-Smirnov distance from a power law is "
            "least; bars widened by the design effect of trajectories. <code>analysis.h5 "
            "sections/tails</code>."
        ),
        draw=tails_figures.over_time,
        applies=_has_noise,
        finding=finding,
        beside=verdicts,
    ),
    FigureSpec(
        name="tail_paths",
        title="Is Hill's index stable in k?",
        caption=(
            "Hill's estimate over the number k of largest values, with its pointwise 95 % band, of all "
            "snapshots together. Only a curve that is flat over a range of k measures the index of a power "
            "law; one that falls all the way belongs to a law without one, as the Gaussian, or to a "
            "mixture. Points: the k that was chosen. Dotted: what a Gaussian sample of the same size gives "
            "at its own k."
        ),
        source="<code>analysis.h5 sections/tails/models/MODEL/noise/path_k, path</code>.",
        draw=tails_figures.over_k,
        applies=_has_noise,
    ),
    FigureSpec(
        name="tail_estimators",
        title="Do the estimators of the tail agree?",
        caption=(
            "Eight estimates of the same tail with 95 % bars, all snapshots together. Those with a star "
            "assume that the law is stable and give a number between 1 and 2 for any law; the group "
            "log-moment estimate is that of Simsekli et al. (2019), here over steps and trajectories and "
            "never over coordinates. Estimates at the right edge say that there is no power law. "
            "Increments and loss vary over decades because trajectories stand on different plateaus: see "
            "whether the verdict is <i>bounded</i>."
        ),
        source=(
            "<code>analysis.h5 sections/tails/models/MODEL/KIND/pooled/estimates</code>: Hill (1975); "
            "Feuerverger and Hall (1999); Dekkers, Einmahl and de Haan (1989); Pickands (1975); Ma and "
            "Nikias (1995); Mohammadi et al. (2015); Koutrouvelis (1980); McCulloch (1986)."
        ),
        draw=tails_figures.side_by_side,
        applies=_has_any,
        finding=disagreement_finding,
    ),
)
"""The figures of tails in the order of the page."""
