"""Refinements of a step: steps around a step, each of which composes with every other.

A refinement holds an `inner` step and changes what it is given or what it leaves: `Scheduled` its learning
rate, `Drifted` adds drift at the point it starts from, `Momentum` remembers where it went, `Subordinated`
says when it is taken at all. What they carry from step to step stands behind the parameters and belongs to
the state.
"""

import math
from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels.central import central_drift
from fastsde.kernels.dln import deviate, deviation_square, full_residual, inner, product, push
from fastsde.kernels.elementary import exp64
from fastsde.kernels.lanes import broadcast, fma, lane_width, like, load, meet, scalar, select, share, store
from fastsde.kernels.options import apart, choice, has_class, in_double, inlined, kernel
from fastsde.kernels.philox import WAIT, philox
from fastsde.kernels.probe import hold_point, probe, return_to_hold
from fastsde.kernels.stable import log_positive_stable
from fastsde.kernels.steps import (
    STEPS,
    Descent,
    FiniteNoise,
    FreshSgd,
    GivenNoise,
    Isotropic,
    LabelNoiseSgd,
    LocalIsotropic,
    PopulationNoise,
    SampleSgd,
    Svag,
    WeightSgd,
    step,
)

__all__ = [
    "CONSTANT",
    "COSINE",
    "STAIRS",
    "Drifted",
    "Momentum",
    "Schedule",
    "Scheduled",
    "Subordinated",
    "rate_factor",
    "step",
]

CONSTANT, STAIRS, COSINE = range(3)


class Schedule(NamedTuple):
    """Learning rate as a share of the nominal one, a function of the learning-rate step."""

    kind: int
    warm: int  # steps of linear warm-up
    every: int  # stairs: steps between two drops
    drop: float
    total: int  # cosine: the step at which `final` is reached
    final: float
    substeps: int  # integrator steps in a learning-rate step


class Scheduled(NamedTuple):
    """A step whose learning rate follows a schedule: drift by f, constant noise by ``f^power``."""

    dense: bool
    dt: float
    inner: Any
    schedule: Schedule
    power: float


class Momentum(NamedTuple):
    """Heavy ball (Polyak 1964), or Nesterov's form: ``v <- mu v + g``, ``theta <- theta - dt v``.

    g is what the inner step goes, over ``-dt``; v is carried.
    """

    dense: bool
    dt: float
    inner: Any
    mu: float
    nesterov: bool


class Drifted(NamedTuple):
    """A step with drift beside the gradient: ``-(decay theta + J grad U + second H grad U + central)``.

    ``U = L + decay |theta|^2 / 2``. J is given by entries; `nodes` and `odd` are those of a directional
    derivative (`fastsde.kernels.probe`).
    """

    dense: bool
    dt: float
    inner: Any
    tamed: bool
    decay: float
    rows: Any  # (entries,) of J
    columns: Any
    values: Any
    second: float
    nodes: Any
    odd: Any
    central: Any


class Subordinated(NamedTuple):
    """Steps taken at the events of an inverse stable subordinator: waits ``exp(log_wait) A``, in steps.

    The time of the next event is carried as two numbers, whose sum has the precision of ``float64`` or twice
    that of ``float32``. After `most` events a step ends, and the next one goes on with those that are due: a
    bound on the time that a step can take, which `fastsde.integrate.refinements` sets where it is never
    reached.
    """

    dense: bool
    dt: float
    inner: Any
    beta: float
    log_wait: float
    most: int


