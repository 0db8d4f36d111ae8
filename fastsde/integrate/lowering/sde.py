"""Stochastic differential equations for the kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastsde.integrate.lowering.batches import batch_share
from fastsde.integrate.lowering.plain import Request, plain_step
from fastsde.integrate.lowering.shapes import noise_shape, noise_turn
from fastsde.integrate.lowering.sizes import cast, parameter_count, sample_count
from fastsde.integrate.lowering.temperature import matched_temperature
from fastsde.study.models.sde import Sde

__all__ = ["sde"]


@dataclass(frozen=True)
class _Increment:
    """What every SDE's step has, and the factor of its amplitude that the law of the noise brings."""

    dt: float
    stretch: float
    tamed: bool
    clock: Any

    def fields(self, amplitude: float) -> dict[str, Any]:
        """Return the fields that the steps of all noises have."""
        return {
            "dense": True,
            "dt": self.dt,
            "amplitude": amplitude,
            "tamed": self.tamed,
            "clock": self.clock,
        }


@plain_step.register(Sde)
def sde(model: Sde, request: Request) -> Any:
    """Return an Euler step with the noise of the model, and note the scale of the noise."""
    eta = request.study.time.learning_rate
    dt, law = model.dt(eta), model.noise_law
    stretch = (dt / eta) ** (law.time_exponent - 0.5)
    if model.batch_scaling == "stable":
        stretch *= model.batch ** (law.time_exponent - 0.5)
    own = law.lower(dt) if request.law is None else request.law
    increment = _Increment(dt, stretch, law.tamed and model.substeps > 1, own)
    step = _maker(model)(model, request, increment)
    request.attributes.update(_noise_scale(model, step, request.attributes))
    return step


def _maker(model: Sde) -> Callable[[Sde, Request, _Increment], Any]:
    """Return what makes the step of a model's noise."""
    if model.mixed:
        return _anisotropic
    if model.noise == "gradient" and model.degree == 0:
        return _isotropic if model.trace is not None else _local
    return _NOISES[model.noise] if model.form is None else _following


def _anisotropic(model: Sde, request: Request, increment: _Increment) -> Any:
    """Return the step with noise between isotropic and that of SGD's gradient, or of other eigenvectors."""
    from fastsde.kernels.steps import AnisotropicNoise, AnisotropicPopulation

    study = request.study
    p, samples, dt = parameter_count(study), sample_count(study), increment.dt
    size = math.sqrt(dt)
    if model.trace is None:
        size *= math.sqrt(study.time.learning_rate * batch_share(model, request.problem, samples))
    own: dict[str, Any] = {
        "along": math.sqrt(model.degree),
        "across": math.sqrt((1 - model.degree) / p),
        "turn": noise_turn(model, study),
    }
    fields = increment.fields(size * increment.stretch)
    if not request.finite:
        return AnisotropicPopulation(**fields, **own)
    return AnisotropicNoise(**fields, **own, level=model.trace or 0.0)


def _following(model: Sde, request: Request, increment: _Increment) -> Any:
    """Return the step with noise that follows the state."""
    from fastsde.kernels.steps import StateNoise

    shape = noise_shape(model, request.study, request.problem)
    amplitude = math.sqrt(increment.dt) * increment.stretch
    if model.noise == "gradient":
        amplitude *= model.noise_law.factor_of_sum(sample_count(request.study))
    return StateNoise(**increment.fields(amplitude), shape=shape, trace=model.trace or 0.0)


def _given(model: Sde, request: Request, increment: _Increment) -> Any:
    """Return the step with noise of the given covariance."""
    from fastsde.kernels.steps import GivenNoise

    assert model.covariance is not None
    diagonal, factor = (cast(request.study, part) for part in model.covariance.parts())
    amplitude = math.sqrt(increment.dt) * increment.stretch
    return GivenNoise(**increment.fields(amplitude), diagonal=diagonal, factor=factor)


