"""The main finding in sentences: the nearest model, by how much, and which are indistinguishable."""

from __future__ import annotations

import itertools
import math
from itertools import pairwise
from typing import TYPE_CHECKING

from scipy.stats import fisher_exact

from fastsde.analysis.control import sampling_note
from fastsde.analysis.distances.base import SMALLEST_SAMPLE
from fastsde.analysis.law import branches_of
from fastsde.analysis.phrases import amount, enumerated, short
from fastsde.analysis.ranking import ranking, verdict
from fastsde.study.study import Study

if TYPE_CHECKING:
    from fastsde.analysis.distances.effect import Effect
    from fastsde.analysis.results import Findings

NAMED = 6
"""The most models that the headline names; of more, it names the three nearest and the farthest."""


def headline(analysis: Findings) -> str:
    """Return the main finding in a few sentences."""
    names = ranking(analysis)
    if not names:
        return (
            f"Undetermined: {next(iter(analysis.models))} is the only model, with nothing to compare it with."
        )
    if not analysis.reference:
        together = (
            f"{names[0]} is the only model, with nothing to compare it with."
            if len(names) == 1
            else "Its models are compared with each other; --reference NAME compares them with one of them."
        )
        return f"Undetermined which model is nearest to SGD: the study has no SGD. {together}"
    if not analysis.step[-1] > 0:
        return "Undetermined which model is nearest: the only snapshot is the start, before any step."
    if all(verdict(analysis, analysis.reference, name) == "undetermined" for name in names) and not any(
        math.isfinite(effect_of(analysis, name).mean) for name in names
    ):
        who = enumerated(names)
        are = "is" if len(names) == 1 else "are"
        why = reason_undetermined(analysis, names[0])
        return f"Undetermined how far {who} {are} from {analysis.reference}: {why}."
    said = [
        *_order(analysis, names),
        *_verdicts(analysis, names),
        _diverged(analysis, names),
        sampling_note(analysis),
    ]
    return " ".join(sentence for sentence in said if sentence)


def differences(analysis: Findings, effect: Effect) -> str:
    """Say in natural units by how much the modes and the loss of a model differ."""
    modes = analysis.objective.vocabulary.modes_differ
    parts = [modes.format(short(effect.modes))] if math.isfinite(effect.modes) else []
    if math.isfinite(effect.loss):
        verb = " " if parts else " differs "
        parts.append(f"its loss{verb}by {short(effect.loss)} decades")
    return enumerated(parts)


def effect_of(analysis: Findings, name: str) -> Effect:
    """Return the effect between the reference and a model."""
    return analysis.effects.between(analysis.reference, name)


def _order(analysis: Findings, names: list[str]) -> list[str]:
    """Say which model is nearest, or which share the first place, and name the others."""
    known = [name for name in names if math.isfinite(effect_of(analysis, name).mean)]
    same = [name for name in known if _coincide(analysis, name)]
    if same:
        coincide = "coincides" if len(same) == 1 else "coincide"
        who = "both" if len(same) == 1 else "all"
        return [
            f"{enumerated(same)} {coincide} with {analysis.reference}: the trajectories of {who} have "
            f"the same {enumerated(_compared(analysis))}, to rounding.",
            _farther(analysis, [same[-1], *(name for name in known if name not in same)]),
        ]
    nearest = nearest_group(analysis)
    if len(nearest) < 2:
        return [_nearest(analysis, names[0]), _farther(analysis, known)]
    shown = [f"{name} {amount(effect_of(analysis, name))}" for name in nearest]
    if len(shown) > NAMED:
        shown = [*shown[:3], "...", shown[-1]]
    return [
        f"Nearest to {analysis.reference}, in an order that is not significant, {_when(analysis)}: "
        f"{' ~ '.join(shown)} (mean effect; sampling alone gives "
        f"{short(effect_of(analysis, nearest[0]).sampling)}).",
        f"{nearest[0]}: {differences(analysis, effect_of(analysis, nearest[0]))}.",
        _farther(analysis, known[len(nearest) - 1 :]),
    ]


def nearest_group(analysis: Findings) -> list[str]:
    """Return the first models in rank, of which none is significantly nearer than another."""
    effects, reference = analysis.effects, analysis.reference
    known = [name for name in ranking(analysis) if math.isfinite(effect_of(analysis, name).mean)]
    return [
        *known[:1],
        *itertools.takewhile(lambda name: effects.nearer(reference, known[0], name) is False, known[1:]),
    ]


def _coincide(analysis: Findings, name: str) -> bool:
    """Whether a model has the trajectories of the reference, or one law without any spread with it."""
    effect = effect_of(analysis, name)
    return analysis.effects.coincides(analysis.reference, name) or effect.mean == effect.sampling == 0


def _compared(analysis: Findings) -> list[str]:
    """Name what is compared."""
    modes = [analysis.objective.vocabulary.modes] if analysis.effects.has_modes else []
    return [*modes, *(["loss"] if analysis.effects.has_loss else [])]


def _when(analysis: Findings) -> str:
    step = analysis.step
    if len(step) == 1:
        return f"at its only snapshot, step {step[0]:,.0f}"
    return f"averaged over the {analysis.objective.vocabulary.course}"


