"""Noise that follows the state for the kernels: its shape, memory, and drift in Stratonovich's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastsde.integrate.lowering.batches import batch_share
from fastsde.integrate.lowering.sizes import cast, parameter_count, sample_count
from fastsde.problem.objective import objective_of
from fastsde.problem.user import noise_address
from fastsde.study.state_noise.base import Scene
from fastsde.study.turn import GROUP, ROUNDS, random_turn
from fastsde.system.cache_lock import once

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["interpreted_step", "noise_room", "noise_shape", "noise_turn"]


def noise_shape(model: Any, study: Study, problem: Problem) -> Any:
    """Return the shape of a model's noise that follows the state, its functions compiled."""
    from fastsde.kernels.layout import plan_network
    from fastsde.kernels.shape import with_routines

    eta, form = study.time.learning_rate, model.form
    share = eta * batch_share(model, problem, sample_count(study)) if form.from_samples else 0.0
    data = objective_of(study, problem).kernel_data()
    shape = form.shape(model, Scene(study.setting, share, float(data.floor), noise_address(study, model)))
    net = plan_network(study.widths, 0, 1)
    corrected = model.interpretation == "stratonovich"
    mark = f"noise-{shape.kind}-{study.dtype}-{type(data).__name__}-{corrected}"
    once(mark, lambda: with_routines(shape, net, data, correction=corrected))
    return with_routines(shape, net, data, correction=corrected)


def noise_turn(model: Any, study: Study) -> Any:
    """Return the matrix that turns the noise of a model, of no rounds where there is none."""
    from fastsde.kernels.anisotropy import Turn

    order, axes = random_turn(study.seed, parameter_count(study), ROUNDS if model.rotated else 0)
    return Turn(GROUP, order, cast(study, axes))


def noise_room(study: Study, model: Model) -> int:
    """Return how many numbers per trajectory noise that follows the state works with; 0 of other noise."""
    from fastsde.kernels.shape import shape_room

    form = getattr(model, "form", None)
    if form is None:
        return 0
    setting = study.setting
    return int(shape_room(setting.parameters, form.draws(model, setting), form.work(model, setting)))


def interpreted_step(model: Any, study: Study, problem: Problem, step: Any) -> Any:
    """Return a step in the sense of a model: Stratonovich's drift is put around it if that is the sense."""
    from fastsde.kernels.steps import Interpreted

    if getattr(model, "interpretation", None) != "stratonovich":
        return step
    shape = noise_shape(model, study, problem)
    return Interpreted(True, step.dt, step, shape, model.trace or 0.0)
