"""One step of each dynamics: a named tuple whose type chooses the step when the kernel is compiled.

Every step is ``theta <- theta - dt (grad L + noise)`` for one block; `step` returns a number a trajectory
that is finite exactly while the trajectory is. ``dense`` says whether the step needs the end-to-end product
first.
"""

import math
from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels.chain import chain_pair_step, chain_step
from fastsde.kernels.clock import stretch
from fastsde.kernels.components import add_law, fill_law
from fastsde.kernels.dln import deviation_square, full_residual, inner, push
from fastsde.kernels.lanes import any_lane, broadcast, fma, load, meet, scalar, select, share, store
from fastsde.kernels.minibatch import add_counts, choose, count_weights, gather
from fastsde.kernels.normal import add_normals
from fastsde.kernels.options import apart, choice, has_class, inlined, is_absent
from fastsde.kernels.philox import FACTOR, LABEL, NOISE
from fastsde.kernels.population import draw_fresh
from fastsde.kernels.residual import (
    finite_noise,
    gaussian_weights,
    noise_trace_finite,
    noise_trace_population,
    population_noise,
)

__all__ = [
    "Descent",
    "FiniteNoise",
    "FreshSgd",
    "GivenNoise",
    "Isotropic",
    "LabelNoiseSgd",
    "LocalIsotropic",
    "PopulationNoise",
    "SampleSgd",
    "Svag",
    "WeightSgd",
    "step",
]

OTHER_BATCH = 0x5BD1E995
"""Changes the key of the draws of SVAG's second batch."""


class Descent(NamedTuple):
    """Gradient descent."""

    dense: bool
    dt: float


class Isotropic(NamedTuple):
    """Langevin: isotropic noise of fixed standard deviation `amplitude` a step, stretched by the clock."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    clock: Any


class LocalIsotropic(NamedTuple):
    """Langevin whose variance follows the noise of SGD: `amplitude` times the root of the noise trace."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    finite: bool
    clock: Any


class FiniteNoise(NamedTuple):
    """Gradient noise of a finite data set."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    clock: Any


class PopulationNoise(NamedTuple):
    """Gradient noise of a population."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    clock: Any


class SampleSgd(NamedTuple):
    """SGD by chains over the samples of a mini-batch."""

    dense: bool
    dt: float
    batch: int
    sampling: int


class WeightSgd(NamedTuple):
    """SGD by weights of all samples, cheaper for large batches; the same algorithm as `SampleSgd`."""

    dense: bool
    dt: float
    batch: int
    sampling: int


class FreshSgd(NamedTuple):
    """SGD on fresh samples of a population."""

    dense: bool
    dt: float
    batch: int
    scale: float
    population: Any


class GivenNoise(NamedTuple):
    """Noise of a given constant covariance, ``amplitude^2 (diag(d)^2 + F F^T)`` a step."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    diagonal: Any  # (p,), or nothing of it: (0,)
    factor: Any  # (p, r), r = 0 for none
    clock: Any


class LabelNoiseSgd(NamedTuple):
    """SGD whose labels get fresh normal noise of standard deviation `label_sd` at every step."""

    dense: bool
    dt: float
    batch: int
    sampling: int
    label_sd: float


class Svag(NamedTuple):
    """Stochastic variance amplified gradient: two independent batches in one step (Li, Malladi, Arora 2021).

    The gradient is ``c1 g1 + c2 g2``, ``c1, c2 = (1 +- sqrt(2 l - 1)) / 2``: the mean of SGD's, l times its
    covariance. `inner` says how one batch is drawn and its gradient made.
    """

    dense: bool
    dt: float
    batch: int  # samples of both batches
    inner: Any  # `SampleSgd`, `WeightSgd` or `FreshSgd`
    first: float  # c1
    second: float  # c2


def kept_drift(m, net, data, tamed, dt, clock):
    """Return the factor of the drift: ``min(1, 1 / (dt |grad L|))`` where the drift is tamed, else 1.

    A bound of ``|grad L|`` by norms of the layers comes first; the gradient itself is made only where the
    bound is large. Tamed Euler (Hutzenthaler, Jentzen and Kloeden 2012) limits a step in the same way at
    large gradients; this form leaves ordinary steps untouched. Without a clock the factor is the number 1.
    """
    raise NotImplementedError("compiled only")


@choice(kept_drift)
def _kept_drift(m, net, data, tamed, dt, clock):
    if is_absent(clock):
        return lambda m, net, data, tamed, dt, clock: 1.0
    return lambda m, net, data, tamed, dt, clock: _tame(m, net, data, tamed, dt)


@apart
def _tame(m, net, data, tamed, dt):
    one = broadcast(m, 1.0)
    if not tamed:
        return one
    full_residual(m, net, data)
    total, others = one, broadcast(m, 0.0)
    for l in range(len(net.weight)):
        square = inner(m, net.weight[l], net.weight[l], net.widths[l] * net.widths[l + 1])
        others = others * square + total
        total = total * square
    size = net.widths[0] * net.widths[-1]
    bound = inner(m, net.residual, net.residual, size) * others * (dt * dt)
    large = bound > 1.0
    if not any_lane(large):
        return one
    push(m, net, net.gradient, None)
    square = inner(m, net.gradient[0], net.gradient[0], net.parameters) * (dt * dt)
    return select(large, select(square > 1.0, one / math.sqrt(square), one), one)


@inlined
def _noise_trace(m, net, data, finite):
    """Return the trace of one sample's gradient noise at the current point; leaves R in place."""
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    square = inner(m, net.gradient[0], net.gradient[0], net.parameters)
    if finite:
        return noise_trace_finite(m, net, data, square)
    return noise_trace_population(m, net, data, square)


