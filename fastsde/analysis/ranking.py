"""The order of the models and the verdict on two of them: all that ranks or judges models asks here."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from fastsde.analysis.distances import pairs
from fastsde.analysis.distances.registry import between_all_pairs
from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.phrases import enumerated

if TYPE_CHECKING:
    from fastsde.analysis.results import Findings

__all__ = ["judged", "ordered", "ranking", "tied", "verdict", "verdict_words"]

UNDETERMINED = "undetermined"


def ranking(analysis: Findings) -> list[str]:
    """Names of the compared models, nearest to the reference first; in the order of the study without one.

    By the mean effect over the course of learning: `fastsde.analysis.distances.effect.Effects.ranking`.
    """
    return analysis.effects.ranking(analysis.reference)


def ordered(analysis: Findings) -> list[str]:
    """All names: the reference, then the others, the nearest first."""
    return [*([analysis.reference] if analysis.reference else []), *ranking(analysis)]


def tied(analysis: Findings) -> dict[str, bool | None]:
    """Whether the order of each model and of the next in rank is not significant; None if unknown."""
    names = ranking(analysis)
    if not analysis.reference:
        return {}
    nearer = {
        name: analysis.effects.nearer(analysis.reference, name, after) for name, after in pairwise(names)
    }
    return {name: None if one is None else not one for name, one in nearer.items()}


def verdict(analysis: Findings, first: str, second: str) -> str:
    """Return "distinguishable", "indistinguishable" or "undetermined" of any two models.

    From `fastsde.analysis.distances.significance`: for the reference of all distances at all snapshots, for
    other pairs of what the section ``pairs`` tests, fewer distances: `verdict_words` says so. Of a model and
    itself, of its two halves.
    """
    if analysis.reference in (first, second):
        other = second if first == analysis.reference else first
        test = analysis.models[other].significance
        return UNDETERMINED if test is None else test.verdict
    tested = pairs.SECTION.of(analysis)
    if tested is None:
        return UNDETERMINED
    return judged(float(tested.p_value[tested.names.index(first), tested.names.index(second)]))


def verdict_words(analysis: Findings, first: str, second: str) -> str:
    """Say the verdict on two models; of two that were tested by part of the distances only, by which."""
    word = verdict(analysis, first, second)
    if word != "indistinguishable" or analysis.reference in (first, second):
        return word
    return f"not distinguished {by_pairs()}"


def by_pairs() -> str:
    """Say by what the section ``pairs`` tests pairs without the reference; `fastsde compare` tests more."""
    return f"by {enumerated([one.words for one in between_all_pairs()])} at the chosen snapshots"


def judged(p_value: float) -> str:
    """Return the verdict of a p-value of `fastsde.analysis.distances.significance`.

    Examples
    --------
    >>> judged(0.01), judged(0.05), judged(math.nan)
    ('distinguishable', 'indistinguishable', 'undetermined')
    """
    if math.isnan(p_value):
        return UNDETERMINED
    return "distinguishable" if p_value < SIGNIFICANCE else "indistinguishable"
