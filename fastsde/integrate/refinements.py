"""From the terms of a model to the refinements around its step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.study.models import GradientDescent, Sde, Sgd

if TYPE_CHECKING:
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = [
    "carried_numbers",
    "derivative_weights",
    "drift_step",
    "is_refined",
    "noise_power",
    "quiet_step",
    "refined_step",
    "schedule_of",
]

Array = NDArray[np.float64]
SPACING = {"network": 0.5, "landscape": 2e-3}
"""Distance of the nodes of directional derivatives: any for a polynomial, small for others."""
SUBSPACE_ITERATIONS = 3
SPARE_EVENTS = 64
"""Events that fractional time has room for in a step, in multiples of their mean in the first step.

No step has more in law than one and the first, and more than x times the mean there have a probability of at
most ``1.13 n! x^-n`` for every n (Mittag-Leffler moments): 4e-27 at 64. The rest would come one step late.
"""


def derivative_weights(pairs: int, spacing: float, odd: bool) -> tuple[Array, Array]:
    """Give nodes t and weights w of a derivative of g along a line at 0, exact for polynomials.

    ``g'(0) = sum_j w_j (g(t_j) - g(-t_j))`` where `odd`, else
    ``g''(0) / 2 = sum_j w_j (g(t_j) + g(-t_j) - 2 g(0))``, exact up to degree ``2 pairs`` and
    ``2 pairs + 1``.

    Examples
    --------
    >>> nodes, weights = derivative_weights(2, 0.5, odd=True)
    >>> float(weights @ (nodes**3 + nodes - (-nodes) ** 3 + nodes)).__round__(12)
    1.0
    """
    nodes = spacing * np.arange(1, pairs + 1)
    powers = np.arange(pairs) * 2 + (1 if odd else 2)
    target = np.zeros(pairs)
    target[0] = 0.5
    scaled = (np.arange(1, pairs + 1)[None, :].astype(float)) ** powers[:, None]
    return np.asarray(nodes), np.asarray(np.linalg.solve(scaled, target) / spacing ** powers[0])


def carried_numbers(study: Study, model: Model, parameters: int) -> int:
    """Return how many numbers beside the parameters a trajectory carries from step to step."""
    if getattr(model, "momentum", None) is not None:
        return parameters
    if getattr(model, "central_flow", None) is not None:
        return parameters * int(getattr(model, "central_flow", 0))
    return 2 if getattr(model, "subordination", None) is not None else 0


def is_refined(study: Study, model: Model) -> bool:
    """Say whether a model needs the memory of refinements."""
    names = ("momentum", "weight_decay", "rotation", "second_order", "central_flow", "subordination")
    return any(getattr(model, name, None) for name in (*names, "covariance"))


def central_directions(model: Model) -> int:
    """Return how many directions the central flow of a model has."""
    return int(getattr(model, "central_flow", None) or 0)


def refined_step(study: Study, model: Model, inner: Any) -> Any:
    """Put the refinements of a model around its step, from the inside: drift, momentum, schedule, clock."""
    from fastsde.kernels.steps.momentum import Momentum
    from fastsde.kernels.steps.subordinated import Subordinated

    step = _drifted(study, model, inner)
    if isinstance(model, Sgd | GradientDescent) and model.momentum is not None:
        step = Momentum(step.dense, step.dt, step, model.momentum, bool(model.nesterov))
    step = _scheduled(study, model, step)
    if isinstance(model, Sde) and model.subordination is not None:
        clock = model.subordination
        log_wait = math.log(step.dt) / clock.beta + (1 - 1 / clock.beta) * math.log(clock.scale)
        most = 2 + math.ceil(SPARE_EVENTS * clock.first_events(step.dt))
        step = Subordinated(True, step.dt, step, clock.beta, log_wait - math.log(step.dt), most)
    return step


def quiet_step(study: Study, model: Model, inner: Any) -> Any:
    """Return the same step without its noise; momentum and clock are those of the step."""
    from fastsde.kernels.steps.descent import Descent

    return refined_step(study, model, Descent(dense=True, dt=inner.dt))


def drift_step(study: Study, model: Model) -> Any:
    """Return a step of time 1 along the drift of a model, without noise: its displacement is the drift.

    On the ordinary clock, without momentum. The central flow stays that of steps of the model's dt.
    """
    from fastsde.kernels.steps.descent import Descent

    return _scheduled(study, model, _drifted(study, model, Descent(dense=True, dt=1.0)))


def _scheduled(study: Study, model: Model, step: Any) -> Any:
    """Let a step follow the schedule, if there is one."""
    from fastsde.kernels.steps.scheduled import Scheduled

    schedule = schedule_of(study, model)
    if schedule is None:
        return step
    return Scheduled(step.dense, step.dt, step, schedule, noise_power(model))


def noise_power(model: Model) -> float:
    """Return p for the noise of a step, whose size goes with the learning rate's share f as f^p.

    A given temperature or covariance is kept, as by a change of time: 1/2, and 1/alpha for stable noise. A
    matched one follows SGD, as gradient noise does: 1.
    """
    if not isinstance(model, Sde) or model.noise == "gradient" or model.temperature == "matched":
        return 1.0
    return 0.5 if model.tempering is not None else 1 / model.alpha


def _drifted(study: Study, model: Model, inner: Any) -> Any:
    """Put the terms of the drift around a step, if there are any."""
    from fastsde.kernels.steps.drifted import Drifted

    names = ("weight_decay", "rotation", "second_order", "central_flow")
    if not any(getattr(model, name, None) for name in names):
        return inner
    decay = float(getattr(model, "weight_decay", None) or 0.0)
    rotation = getattr(model, "rotation", None)
    none = np.empty(0, dtype=np.int64)
    rows, columns, values = (none, none, np.empty(0)) if rotation is None else rotation.entries(study.widths)
    layers, spacing = _line(study)
    nodes, odd = derivative_weights(layers, spacing, odd=True)
    return Drifted(
        dense=True,
        dt=inner.dt,
        inner=inner,
        tamed=bool(getattr(inner, "tamed", False)),
        decay=decay,
        rows=rows,
        columns=columns,
        values=values,
        second=0.5 * study.time.learning_rate if getattr(model, "second_order", None) else 0.0,
        nodes=nodes,
        odd=odd,
        central=_central(study, model, model.dt(study.time.learning_rate)),
    )


def _line(study: Study) -> tuple[int, float]:
    """Return pairs of nodes and spacing that suit the gradient along a line."""
    if study.landscape is None:
        return len(study.widths) - 1, SPACING["network"]
    return 2, SPACING["landscape"]


def _central(study: Study, model: Model, dt: float) -> Any:
    from fastsde.kernels.drift.central import Central

    directions = central_directions(model)
    if not directions:
        return None
    pairs, spacing = _line(study)
    nodes, odd = derivative_weights(pairs, spacing, odd=True)
    far, even = derivative_weights(max(pairs - 1, 1), spacing, odd=False)
    return Central(directions, dt, study.time.learning_rate, SUBSPACE_ITERATIONS, nodes, odd, far, even)


def schedule_of(study: Study, model: Model) -> Any:
    """Return the schedule of a study for the steps of a model; None for a constant learning rate."""
    from fastsde.kernels.steps.scheduled import CONSTANT, COSINE, STAIRS, Schedule

    wanted = study.time.schedule
    if wanted is None or (wanted.kind == "constant" and wanted.warm_up is None):
        return None
    return Schedule(
        kind={"constant": CONSTANT, "step": STAIRS, "cosine": COSINE}[wanted.kind],
        warm=wanted.warm_up or 0,
        every=wanted.every or 1,
        drop=wanted.drop or 1.0,
        total=study.time.steps,
        final=wanted.final or 0.0,
        substeps=model.substeps,
    )