def step(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    """Advance one block by step `number`; `first` says that `choice` holds nothing yet."""
    raise NotImplementedError("compiled only")


@choice(step, inline=True)
def _step(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    for tuple_class, implementation in STEPS.items():
        if has_class(dynamics, tuple_class):
            return implementation
    return None


def _descent(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    full_residual(m, net, data)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)


def _isotropic(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    full_residual(m, net, data)
    push(m, net, net.weight, keep * dynamics.dt)
    factor = stretch(m, dynamics.clock, counter, key) * dynamics.amplitude
    add_law(m, 0, net.parameters, factor, dynamics.clock, counter, key, NOISE)
    return deviation_square(m, net)


def _local_isotropic(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    trace = _noise_trace(m, net, data, dynamics.finite)
    local = math.sqrt(select(trace > 0.0, trace, 0.0)) * dynamics.amplitude
    push(m, net, net.weight, keep * dynamics.dt)
    factor = stretch(m, dynamics.clock, counter, key) * local
    add_law(m, 0, net.parameters, factor, dynamics.clock, counter, key, NOISE)
    return deviation_square(m, net)


def _finite_noise(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    amplitude = stretch(m, dynamics.clock, counter, key) * dynamics.amplitude
    gaussian_weights(m, net, data, keep, amplitude, dynamics.clock, counter, key)
    finite_noise(m, net, data)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)


def _population_noise(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    amplitude = stretch(m, dynamics.clock, counter, key) * dynamics.amplitude
    population_noise(m, net, data, keep, amplitude, dynamics.clock, counter, key)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)


def _sample_sgd(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    n = len(data.inputs)
    start, size = choose(
        dynamics.sampling, dynamics.batch, n, m, choice, number, first, trajectory, counter, key
    )
    gather(m, net, data, choice, start, size, 0, size)
    return chain_step(m, net, data.scale / scalar(m, size), size, dynamics.dt)


def _weight_sgd(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    n = len(data.inputs)
    start, size = choose(
        dynamics.sampling, dynamics.batch, n, m, choice, number, first, trajectory, counter, key
    )
    count_weights(m, net, data, choice, start, size)
    finite_noise(m, net, data)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)


def _fresh_sgd(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    draw_fresh(m, net, dynamics.population, dynamics.batch, counter, key)
    return chain_step(m, net, dynamics.scale / scalar(m, dynamics.batch), dynamics.batch, dynamics.dt)


def _given_noise(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    full_residual(m, net, data)
    push(m, net, net.weight, keep * dynamics.dt)
    factor = broadcast(m, dynamics.amplitude) * stretch(m, dynamics.clock, counter, key)
    _add_shaped(m, net, dynamics.diagonal, dynamics.factor, factor, dynamics.clock, counter, key)
    return deviation_square(m, net)


@apart
def _add_shaped(m, net, diagonal, columns, factor, clock, counter, key):
    """Add ``factor (d z + F y)``, z and y of the law of components."""
    p, rank = columns.shape
    if len(diagonal) > 0:
        fill_law(m, net.unit, p, clock, counter, key, NOISE)
        for k in share(m, p):
            store(m, k, fma(load(m, net.unit + k), factor * diagonal[k], load(m, k)))
        meet(m)
    if rank > 0:
        fill_law(m, net.unit, rank, clock, counter, key, FACTOR)
        for k in share(m, p):
            total = broadcast(m, 0.0)
            for r in range(rank):
                total = fma(load(m, net.unit + r), columns[k, r], total)
            store(m, k, fma(total, factor, load(m, k)))
        meet(m)


def _label_noise_sgd(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    n = len(data.inputs)
    start, size = choose(
        dynamics.sampling, dynamics.batch, n, m, choice, number, first, trajectory, counter, key
    )
    gather(m, net, data, choice, start, size, 0, size)
    add_normals(m, net.error, net.widths[-1] * size, dynamics.label_sd, counter, key, LABEL)
    return chain_step(m, net, data.scale / scalar(m, size), size, dynamics.dt)


def two_batches(dynamics, pair, m, choice, net, data, number, first, trajectory, counter, key):
    """Advance one block by the step `pair` of SVAG, each batch of which is drawn as `dynamics` says."""
    raise NotImplementedError("compiled only")


@choice(two_batches, inline=True)
def _two_batches(dynamics, pair, m, choice, net, data, number, first, trajectory, counter, key):
    kinds = {SampleSgd: _sample_pair, WeightSgd: _weight_pair, FreshSgd: _fresh_pair}
    return next((step for kind, step in kinds.items() if has_class(dynamics, kind)), None)


def _svag(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    return two_batches(
        dynamics.inner, dynamics, m, choice, net, data, number, first, trajectory, counter, key
    )


def _sample_pair(dynamics, pair, m, choice, net, data, number, first, trajectory, counter, key):
    n, batch = len(data.inputs), dynamics.batch
    other = (key[0] ^ uint64(OTHER_BATCH), key[1])
    start, _ = choose(dynamics.sampling, batch, n, m, choice, number, first, trajectory, counter, key)
    gather(m, net, data, choice, start, batch, 0, 2 * batch)
    start, _ = choose(dynamics.sampling, batch, n, m, choice, number, first, trajectory, counter, other)
    gather(m, net, data, choice, start, batch, batch, 2 * batch)
    scale = data.scale / scalar(m, batch)
    return chain_pair_step(m, net, scale * pair.first, scale * pair.second, batch, pair.dt)


def _fresh_pair(dynamics, pair, m, choice, net, data, number, first, trajectory, counter, key):
    draw_fresh(m, net, dynamics.population, 2 * dynamics.batch, counter, key)
    scale = dynamics.scale / scalar(m, dynamics.batch)
    return chain_pair_step(m, net, scale * pair.first, scale * pair.second, dynamics.batch, pair.dt)


def _weight_pair(dynamics, pair, m, choice, net, data, number, first, trajectory, counter, key):
    n, batch = len(data.inputs), dynamics.batch
    other = (key[0] ^ uint64(OTHER_BATCH), key[1])
    start, size = choose(dynamics.sampling, batch, n, m, choice, number, first, trajectory, counter, other)
    count_weights(m, net, data, choice, start, size)
    for i in share(m, n):
        store(m, net.weights + i, load(m, net.weights + i) * (pair.second / pair.first))
    meet(m)
    start, size = choose(dynamics.sampling, batch, n, m, choice, number, first, trajectory, counter, key)
    add_counts(m, net, data, choice, start, size)
    for i in share(m, n):
        store(m, net.weights + i, load(m, net.weights + i) * pair.first)
    meet(m)
    finite_noise(m, net, data)
    push(m, net, net.weight, pair.dt)
    return deviation_square(m, net)


STEPS: dict[Any, Any] = {
    Descent: _descent,
    Isotropic: _isotropic,
    LocalIsotropic: _local_isotropic,
    FiniteNoise: _finite_noise,
    PopulationNoise: _population_noise,
    SampleSgd: _sample_sgd,
    WeightSgd: _weight_sgd,
    FreshSgd: _fresh_sgd,
    GivenNoise: _given_noise,
    LabelNoiseSgd: _label_noise_sgd,
    Svag: _svag,
}
