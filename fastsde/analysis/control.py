"""How much of a distance can be due to sampling: SGD in shuffled epochs against independent noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fastsde.analysis.phrases import amount, short
from fastsde.analysis.ranking import UNDETERMINED, verdict, verdict_words
from fastsde.study.models.model import Model
from fastsde.study.study import Study

if TYPE_CHECKING:
    from fastsde.analysis.results import Findings


def shuffles(analysis: Findings) -> bool:
    """Whether an SGD in shuffled epochs is compared with SDEs, whose noise is independent at every step."""
    models = Study.from_toml(analysis.study).models
    return _shuffled(models.get(analysis.reference)) and any(
        models[name].independent_noise for name in analysis.models
    )


def sampling_control(analysis: Findings) -> str:
    """Name the analysed model that is the reference sampled with replacement; empty without one."""
    models = Study.from_toml(analysis.study).models
    reference = models.get(analysis.reference)
    wanted = None if reference is None else reference.control()
    return next((name for name in analysis.models if wanted is not None and models[name] == wanted), "")


def sampling_note(analysis: Findings) -> str:
    """Say what of the distances from an SGD in shuffled epochs can be due to the sampling; often nothing."""
    if not shuffles(analysis):
        return ""
    reference, control = analysis.reference, sampling_control(analysis)
    if not control:
        return (
            f"{reference} shuffles its samples in epochs, while SDEs have independent noise at every step. "
            "How much of their distances is due to that is undetermined without a control: add a model with "
            f'the keys of {reference} and sampling = "replacement".'
        )
    models = Study.from_toml(analysis.study).models
    others = [name for name in analysis.effects.ranking(control) if models[name].independent_noise]
    near = "; ".join(_from_control(analysis, control, name) for name in others)
    gap = analysis.effects.between(reference, control)
    start = f"{control}, the same SGD sampled with replacement, is"
    if not math.isfinite(gap.mean):
        return (
            f"{start} at an undetermined distance from {reference}, and so is how much of the others' is due "
            f"to the sampling. From {control}: {near}."
        )
    there = _at_strongest(analysis, control, reference, control)
    word = verdict(analysis, reference, control)
    judged = ", indistinguishable" if word == "indistinguishable" else ""
    return (
        f"{start} {amount(gap)} from {reference}{there}{judged}: distances from {reference} up to about "
        f"that size can be due to the sampling alone. From {control}: {near}."
    )


def _from_control(analysis: Findings, control: str, name: str) -> str:
    """Say how far a model is from the control, and where the control differs most from the reference."""
    words = verdict_words(analysis, control, name)
    judged = "" if words == UNDETERMINED else f", {words}"
    there = _at_strongest(analysis, control, control, name)
    return f"{name} {amount(analysis.effects.between(control, name))}{there}{judged}"


def _at_strongest(analysis: Findings, control: str, first: str, second: str) -> str:
    """Give the effect of two models at the step at which the control differs most clearly."""
    test = analysis.models[control].significance
    if test is None or not test.distinguishable:
        return ""
    value = float(analysis.effects.course(first, second).value[test.snapshot])
    return f", {short(value)} at step {analysis.step[test.snapshot]:,.0f}" if math.isfinite(value) else ""


def _shuffled(model: Model | None) -> bool:
    return model is not None and model.control() is not None
