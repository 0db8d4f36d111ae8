"""From a study's words to a kernel's numbers: what each model is to the compiled code."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.integrate.lowering.batches import batch_share, goes_by_samples
from fastsde.integrate.lowering.events import event_shapes, watched_events
from fastsde.integrate.lowering.keys import philox_key, stream_of
from fastsde.integrate.lowering.landscape import surface
from fastsde.integrate.lowering.lowered import Lowered
from fastsde.integrate.lowering.network import network_data, network_plan
from fastsde.integrate.lowering.sizes import cast, parameter_count, sample_count
from fastsde.integrate.lowering.temperature import matched_temperature
from fastsde.integrate.refinements import carried_numbers, quiet_step, refined_step
from fastsde.study.models import GradientDescent, Sde, Sgd, Svag

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["lower"]

ACCEPTABLE = 0.7
"""Largest ``rate / a`` of a piece of a tempered increment: half of the draws or more are accepted."""


def lower(study: Study, name: str, problem: Problem, *, clock: Any = None) -> Lowered:
    """Translate one model of a study for the kernels.

    Parameters
    ----------
    study : Study
    name : str
        Name of the model.
    problem : Problem
        The study's problem (`fastsde.problem.data.build_problem`).
    clock : named tuple of `fastsde.kernels`, optional
        A law of the noise in place of the model's own.
    """
    from fastsde.kernels.observe import FINITE_TRACE, NO_TRACE, POPULATION_TRACE

    model = study.models[name]
    numbers = None if study.landscape is None else study.landscape.numbers()
    inputs = problem.inputs if numbers is None else numbers.inputs
    finite = inputs is not None
    samples = 0 if inputs is None else len(inputs)
    key = philox_key(study.seed, stream_of(study, name))
    start_key = philox_key(study.seed, "start") if study.start == "paired" else key
    attributes: dict[str, float | int | str] = {
        "dt": model.dt(study.time.learning_rate),
        "substeps": model.substeps,
        "kind": model.kind,
        "summary": model.summary(),
    }
    inner = _dynamics(study, model, problem, start_key, attributes, clock)
    if isinstance(model, Sde):
        attributes |= _noise_scale(model, inner, attributes)
    dynamics = refined_step(study, model, inner)
    batch = 1 if inner.dense else inner.batch  # only chains hold the samples of a batch
    events = watched_events(study, problem)
    exists = finite or (math.isfinite(problem.noise_sd) and math.isfinite(problem.t2))
    trace = FINITE_TRACE if finite else POPULATION_TRACE if exists else NO_TRACE
    if numbers is not None and not samples:
        trace = NO_TRACE
    return Lowered(
        network=network_plan(study, model, samples, batch),
        data=network_data(study, problem) if numbers is None else surface(study, numbers),
        dynamics=dynamics,
        events=events,
        key=key,
        start_key=start_key,
        choice=max(samples, getattr(model, "batch", 1)) + 1,
        trace=trace,
        quiet=quiet_step(study, model, inner),
        passages=sum(math.prod(shape) for shape in event_shapes(events).values()),
        carried=carried_numbers(study, model, parameter_count(study)),
        attributes=attributes,
    )


def _dynamics(
    study: Study,
    model: Model,
    problem: Problem,
    start_key: tuple[np.uint64, np.uint64],
    attributes: dict[str, float | int | str],
    clock: Any = None,
) -> Any:
    from fastsde.kernels import steps

    if isinstance(model, GradientDescent):
        return steps.Descent(dense=True, dt=model.dt(study.time.learning_rate))
    if isinstance(model, Svag):
        return _svag(model, _sgd(study, model, problem))
    if isinstance(model, Sgd):
        return _sgd(study, model, problem)
    eta, dt = study.time.learning_rate, model.dt(study.time.learning_rate)
    clock = _clock(model, dt) if clock is None else clock
    tamed = model.alpha < 2 and model.substeps > 1
    stable_power = 0.0 if model.alpha == 2 or model.tempering is not None else 1 / model.alpha - 0.5
    stretch = (dt / eta) ** stable_power
    if model.batch_scaling == "stable":
        stretch *= model.batch ** (1 / model.alpha - 0.5)
    if model.noise == "given":
        assert model.covariance is not None
        diagonal, factor = model.covariance.parts()
        return steps.GivenNoise(
            dense=True,
            dt=dt,
            amplitude=math.sqrt(dt) * stretch,
            tamed=tamed,
            diagonal=cast(study, diagonal),
            factor=cast(study, factor),
            clock=clock,
        )
    share = batch_share(model, problem, sample_count(study, problem))
    finite = problem.inputs is not None or study.landscape is not None
    if model.noise == "gradient":
        kind = steps.FiniteNoise if finite else steps.PopulationNoise
        amplitude = math.sqrt(eta / dt * share) * stretch
        if model.by_component and finite:  # a sum of n stable numbers, not of n normal ones
            amplitude *= sample_count(study, problem) ** (0.5 - 1 / model.alpha)
        return kind(dense=True, dt=dt, amplitude=amplitude, tamed=tamed, clock=clock)
    if model.match_at == "local":
        amplitude = math.sqrt(eta * dt * share / parameter_count(study)) * stretch
        return steps.LocalIsotropic(
            dense=True, dt=dt, amplitude=amplitude, tamed=tamed, finite=finite, clock=clock
        )
    temperature = model.temperature
    if temperature == "matched":
        temperature = matched_temperature(study, model, problem, start_key)
    assert isinstance(temperature, float | int)
    attributes["temperature"] = float(temperature)
    amplitude = math.sqrt(2 * temperature * dt) * stretch
    return steps.Isotropic(dense=True, dt=dt, amplitude=amplitude, tamed=tamed, clock=clock)


def _noise_scale(
    model: Sde, step: Any, attributes: dict[str, float | int | str]
) -> dict[str, float | int | str]:
    """Return the scale of a model's noise per unit time, and what it multiplies.

    An increment over the time t is ``noise_scale t^(1/alpha)`` (alpha = 2 where the noise has a covariance)
    times what `noise_scale_of` says, and times the normal or stable numbers of the noise.
    """
    gaussian = model.alpha == 2 or model.tempering is not None
    power = 0.5 if gaussian else 1 / model.alpha
    increment = step.amplitude * (step.dt if model.noise == "gradient" else 1.0)
    if model.noise == "given":
        words = "the square root of the given covariance"
    elif model.noise == "gradient":
        words = f"the square root of the covariance of one sample's gradient (a batch of {model.batch})"
    elif "temperature" not in attributes:
        words = f"the square root of the trace of the current gradient noise (a batch of {model.batch})"
    else:
        words = f"the identity: temperature {attributes['temperature']:.6g}"
        if model.temperature == "matched":
            words += f", matched at the {model.match_at} to a batch of {model.batch}"
    if not gaussian:
        words += f"; per time^(1/{model.alpha:g}), sqrt(2) times the stable scale"
        words += ", B^(1/alpha - 1/2) included" if model.batch_scaling == "stable" else ""
    return {"noise_scale": float(increment / step.dt**power), "noise_scale_of": words}


def _clock(model: Sde, dt: float) -> Any:
    from fastsde.kernels.noise import Components, Jumps, Stable, Tempered, Truncated

    if model.jumps is not None:
        return Jumps(mean=model.jumps.rate * dt, share=model.jumps.share)
    if model.alpha == 2:
        return None
    limit = math.inf if model.truncation is None else model.truncation
    if model.by_component:
        return Components(alpha=model.alpha, limit=limit)
    a = model.alpha / 2
    if model.tempering is None:
        return Stable(a=a) if math.isinf(limit) else Truncated(a=a, log_limit=2 * math.log(limit))
    rate = model.tempering * dt
    pieces = max(1, math.ceil(rate / a / ACCEPTABLE))
    return Tempered(a=a, log_scale=math.log(rate / pieces / a) / a, pieces=pieces, rate=rate)


def _sgd(study: Study, model: Sgd | Svag, problem: Problem) -> Any:
    from fastsde.kernels import steps
    from fastsde.kernels.minibatch import DISTINCT, EPOCH, REPLACING

    dt = model.dt(study.time.learning_rate)
    if model.sampling == "fresh":
        return steps.FreshSgd(
            dense=False,
            dt=dt,
            batch=model.batch,
            scale=problem.loss_scale,
            population=_population(study, problem),
        )
    codes = {"epoch": EPOCH, "without-replacement": DISTINCT, "replacement": REPLACING}
    common: dict[str, Any] = {"dt": dt, "batch": model.batch, "sampling": codes[model.sampling]}
    if isinstance(model, Sgd) and model.label_noise is not None:
        return steps.LabelNoiseSgd(dense=False, **common, label_sd=model.label_noise)
    if study.landscape is not None:
        return steps.WeightSgd(dense=True, **common)
    kind = steps.SampleSgd if goes_by_samples(study, model, problem) else steps.WeightSgd
    return kind(dense=kind is steps.WeightSgd, **common)


def _svag(model: Svag, inner: Any) -> Any:
    """Return the step of two batches, each drawn as the step `inner` of SGD draws its own."""
    from fastsde.kernels import steps

    root = math.sqrt(2 * model.substeps - 1)
    return steps.Svag(
        dense=inner.dense,
        dt=inner.dt,
        batch=model.samples_per_step,
        inner=inner,
        first=(1 + root) / 2,
        second=(1 - root) / 2,
    )


def _population(study: Study, problem: Problem) -> Any:
    from fastsde.kernels.population import GAUSSIAN, STABLE, STUDENT, Population

    codes = {"gaussian": GAUSSIAN, "student-t": STUDENT, "stable": STABLE}
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
