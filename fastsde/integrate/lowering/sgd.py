"""Stochastic gradient descent, and SVAG, for the kernels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fastsde.integrate.lowering.batches import goes_by_samples
from fastsde.integrate.lowering.plain import Request, plain_step
from fastsde.integrate.lowering.sizes import cast
from fastsde.study.models.batches import by_members, label_sd
from fastsde.study.models.sgd import Sgd
from fastsde.study.models.svag import Svag

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["sgd", "svag"]


@plain_step.register(Sgd)
def sgd(model: Sgd, request: Request) -> Any:
    """Return a step of SGD, with label noise if the model has it."""
    from fastsde.kernels.steps import LabelNoiseSgd, NoisyMeasurements

    if model.label_noise is None or model.sampling == "fresh" or not request.study.objective.linear:
        return _batch(model, request)
    if request.study.objective.measured:
        return NoisyMeasurements(dense=True, **_drawing(model, request), label_sd=model.label_noise)
    return LabelNoiseSgd(dense=False, **_drawing(model, request), label_sd=model.label_noise)


@plain_step.register(Svag)
def svag(model: Svag, request: Request) -> Any:
    """Return the step of two batches, each drawn as a step of SGD draws its own."""
    from fastsde.kernels.steps import Svag as Kernel

    inner = _batch(model, request)
    root = math.sqrt(2 * model.substeps - 1)
    return Kernel(
        dense=inner.dense,
        dt=inner.dt,
        batch=model.samples_per_step,
        inner=inner,
        first=(1 + root) / 2,
        second=(1 - root) / 2,
    )


def _batch(model: Sgd | Svag, request: Request) -> Any:
    """Return the step along the mean gradient of one batch."""
    from fastsde.kernels.steps import FreshSgd, MemberSgd, SampleSgd, WeightSgd

    study, problem = request.study, request.problem
    if model.sampling == "fresh" and study.objective.measured:
        return _fresh_measurements(model, request)
    if model.sampling == "fresh":
        return FreshSgd(
            dense=False,
            dt=model.dt(study.time.learning_rate),
            batch=model.batch,
            scale=problem.loss_scale,
            population=_population(study, problem),
        )
    if goes_by_samples(study, model, problem):
        return SampleSgd(dense=False, **_drawing(model, request))
    if not study.objective.linear and by_members(model, study.objective.samples or 0):
        return MemberSgd(dense=True, **_drawing(model, request), label_sd=label_sd(model))
    return WeightSgd(dense=True, **_drawing(model, request))


def _fresh_measurements(model: Sgd | Svag, request: Request) -> Any:
    """Return the step along the mean gradient of a batch of fresh measurements."""
    from fastsde.kernels.steps import FreshMeasurements

    problem = request.problem
    return FreshMeasurements(
        dense=False,
        dt=model.dt(request.study.time.learning_rate),
        batch=model.batch,
        label_law=_law_codes()[problem.noise_kind],
        label_tail=problem.noise_tail,
        label_scale=problem.noise_scale,
    )


def _law_codes() -> dict[str, int]:
    """Return the numbers by which the kernels know the laws of fresh numbers."""
    from fastsde.kernels.population import GAUSSIAN, STABLE, STUDENT

    return {"gaussian": GAUSSIAN, "student-t": STUDENT, "stable": STABLE}


def _drawing(model: Sgd | Svag, request: Request) -> dict[str, Any]:
    """Return how a batch is drawn from finite data."""
    from fastsde.kernels.minibatch import DISTINCT, EPOCH, REPLACING

    codes = {"epoch": EPOCH, "without-replacement": DISTINCT, "replacement": REPLACING}
    dt = model.dt(request.study.time.learning_rate)
    return {"dt": dt, "batch": model.batch, "sampling": codes[model.sampling]}


def _population(study: Study, problem: Problem) -> Any:
    """Return the laws of inputs and labels as the kernels draw them."""
    from fastsde.kernels.population import Population

    codes = _law_codes()
    nu = problem.input_tail
    finite_variance = problem.input_kind == "student-t" and nu > 2
    return Population(
        input_law=codes[problem.input_kind],
        input_tail=nu,
        input_scale=math.sqrt((nu - 2) / nu) if finite_variance else 1.0,
        label_law=codes[problem.noise_kind],
        label_tail=problem.noise_tail,
        label_scale=problem.noise_scale,
        factor=cast(study, problem.factor),
        teacher=cast(study, problem.teacher),
    )
