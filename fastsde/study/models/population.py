"""Moments that an equation needs and a population may not have."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fastsde.study.fields import Fault
from fastsde.study.models.model import MODEL_KINDS, Model
from fastsde.study.setting import Setting, Where

__all__ = ["covariance_faults", "moment_faults"]


def moment_faults(model: Model, setting: Setting, where: Where) -> Iterator[Fault]:
    """Refuse the gradient of a population whose inputs have no variance."""
    if setting.population and setting.inputs.tail <= 2:
        kinds = " or ".join(name for name, kind in MODEL_KINDS.items() if not kind.needs_gradient)
        expected = f"only {kinds}: inputs without a variance have no population gradient"
        yield Fault((*where, "kind"), model.kind, expected, "give data.samples a number")


def covariance_faults(key: str, model: Model, setting: Setting, where: Where) -> Iterator[Fault]:
    """Refuse what a key of a model needs: a covariance of the gradient where a population has none."""
    if not setting.population:
        return
    inputs, labels = setting.inputs, setting.labels
    if inputs.tail <= 4 or math.isinf(labels.sd):
        culprit = f"{inputs.kind} inputs" if inputs.tail <= 4 else f"{labels.kind} label noise"
        tail = inputs.tail if inputs.tail <= 4 else labels.tail
        expected = (
            f"nothing that needs a gradient covariance: with {culprit} (tail index {tail:g}) none exists"
        )
        expected += " in the population"
        fix = 'give data.samples a number, or take noise = "isotropic" with a number as temperature'
        yield Fault((*where, key), getattr(model, key), expected, fix)
