"""From a study's words to a kernel's numbers: what each model is to the compiled code."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.dynamics import GradientDescent, Sde, Sgd
from fastsde.network import DeepLinearNetwork
from fastsde.start import balanced_factors, start_points

if TYPE_CHECKING:
    from fastsde.data import Problem
    from fastsde.dynamics import Model
    from fastsde.study import Study

__all__ = ["Lowered", "batch_share", "goes_by_samples", "lower", "matched_temperature", "philox_key"]

START_SAMPLE = 256
"""Starting points over which a temperature matched at the start is averaged."""
ACCEPTABLE = 0.7
"""Largest ``rate / a`` of a piece of a tempered increment: half of the draws or more are accepted."""


@dataclass(frozen=True)
class Lowered:
    """A model as the kernels take it.

    Parameters
    ----------
    network, data, dynamics, events
        Named tuples of `fastsde.kernels`.
    key, start_key : tuple of two uint64
        Philox keys of the model's draws and of its starting points.
    choice : int
        Rows of sample indices that a block needs.
    trace : int
        Which formula gives the noise trace.
    attributes : dict
        What is worth knowing afterwards: dt, substeps, temperature, ...
    """

    network: Any
    data: Any
    dynamics: Any
    events: Any
    key: tuple[np.uint64, np.uint64]
    start_key: tuple[np.uint64, np.uint64]
    choice: int
    trace: int
    attributes: dict[str, float | int | str]


def philox_key(seed: int, name: str) -> tuple[np.uint64, np.uint64]:
    """Return the two 32-bit words of the Philox key of a seed and a name.

    Examples
    --------
    >>> philox_key(0, "sgd") == philox_key(0, "sgd") != philox_key(1, "sgd")
    True
    """
    words = np.frombuffer(hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest(), "<u4")
    return np.uint64(words[0]), np.uint64(words[1])


def lower(study: Study, name: str, problem: Problem) -> Lowered:
    """Translate one model of a study for the kernels.

    Parameters
    ----------
    study : Study
    name : str
        Name of the model.
    problem : Problem
        The study's problem (`fastsde.data.build_problem`).
    """
    from fastsde.kernels.observe import FINITE_TRACE, NO_TRACE, POPULATION_TRACE

    model = study.models[name]
    finite = problem.inputs is not None
    samples = 0 if problem.inputs is None else len(problem.inputs)
    key = philox_key(study.seed, f"model {name}")
    start_key = philox_key(study.seed, "start") if study.start == "paired" else key
    attributes: dict[str, float | int | str] = {
        "dt": model.dt(study.time.learning_rate),
        "substeps": model.substeps,
        "kind": model.kind,
        "summary": model.summary(),
    }
    dynamics = _dynamics(study, model, problem, start_key, attributes)
    batch = 1 if dynamics.dense else dynamics.batch  # only chains hold the samples of a batch
    exists = finite or (math.isfinite(problem.noise_sd) and math.isfinite(problem.t2))
    return Lowered(
        network=_network(study, samples, batch),
        data=_data(study, problem),
        dynamics=dynamics,
        events=_events(study, problem),
        key=key,
        start_key=start_key,
        choice=max(samples, getattr(model, "batch", 1)) + 1,
        trace=FINITE_TRACE if finite else POPULATION_TRACE if exists else NO_TRACE,
        attributes=attributes,
    )


def _network(study: Study, samples: int, batch: int) -> Any:
    from fastsde.kernels.layout import plan_network

    return plan_network(study.network.widths, samples, batch)


def _cast(study: Study, array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=study.dtype)


def _data(study: Study, problem: Problem) -> Any:
    from fastsde.kernels.layout import Data

    d_out, d_in = problem.optimum.shape
    inputs = np.empty((0, d_in)) if problem.inputs is None else problem.inputs
    labels = np.empty((0, d_out)) if problem.labels is None else problem.labels
    return Data(
        inputs=_cast(study, inputs),
        labels=_cast(study, labels),
        rows=_cast(study, np.pad(np.hstack([inputs, labels]), ((0, 0), (0, -(d_in + d_out) % 4)))),
        noise=_cast(study, labels - inputs @ problem.optimum.T),
        optimum=_cast(study, problem.optimum),
        covariance=_cast(study, problem.covariance),
        factor=_cast(study, problem.factor),
        factor_transposed=_cast(study, problem.factor.T),
        white=problem.white,
        scale=problem.loss_scale,
        floor=problem.optimum_loss if math.isfinite(problem.optimum_loss) else 0.0,
        label_sd=problem.noise_sd if math.isfinite(problem.noise_sd) else 0.0,
        spread=problem.t2 if math.isfinite(problem.t2) else 1.0,
    )


def _events(study: Study, problem: Problem) -> Any:
    from fastsde.kernels.layout import Events

    strength = np.where(problem.mode_strength > 0, problem.mode_strength, np.inf)
    fractions = np.array(study.events.mode_learned, dtype=float).reshape(-1, 1)
    return Events(
        every=study.events.every,
        levels=_cast(study, np.array(study.events.loss_below, dtype=float)),
        thresholds=_cast(study, fractions * strength),
        left=_cast(study, problem.mode_left.T),
        right=_cast(study, problem.mode_right.T),
    )


def _dynamics(
    study: Study,
    model: Model,
    problem: Problem,
    start_key: tuple[np.uint64, np.uint64],
    attributes: dict[str, float | int | str],
) -> Any:
    from fastsde.kernels import steps

    if isinstance(model, GradientDescent):
        return steps.Descent(dense=True, dt=model.dt(study.time.learning_rate))
    if isinstance(model, Sgd):
        return _sgd(study, model, problem)
    eta, dt = study.time.learning_rate, model.dt(study.time.learning_rate)
    clock = _clock(model, dt)
    tamed = model.alpha < 2 and model.substeps > 1
    stable_power = 0.0 if clock is None or model.tempering is not None else 1 / model.alpha - 0.5
    stretch = (dt / eta) ** stable_power
    share = batch_share(model, problem)
    finite = problem.inputs is not None
    if model.noise == "gradient":
        kind = steps.FiniteNoise if finite else steps.PopulationNoise
        amplitude = math.sqrt(eta / dt * share) * stretch
        return kind(dense=True, dt=dt, amplitude=amplitude, tamed=tamed, clock=clock)
    if model.match_at == "local":
        parameters = DeepLinearNetwork(study.network.widths, problem.loss_scale).size
        amplitude = math.sqrt(eta * dt * share / parameters) * stretch
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


def batch_share(model: Sde | Sgd, problem: Problem) -> float:
    """Return the covariance of a batch's mean gradient as a share of one sample's covariance."""
    if problem.inputs is None or model.sampling == "replacement":
        return 1.0 / model.batch
    n = len(problem.inputs)
    return (n - model.batch) / (n - 1) / model.batch if n > 1 else 0.0


def _clock(model: Sde, dt: float) -> Any:
    from fastsde.kernels.clock import Stable, Tempered

    if model.alpha == 2:
        return None
    a = model.alpha / 2
    if model.tempering is None:
        return Stable(a=a)
    rate = model.tempering * dt
    pieces = max(1, math.ceil(rate / a / ACCEPTABLE))
    return Tempered(a=a, log_scale=math.log(rate / pieces / a) / a, pieces=pieces, rate=rate)


def _sgd(study: Study, model: Sgd, problem: Problem) -> Any:
    from fastsde.kernels import steps
    from fastsde.kernels.minibatch import DISTINCT, EPOCH, REPLACING

    dt = study.time.learning_rate
    if model.sampling == "fresh":
        return steps.FreshSgd(
            dense=False,
            dt=dt,
            batch=model.batch,
            scale=problem.loss_scale,
            population=_population(study, problem),
        )
    assert problem.inputs is not None
    codes = {"epoch": EPOCH, "without-replacement": DISTINCT, "replacement": REPLACING}
    kind = steps.SampleSgd if goes_by_samples(study, model, problem) else steps.WeightSgd
    return kind(dense=kind is steps.WeightSgd, dt=dt, batch=model.batch, sampling=codes[model.sampling])


def goes_by_samples(study: Study, model: Sgd, problem: Problem) -> bool:
    """Say whether SGD is cheaper by chains over a batch's samples than by weights of the whole data set.

    Multiply-adds of a step: ``3 B p`` against ``3 d_in p + 2 n d_in d_out``. Fresh samples have no other way.
    """
    if problem.inputs is None:
        return True
    samples, d_in = problem.inputs.shape
    parameters = DeepLinearNetwork(study.network.widths, problem.loss_scale).size
    weights = 3 * d_in * parameters + 2 * samples * problem.optimum.size
    return bool(3 * model.batch * parameters <= weights)


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
        factor=_cast(study, problem.factor),
        teacher=_cast(study, problem.teacher),
    )


def matched_temperature(
    study: Study, model: Sde, problem: Problem, start_key: tuple[np.uint64, np.uint64]
) -> float:
    """Return the temperature at which isotropic noise has the trace of SGD's at a reference point.

    ``2 T p = eta tr Cov(gradient of a batch)``, p the number of parameters. The point is the balanced
    factorisation of the optimum (``match_at = "minimum"``), or the mean over the first 256 starting points
    (``"start"``).
    """
    network = DeepLinearNetwork(study.network.widths, problem.loss_scale)
    if model.match_at == "start":
        from fastsde.kernels.cpu import standard_normals

        normals = standard_normals(network.size, 0, START_SAMPLE, start_key, np.float64)
        points = start_points(normals, study.network.init, study.network.widths)
    else:
        hidden = [np.eye(width) for width in study.network.widths[1:-1]]
        points = network.pack([np.asarray(w) for w in balanced_factors(problem.optimum, hidden)])
    trace = float(np.mean(network.noise_trace(np.asarray(points, dtype=np.float64), problem)))
    return study.time.learning_rate * trace * batch_share(model, problem) / (2 * network.size)