def _nearest(analysis: Findings, name: str) -> str:
    effect, reference = effect_of(analysis, name), analysis.reference
    if not math.isfinite(effect.mean):
        return f"How far models are from {reference} is undetermined: {reason_undetermined(analysis, name)}."
    known = math.isfinite(effect.high)
    span = f"95 % interval {short(effect.low)} to {short(effect.high)}; " if known else ""
    return (
        f"{name} is nearest to {reference}: {_when(analysis)}, {differences(analysis, effect)}, a mean "
        f"effect of {short(effect.mean)} ({span}sampling alone gives {short(effect.sampling)})."
    )


def _farther(analysis: Findings, known: list[str]) -> str:
    """Name the models after the first in order with their effects, a tilde where an order is unsure."""
    if len(known) < 2:
        return ""
    nearer = analysis.effects.nearer
    said = [
        ("~ " if nearer(analysis.reference, before, name) is False else "")
        + f"{name} {amount(effect_of(analysis, name))}"
        for before, name in pairwise(known)
    ]
    if len(said) > NAMED:
        said = [*said[:3], "...", said[-1]]
    note = " (~: farther, though not significantly)" if any(one.startswith("~") for one in said) else ""
    return f"Farther{note}: {', '.join(said)}."


def _verdicts(analysis: Findings, names: list[str]) -> list[str]:
    """Say which models are indistinguishable from the reference at this number of trajectories."""
    reference = analysis.reference
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(verdict(analysis, reference, name), []).append(name)
    size = _size(analysis)
    sentences = []
    same = groups.get("indistinguishable", [])
    if same:
        who = enumerated([f"{name} (p = {_p(analysis, name)})" for name in same])
        plural = "its effect is" if len(same) == 1 else "their effects are"
        sentences.append(f"Indistinguishable from {reference} at {size}: {who}; {plural} not significant.")
    told = groups.get("distinguishable", [])
    if told:
        clear = [f"{name}{_most_clearly(analysis, name)}" for name in told[:NAMED]]
        rest = f" and {len(told) - NAMED} others" if len(told) > NAMED else ""
        who = f"{', '.join(clear)}{rest}" if rest else enumerated(clear)
        where = "" if same else f" from {reference} at {size}"
        sentences.append(f"Distinguishable{where}: {who}.")
    unknown = groups.get("undetermined", [])
    if unknown:
        sentences.append(
            f"Undetermined: {enumerated(unknown)} ({reason_undetermined(analysis, unknown[0])})."
        )
    return sentences


def _most_clearly(analysis: Findings, name: str) -> str:
    """Say where the evidence for a difference is strongest, and what the effect is there."""
    found = analysis.models[name].significance
    if found is None or found.snapshot < 0:
        return ""
    at, effects = found.snapshot, analysis.effects
    i, j = (effects.names.index(one) for one in (analysis.reference, name))
    effect, sampling = float(effects.value[at, i, j]), float(effects.value[at, i, i])
    there = f", where its effect is {short(effect)} and sampling alone gives {short(sampling)}"
    said = f"p = {found.p_value:.2g}, most clearly at step {analysis.step[at]:,.0f}"
    return f" ({said}{there if math.isfinite(effect) else ''})"


def _diverged(analysis: Findings, names: list[str]) -> str:
    """Name the models that diverge more or less often than the reference: a difference of its own."""
    own = analysis.models[analysis.reference]
    said = []
    for name in names:
        one = analysis.models[name]
        if verdict(analysis, analysis.reference, name) == "indistinguishable":
            continue
        counts = [[each.diverged, each.trajectories - each.diverged] for each in (own, one)]
        p = float(fisher_exact(counts).pvalue)
        if p < 0.05:
            said.append(f"{100 * one.diverged / one.trajectories:.0f} % of {name} (p = {p:.1g})")
    if not said:
        return ""
    share = 100 * own.diverged / own.trajectories
    return (
        f"Divergence differs: {share:.0f} % of the trajectories of {analysis.reference} diverge, and "
        f"{enumerated(said)}, by Fisher's exact test."
    )


def _p(analysis: Findings, name: str) -> str:
    found = analysis.models[name].significance
    return "?" if found is None else f"{found.p_value:.2g}"


def reason_undetermined(analysis: Findings, name: str) -> str:
    """Say why the distance of a model is undetermined."""
    found = analysis.models[name].significance
    for each in (analysis.reference, name):
        one = analysis.models[each]
        if one.diverged == one.trajectories:
            return f"all {one.trajectories:,} trajectories of {each} diverge"
        if one.stopped == one.trajectories:
            return f"all {one.trajectories:,} trajectories of {each} stop at an event"
    count = min(one.trajectories for one in analysis.models.values())
    if analysis.effects.count < SMALLEST_SAMPLE:
        needed = f"two samples of {SMALLEST_SAMPLE} are needed"
        many = "trajectory per model is" if count == 1 else "trajectories per model are"
        return f"{count:,} {many} too few, {needed}"
    return found.reason if found is not None and found.reason else "too few trajectories survive"


def _size(analysis: Findings) -> str:
    branches = branches_of(Study.from_toml(analysis.study))
    count = analysis.effects.count
    states = f" ({count // branches:,} states)" if branches > 1 else ""
    return f"{count:,} trajectories per sample{states}"
