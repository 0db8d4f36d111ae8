"""What the page says of tails."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.tails.section import SampleTails
from fastsde.analysis.tails.verdict import TOLERANCE
from fastsde.report import panels
from fastsde.report.tails import figures
from fastsde.report.tails.figures import samples

WORDS = {
    "none": "no noise",
    "light": "light-tailed",
    "stable": "like alpha-stable noise",
    "heavy": "without a variance, but not stable",
    "power": "with a power-law tail and a variance",
    "undetermined": "undetermined with this number of values",
    "unclear": "heavier-tailed than a Gaussian, with an undetermined kind of tail",
    "bounded": "bounded",
    "mixture": "heavier-tailed than a Gaussian only as a mixture of different scales",
}
"""Verdicts as they are written in a sentence: noise that is ..."""


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
    return f"The noise of one step, all snapshots together, is in {'; in '.join(parts)}." if parts else ""


def _with_index(word: str, name: str, analysis: Analysis, verdicts: list[str]) -> str:
    """Add to the word the index of a stable or power tail, or what is detectable, and the modes it is of."""
    which = [mode for mode, one in enumerate(verdicts) if one == word]
    numbers = ", ".join(str(mode + 1) for mode in which)
    modes = "" if len(which) == len(verdicts) else f" ({analysis.objective.vocabulary.mode} {numbers})"
    if word == "undetermined":
        return f"{WORDS[word]} ({power(min(_detectable(analysis, name, which)))}){modes}"
    estimator = {"stable": "characteristic", "heavy": "moment", "power": "moment"}.get(word)
    if estimator is None:
        return WORDS[word] + modes
    found = samples(analysis, "noise")[name].pooled.estimates[estimator]
    index, low, high = (end[which] for end in (found.index, found.low, found.high))
    middle = f"{index.min():.2f}" if np.ptp(index) < 0.005 else f"{index.min():.2f} to {index.max():.2f}"
    return f"{WORDS[word]}, index {middle} (intervals within {low.min():.2f} to {high.max():.2f}){modes}"


def _detectable(analysis: Analysis, name: str, modes: list[int]) -> list[float]:
    return [float(samples(analysis, "noise")[name].pooled.detectable[mode]) for mode in modes]


def power(detectable: float) -> str:
    """Say which stable index a sample of this size usually shows."""
    return f"detectable {detectable:.2f} or less" if math.isfinite(detectable) else "nothing detectable"


def disagreement_finding(analysis: Analysis) -> str:
    """Warn where the estimators disagree."""
    parts = []
    for kind in figures.KINDS:
        far = [name for name, one in samples(analysis, kind).items() if _contradicts(one)]
        if far:
            title = figures.kind_title(analysis, kind)
            parts.append(f"{title}: {enumerated([escape(name) for name in far])}")
    if not parts:
        return "The estimators agree within their intervals and known biases."
    return (
        f"The estimators disagree beyond their intervals and known biases on {'; '.join(parts)}. "
        "Estimators that assume a stable law do not measure the tail there: the law is not stable."
    )


def _contradicts(one: SampleTails) -> bool:
    """Whether the estimators disagree on a first column that is heavier than a Gaussian."""
    heavier = one.pooled.gaussian_p[0] < one.pooled.significance[0]
    return bool(heavier and one.pooled.disagreement[0] > TOLERANCE)


def has_noise(analysis: Analysis) -> bool:
    """Whether the tail of the noise is known for any model."""
    return bool(samples(analysis, "noise"))


def has_any(analysis: Analysis) -> bool:
    """Whether the tail of anything is known for any model."""
    return any(samples(analysis, kind) for kind in figures.KINDS)
