"""From a study's words to a kernel's numbers: what each model is to the compiled code."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.refinements import (
    carried_numbers,
    central_directions,
    is_refined,
    quiet_step,
    refined_step,
)
from fastsde.problem.initial_points import balanced_factors, landscape_points, start_points
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.dimensions import dimension_sizes
from fastsde.study.landscapes import Numbers, User
from fastsde.study.models import GradientDescent, Sde, Sgd, Svag

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = [
    "Lowered",
    "batch_share",
    "goes_by_samples",
    "lower",
    "matched_temperature",
    "philox_key",
]

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
    quiet
        The dynamics without its noise.
    passages : int
        First passages that are looked for.
    carried : int
        Numbers beside the parameters that a trajectory carries from step to step.
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
    quiet: Any
    passages: int
    carried: int
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
    key = philox_key(study.seed, _stream(study, name))
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
    events = _events(study, problem)
    exists = finite or (math.isfinite(problem.noise_sd) and math.isfinite(problem.t2))
    trace = FINITE_TRACE if finite else POPULATION_TRACE if exists else NO_TRACE
    if numbers is not None and not samples:
        trace = NO_TRACE
    return Lowered(
        network=_network(study, model, samples, batch),
        data=_data(study, problem) if numbers is None else surface(study, numbers),
        dynamics=dynamics,
        events=events,
        key=key,
        start_key=start_key,
        choice=max(samples, getattr(model, "batch", 1)) + 1,
        trace=trace,
        quiet=quiet_step(study, model, inner),
        passages=dimension_sizes(study, 1)["passage"],
        carried=carried_numbers(study, model, parameter_count(study)),
        attributes=attributes,
    )


def _stream(study: Study, name: str) -> str:
    """Return the name of a model's random stream; what starts from states must not repeat their noise."""
    origin = None if study.network is None else study.network.init.origin
    return f"model {name}" if origin is None else f"model {name} from {origin}"


def parameter_count(study: Study) -> int:
    """Return the number of parameters p, or of a landscape's coordinates."""
    return sum(a * b for a, b in pairwise(study.widths))


def _network(study: Study, model: Model, samples: int, batch: int) -> Any:
    from fastsde.kernels.central import central_room
    from fastsde.kernels.layout import plan_network

    size, directions = parameter_count(study), central_directions(model)
    carried = carried_numbers(study, model, size)
    central = central_room(size, directions) if directions else 0
    return plan_network(study.widths, samples, batch, carried, is_refined(study, model), central)


def surface(study: Study, numbers: Numbers) -> Any:
    """Return a landscape as the kernels take it."""
    from fastsde.kernels.surface import KINDS, Surface
    from fastsde.problem.user import address_of

    landscape = study.landscape
    assert landscape is not None
    return Surface(
        kind=KINDS.index(landscape.code),
        inputs=_cast(study, numbers.inputs),
        labels=_cast(study, numbers.labels),
        table=_cast(study, numbers.table),
        vector=_cast(study, numbers.vector),
        optimum=_cast(study, landscape.middle()[:, None]),
        scale=1.0,
        floor=0.0,
        address=address_of(landscape.function, study.places()) if isinstance(landscape, User) else 0,
    )


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
    intervals = study.events.intervals or ()
    ends = np.array([one.ends for one in intervals], dtype=float).reshape(-1, 2)
    watched = np.array([(one.mode - 1, one.outside is not None) for one in intervals], dtype=np.int64)
    watched = watched.reshape(-1, 2)
    return Events(
        every=study.events.every,
        levels=_cast(study, np.array(study.events.loss_below, dtype=float)),
        thresholds=_cast(study, fractions * strength),
        left=_cast(study, problem.mode_left.T),
        right=_cast(study, problem.mode_right.T),
        radii=np.array(study.events.radii, dtype=float),
        intervals=_cast(study, ends * _strength_of(problem, watched)),
        watched=watched,
    )


def _strength_of(problem: Problem, watched: NDArray[np.int64]) -> NDArray[Any]:
    """Return the strength of each watched mode, (intervals, 1); NaN, which nothing passes, if none."""
    strength = problem.mode_strength[watched[:, 0]]
    return np.where(strength > 0, strength, np.nan)[:, None]


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
            diagonal=_cast(study, diagonal),
            factor=_cast(study, factor),
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


def sample_count(study: Study, problem: Problem) -> int:
    """Return how many samples the training loss is a mean of; 0 for a population or none."""
    if study.landscape is not None:
        return len(study.landscape.numbers().inputs)
    return 0 if problem.inputs is None else len(problem.inputs)


def batch_share(model: Sde | Sgd | Svag, problem: Problem, samples: int | None = None) -> float:
    """Return the covariance of a batch's mean gradient as a share of one sample's covariance."""
    n = samples if samples is not None else 0 if problem.inputs is None else len(problem.inputs)
    if n == 0 or model.sampling == "replacement":
        return 1.0 / model.batch
    return (n - model.batch) / (n - 1) / model.batch if n > 1 else 0.0


def _clock(model: Sde, dt: float) -> Any:
    from fastsde.kernels.clock import Jumps, Stable, Tempered, Truncated
    from fastsde.kernels.components import Components

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


def goes_by_samples(study: Study, model: Sgd | Svag, problem: Problem) -> bool:
    """Say whether SGD is cheaper by chains over a step's samples than by weights of the whole data set.

    Multiply-adds of a step of B samples: ``3 B p`` against ``3 d_in p + 2 n d_in d_out``. Fresh samples have
    no other way.
    """
    if problem.inputs is None:
        return True
    samples, d_in = problem.inputs.shape
    parameters = DeepLinearNetwork(study.network.widths, problem.loss_scale).size
    weights = 3 * d_in * parameters + 2 * samples * problem.optimum.size
    return bool(3 * model.samples_per_step * parameters <= weights)


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
    if study.landscape is not None:
        trace = _landscape_trace(study, start_key)
        share = batch_share(model, problem, sample_count(study, problem))
        return study.time.learning_rate * trace * share / (2 * parameter_count(study))
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


def _landscape_trace(study: Study, start_key: tuple[np.uint64, np.uint64]) -> float:
    """Return the mean trace of one sample's noise over the first 256 starting points of a landscape."""
    from fastsde.kernels.cpu import aligned, standard_normals, to_lanes
    from fastsde.kernels.lanes import lane_count
    from fastsde.kernels.layout import plan_network
    from fastsde.kernels.observe import FINITE_TRACE, measurement_columns, observe

    assert study.landscape is not None
    numbers = study.landscape.numbers()
    size = parameter_count(study)
    normals = standard_normals(size, 0, START_SAMPLE, start_key, study.dtype)
    state = to_lanes(landscape_points(normals, study.landscape))
    network = plan_network(study.widths, len(numbers.inputs), 1)
    lanes = lane_count(study.dtype)
    columns = measurement_columns(network.widths)
    out = np.empty((len(state) * lanes, columns.count), study.dtype)
    memory = aligned(network.size * lanes, study.dtype)
    observe(state, memory, network, surface(study, numbers), FINITE_TRACE, out)
    return float(out[:START_SAMPLE, columns.noise_trace].astype(np.float64).mean())