def _gradient(model: Sde, request: Request, increment: _Increment) -> Any:
    """Return the step with noise of the covariance of SGD's gradient."""
    from fastsde.kernels.steps import EpochNoise, FiniteNoise, PopulationNoise

    samples, eta = sample_count(request.study), request.study.time.learning_rate
    if model.epoch_bridge:
        amplitude = math.sqrt(eta / increment.dt * samples / (samples - 1) / model.batch)
        return EpochNoise(True, increment.dt, amplitude, model.batch, model.substeps)
    share = batch_share(model, request.problem, samples)
    amplitude = math.sqrt(eta / increment.dt * share) * increment.stretch
    if not request.finite:
        return PopulationNoise(**increment.fields(amplitude))
    return FiniteNoise(**increment.fields(amplitude * model.noise_law.factor_of_sum(samples)))


def _local(model: Sde, request: Request, increment: _Increment) -> Any:
    """Return the step with the same noise in all directions, of the trace of SGD's at the current state."""
    from fastsde.kernels.steps import LocalIsotropic

    study = request.study
    share = batch_share(model, request.problem, sample_count(study))
    root = math.sqrt(study.time.learning_rate * increment.dt * share / parameter_count(study))
    return LocalIsotropic(**increment.fields(root * increment.stretch), finite=request.finite)


def _isotropic(model: Sde, request: Request, increment: _Increment) -> Any:
    """Return the step with the same noise in all directions, and note its temperature."""
    from fastsde.kernels.steps import Isotropic

    if model.match_at == "local":
        return _local(model, request, increment)
    study, problem, dt = request.study, request.problem, increment.dt
    temperature = model.temperature
    if model.trace is not None:
        temperature = model.trace / (2 * parameter_count(study))
    if temperature == "matched":
        temperature = matched_temperature(study, model, problem, request.start_key)
    assert isinstance(temperature, float | int)
    request.attributes["temperature"] = float(temperature)
    return Isotropic(**increment.fields(math.sqrt(2 * temperature * dt) * increment.stretch))


_NOISES: dict[str, Callable[[Sde, Request, _Increment], Any]] = {
    "given": _given,
    "gradient": _gradient,
    "isotropic": _isotropic,
}


def _noise_scale(
    model: Sde, step: Any, attributes: dict[str, float | int | str]
) -> dict[str, float | int | str]:
    """Return the scale of a model's noise per unit time, and what it multiplies.

    An increment over the time t is ``noise_scale t^(1/alpha)`` (alpha = 2 where the noise has a covariance)
    times what `noise_scale_of` says, and times the normal or stable numbers of the noise.
    """
    law, isotropic = model.noise_law, model.noise == "gradient" and model.degree == 0
    times_dt = model.has_gradient_noise and not isotropic and not model.mixed
    increment = step.amplitude * (step.dt if times_dt else 1.0)
    if model.mixed:
        level = f" (a batch of {model.batch})" if model.trace is None else ", scaled to trace 1"
        words = f"the square root of {model.covariance_words()}, C the covariance of one sample's gradient"
        words += level
        increment *= math.sqrt(model.trace or 1.0)
    elif model.form is not None and not isotropic:
        words = f"the square root of {model.form.equation.partition(' = ')[2]}"
    elif model.noise == "given":
        words = "the square root of the given covariance"
    elif model.noise == "gradient" and not isotropic:
        words = f"the square root of the covariance of one sample's gradient (a batch of {model.batch})"
    elif "temperature" not in attributes:
        words = f"the square root of the trace of the current gradient noise (a batch of {model.batch})"
    else:
        words = f"the identity: temperature {attributes['temperature']:.6g}"
        if model.matched:
            words += f", matched at the {model.match_at} to a batch of {model.batch}"
    if getattr(model, "epoch_bridge", None):
        words += ", over times short against an epoch"
    words += law.scale_words(model.batch_scaling == "stable")
    return {"noise_scale": float(increment / step.dt**law.time_exponent), "noise_scale_of": words}
