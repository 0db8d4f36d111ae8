"""How much of a distance is due to sampling: SGD in shuffled epochs against independent noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastsde.study import Study

if TYPE_CHECKING:
    from fastsde.analysis.results import Analysis

DEPENDENT = ("epoch",)
"""Samplings under which the noise of a step depends on the steps before it."""


def shuffles(analysis: Analysis) -> bool:
    """Whether an SGD in shuffled epochs is compared with SDEs, whose noise is independent at every step."""
    models = Study.from_toml(analysis.study).models
    return _shuffled(models.get(analysis.reference)) and any(
        models[name].kind == "sde" for name in analysis.models
    )


def sampling_control(analysis: Analysis) -> str:
    """Name the analysed model that is the reference sampled with replacement; empty without one."""
    models = Study.from_toml(analysis.study).models
    reference = models.get(analysis.reference)
    if not _shuffled(reference):
        return ""
    wanted = _keys(reference) | {"sampling": "replacement"}
    return next((name for name in analysis.models if _keys(models[name]) == wanted), "")


def _shuffled(model: Any) -> bool:
    return model is not None and model.kind == "sgd" and model.sampling in DEPENDENT


def _keys(model: Any) -> dict[str, Any]:
    keys: dict[str, Any] = model.model_dump()
    return keys