@inlined
@in_double
def rate_factor(schedule, number):
    """Return the learning rate at integrator step `number` as a share of the nominal one."""
    k = number // schedule.substeps
    if k < schedule.warm:
        return (k + 1.0) / (schedule.warm + 1.0)
    k -= schedule.warm
    if schedule.kind == STAIRS:
        return schedule.drop ** (k // schedule.every)
    if schedule.kind == COSINE:
        length = max(schedule.total - schedule.warm, 1)
        share = 0.5 * (1.0 + math.cos(math.pi * min(k / length, 1.0)))
        return schedule.final + (1.0 - schedule.final) * share
    return 1.0


def rescaled(dynamics, f, noise):
    """Return a step with its learning rate times `f`, noise of constant size times `noise`."""
    raise NotImplementedError("compiled only")


@choice(rescaled)
def _rescaled(dynamics, f, noise):
    def descent(dynamics, f, noise):
        return Descent(dynamics.dense, dynamics.dt * f)

    def isotropic(dynamics, f, noise):
        d = dynamics
        return Isotropic(d.dense, d.dt * f, d.amplitude * noise, d.tamed, d.clock)

    def local(dynamics, f, noise):
        d = dynamics
        return LocalIsotropic(d.dense, d.dt * f, d.amplitude * f, d.tamed, d.finite, d.clock)

    def finite(dynamics, f, noise):
        d = dynamics
        return FiniteNoise(d.dense, d.dt * f, d.amplitude, d.tamed, d.clock)

    def population(dynamics, f, noise):
        d = dynamics
        return PopulationNoise(d.dense, d.dt * f, d.amplitude, d.tamed, d.clock)

    def given(dynamics, f, noise):
        d = dynamics
        return GivenNoise(d.dense, d.dt * f, d.amplitude * noise, d.tamed, d.diagonal, d.factor, d.clock)

    def samples(dynamics, f, noise):
        d = dynamics
        return SampleSgd(d.dense, d.dt * f, d.batch, d.sampling)

    def weights(dynamics, f, noise):
        d = dynamics
        return WeightSgd(d.dense, d.dt * f, d.batch, d.sampling)

    def fresh(dynamics, f, noise):
        d = dynamics
        return FreshSgd(d.dense, d.dt * f, d.batch, d.scale, d.population)

    def label_noise(dynamics, f, noise):
        d = dynamics
        return LabelNoiseSgd(d.dense, d.dt * f, d.batch, d.sampling, d.label_sd)

    def svag(dynamics, f, noise):
        d = dynamics
        return Svag(d.dense, d.dt * f, d.batch, d.inner, d.first, d.second)

    def drifted(dynamics, f, noise):
        d = dynamics
        return Drifted(
            d.dense, d.dt * f, rescaled(d.inner, f, noise), d.tamed, d.decay, d.rows, d.columns, d.values,
            d.second * f, d.nodes, d.odd, d.central,
        )  # fmt: skip

    def momentum(dynamics, f, noise):
        d = dynamics
        return Momentum(d.dense, d.dt * f, rescaled(d.inner, f, noise), d.mu, d.nesterov)

    kinds = {
        Descent: descent,
        Isotropic: isotropic,
        LocalIsotropic: local,
        FiniteNoise: finite,
        PopulationNoise: population,
        GivenNoise: given,
        SampleSgd: samples,
        WeightSgd: weights,
        FreshSgd: fresh,
        LabelNoiseSgd: label_noise,
        Svag: svag,
        Drifted: drifted,
        Momentum: momentum,
    }
    return next((made for kind, made in kinds.items() if has_class(dynamics, kind)), None)


def _scheduled(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    f = scalar(m, rate_factor(dynamics.schedule, number))
    now = rescaled(dynamics.inner, f, f**dynamics.power)
    return step(now, m, choice, net, data, number, first, trajectory, counter, key)


def _momentum(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    for k in share(m, net.parameters):
        store(m, net.kept + k, load(m, k))
    meet(m)
    finite = step(dynamics.inner, m, choice, net, data, number, first, trajectory, counter, key)
    _remember(m, net, dynamics.dt, dynamics.mu, dynamics.nesterov)
    return finite


@apart
def _remember(m, net, dt, mu, nesterov):
    """Turn the step from `kept` to the point into one with momentum."""
    for k in share(m, net.parameters):
        before, at = load(m, net.kept + k), net.carried + k
        gradient = (before - load(m, k)) * (1.0 / dt)
        velocity = fma(load(m, at), broadcast(m, mu), gradient)
        store(m, at, velocity)
        if nesterov:
            velocity = fma(velocity, broadcast(m, mu), gradient)
        store(m, k, fma(velocity, broadcast(m, -dt), before))
    meet(m)


def _drifted(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    _extra_drift(
        m, net, data, dynamics.decay, dynamics.rows, dynamics.columns, dynamics.values, dynamics.second,
        dynamics.nodes, dynamics.odd, dynamics.central, number, counter, key,
    )  # fmt: skip
    finite = step(dynamics.inner, m, choice, net, data, number, first, trajectory, counter, key)
    _add_drift(m, net, dynamics.dt, dynamics.tamed)
    return finite


@apart
def _add_drift(m, net, dt, tamed):
    factor = broadcast(m, dt)
    if tamed:
        size = math.sqrt(inner(m, net.extra, net.extra, net.parameters)) * dt
        factor = select(size > 1.0, factor / size, factor)
    for k in range(net.parameters):
        store(m, k, load(m, k) - factor * load(m, net.extra + k))


@apart
def _extra_drift(
    m, net, data, decay, rows, columns, values, second, nodes, odd, central, number, counter, key
):
    """Write the drift beside the gradient to `extra`; point, product and deviation are left as found."""
    p = net.parameters
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    gradient = net.gradient[0]
    for k in range(p):
        part = load(m, k) * decay
        store(m, net.extra + k, part)
        store(m, net.along + k, load(m, gradient + k) + part)
    for e in range(len(values)):
        at = net.extra + rows[e]
        store(m, at, fma(load(m, net.along + columns[e]), values[e], load(m, at)))
    if second > 0.0:
        _second_order(m, net, data, decay, second, nodes, odd)
    central_drift(m, net, data, central, number, counter, key)


@kernel
def _second_order(m, net, data, decay, second, nodes, odd):
    """Add ``second H grad U`` to `extra`, the gradient of U standing in `along`."""
    p = net.parameters
    size = math.sqrt(inner(m, net.along, net.along, p))
    shrink = select(size > 0.0, 1.0 / size, 0.0)
    for k in range(p):
        direction = load(m, net.along + k)
        store(m, net.extra + k, fma(direction, broadcast(m, second * decay), load(m, net.extra + k)))
        store(m, net.along + k, direction * shrink)
    hold_point(m, net)
    for j in range(len(nodes)):
        probe(m, net, data, nodes[j])
        factor = size * (second * odd[j])
        for k in range(p):
            at = net.extra + k
            store(m, at, fma(load(m, net.gradient[0] + k), factor, load(m, at)))
        probe(m, net, data, -nodes[j])
        for k in range(p):
            at = net.extra + k
            store(m, at, load(m, at) - factor * load(m, net.gradient[0] + k))
    return_to_hold(m, net, data)


def _subordinated(dynamics, m, choice, net, data, number, first, trajectory, counter, key):
    if number == 0:
        _wait(m, net, dynamics.beta, dynamics.log_wait, counter, (key[0], key[1] ^ uint64(0xFFFFFFFF)), True)
    finite = deviation_square(m, net)
    for event in range(dynamics.most):
        if not _due(m, net, number):
            break
        apart_key = (key[0] ^ uint64(event), key[1])
        for k in range(net.parameters):
            store(m, net.kept + k, load(m, k))
        product(m, net)
        deviate(m, net, data)
        finite = finite + step(
            dynamics.inner, m, choice, net, data, number, first, trajectory, counter, apart_key
        )
        _keep_waiting(m, net)
        _wait(m, net, dynamics.beta, dynamics.log_wait, counter, apart_key, False)
    return finite


@kernel
@in_double
def _due(m, net, number):
    """Mark the lanes whose next event falls before the end of step `number`; return whether there is one."""
    width = lane_width(m)
    found = False
    for v in range(width):
        time = float(m[net.carried * width + v]) + float(m[(net.carried + 1) * width + v])
        due = time <= number + 1.0
        found = found or due
        m[net.unit * width + v] = 1.0 if due else 0.0
    return found


@kernel
def _keep_waiting(m, net):
    """Put back the lanes that were not due."""
    due = load(m, net.unit) > 0.5
    for k in range(net.parameters):
        store(m, k, select(due, load(m, k), load(m, net.kept + k)))


@apart
@in_double
def _wait(m, net, beta, log_wait, counter, key, everyone):
    """Draw the wait until the next event of the lanes that were due."""
    width = lane_width(m)
    c1, c2, c3 = counter[0], counter[1], counter[2] ^ uint64(WAIT)
    w0, w1, w2, w3 = philox(uint64(0), c1, c2, c3, key[0], key[1])
    store(m, net.unit + 1, like(m, exp64(log_positive_stable(beta, w0, w1, w2, w3) + log_wait)))
    high, low = net.carried * width, (net.carried + 1) * width
    for v in range(width):
        if everyone or m[net.unit * width + v] > 0.5:
            time = float(m[high + v]) + float(m[low + v]) + min(float(m[(net.unit + 1) * width + v]), 1e30)
            m[high + v] = time
            m[low + v] = time - float(m[high + v])


STEPS.update({Scheduled: _scheduled, Momentum: _momentum, Drifted: _drifted, Subordinated: _subordinated})
