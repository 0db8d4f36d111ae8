"""The terms of a model around its plain step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.study.models.model import Model
from fastsde.study.setting import Setting
from fastsde.study.terms.derivative import derivative_weights, line
from fastsde.study.terms.schedule import ScheduledRate

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = [
    "carried_numbers",
    "central_directions",
    "drift_step",
    "is_refined",
    "quiet_step",
    "refined_step",
    "schedule_of",
]


def carried_numbers(study: Study, model: Model) -> int:
    """Return how many numbers besides the parameters a trajectory carries from step to step."""
    setting = study.setting
    return sum(term.carried(value, setting) for term, value in model.terms(setting))


def is_refined(model: Model) -> bool:
    """Say whether a model needs the memory of refinements."""
    return any(term.refined for term, _ in model.terms())


def central_directions(model: Model) -> int:
    """Return how many directions the central flow of a model has."""
    return int(getattr(model, "central_flow", None) or 0)


def refined_step(study: Study, model: Model, plain: Any) -> Any:
    """Put the terms of a model around its plain step, from the inside: drift, momentum, schedule, clock."""
    setting = study.setting
    step = _drifted(setting, model, plain)
    for term, value in model.terms(setting):
        step = term.around(step, value, model, setting)
    return step


def quiet_step(plain: Any) -> Any:
    """Return a plain step without its noise."""
    from fastsde.kernels.steps import Descent

    return Descent(dense=True, dt=plain.dt)


def drift_step(study: Study, model: Model) -> Any:
    """Return a step of time 1 along the drift of a model, without noise: its displacement is the drift.

    On the ordinary clock, without momentum. The central flow stays that of steps of the model's dt.
    """
    from fastsde.kernels.steps import Descent

    setting = study.setting
    step = _drifted(setting, model, Descent(dense=True, dt=1.0))
    for term, value in model.terms(setting):
        step = term.around(step, value, model, setting) if term.in_mean else step
    return step


def _drifted(setting: Setting, model: Model, plain: Any) -> Any:
    """Put the terms of the drift around a step, if there are any."""
    from fastsde.kernels.steps.drifted import Drifted

    terms = [(term, value) for term, value in model.terms(setting) if term.drift]
    if not terms:
        return plain
    parts: dict[str, Any] = {}
    for term, value in terms:
        parts |= term.drift_parts(value, model, setting)
    none = np.empty(0, dtype=np.int64)
    rotation = {"rows": none, "columns": none, "values": np.empty(0)}
    absent: dict[str, Any] = {"decay": 0.0, "second": 0.0, "central": None, **rotation}
    nodes, odd = derivative_weights(*line(setting), odd=True)
    tamed = bool(getattr(plain, "tamed", False))
    return Drifted(
        dense=True, dt=plain.dt, inner=plain, tamed=tamed, nodes=nodes, odd=odd, **(absent | parts)
    )


def schedule_of(study: Study, model: Model) -> Any:
    """Return the schedule of a study for the steps of a model; None for a constant learning rate."""
    setting = study.setting
    return None if setting.schedule is None else ScheduledRate().lower(setting.schedule, model, setting)
