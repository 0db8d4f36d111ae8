"""The central flow of gradient descent at the edge of stability (Cohen, Damian, Talwalkar, Kolter, Lee 2025).

Where eigenvalues of the Hessian reach ``2 / eta``, gradient descent oscillates along their vectors U and its
time average follows ``-grad [L + 1/2 <H, Sigma>]``, ``Sigma = U X U^T``. With ``G_ij = D^3 L[u_i, u_j, .]``
and a step of time h, X is the solution of ``0 <= X`` perpendicular to ``alpha + beta[X] >= 0`` (positive
semidefinite order), ``alpha = 2/eta - U^T H U + h <G_ij, grad L>`` and
``beta[X]_ij = h/2 sum <G_ij, G_kl> X_kl``.
"""

import math
from typing import Any, NamedTuple

from fastsde.kernels.dln import full_residual, inner_product, push
from fastsde.kernels.jacobi import rotate
from fastsde.kernels.lanes import broadcast, fma, load, scalar, select, store
from fastsde.kernels.moment import rekeyed
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import choice, is_absent, kernel, never_inlined
from fastsde.kernels.philox import WAIT
from fastsde.kernels.probe import hold_state, probe, return_to_hold

__all__ = ["Central", "central_drift", "central_room", "solve_complementarity"]

FIRST_ITERATIONS = 40
SOLVER_ITERATIONS = 200
SWEEPS = 5


class Central(NamedTuple):
    """Directions followed, the step h, the learning rate, and weights of the directional derivatives."""

    directions: int
    dt: float
    rate: float
    iterations: int  # of the subspace, a step
    nodes: Any
    odd: Any  # first derivative
    far: Any
    even: Any  # half of the second derivative


def central_room(parameters, directions):
    """Return the lane vectors of memory that `directions` directions need."""
    pairs = directions * (directions + 1) // 2
    return parameters * (1 + directions + pairs) + pairs * pairs + 8 * directions * directions + 4


def central_drift(m, net, data, central, moment):
    """Add ``1/2 grad <H, Sigma>`` to `extra`; nothing without a central flow."""
    raise NotImplementedError("compiled only")


@choice(central_drift, argument="central", field="central")
def _central_drift(m, net, data, central, moment):
    if is_absent(central):
        return lambda m, net, data, central, moment: None
    return lambda m, net, data, central, moment: _flow(m, net, data, central, moment)


@never_inlined
def _flow(m, net, data, central, moment):
    p, k = net.parameters, central.directions
    pairs = k * (k + 1) // 2
    slope, images = net.central, net.central + p
    shapes = images + k * p
    system = shapes + pairs * p
    hold_state(m, net)
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    _copy(m, net.gradient[0], slope, p)
    rounds = central.iterations
    if moment.number == 0:
        for i in range(k):
            fill_normals(m, net.unit, p, rekeyed(moment.stream, i, 0), WAIT)
            _copy(m, net.unit, net.carried + i * p, p)
        _orthonormalise(m, net, k)
        rounds = FIRST_ITERATIONS
    for _ in range(rounds):
        for i in range(k):
            _image(m, net, data, central, net.carried + i * p, images + i * p)
        shift = broadcast(m, 0.5 / central.rate)
        for j in range(k * p):
            store(m, net.carried + j, fma(load(m, net.carried + j), shift, load(m, images + j)))
        _orthonormalise(m, net, k)
    for i in range(k):
        _image(m, net, data, central, net.carried + i * p, images + i * p)
    _shapes(m, net, data, central, shapes)
    return_to_hold(m, net, data)
    _balance(m, net, central, slope, images, shapes, system)
    at = 0
    for i in range(k):
        for j in range(i, k):
            weight = load(m, system + pairs * pairs + 2 * k * k + i * k + j) * (0.5 if i == j else 1.0)
            for q in range(p):
                extra = net.extra + q
                store(m, extra, fma(load(m, shapes + at * p + q), weight, load(m, extra)))
            at += 1


@kernel
def _copy(m, source, target, count):
    for k in range(count):
        store(m, target + k, load(m, source + k))


@kernel
def _orthonormalise(m, net, k):
    """Gram and Schmidt's procedure, twice, on the carried vectors."""
    p = net.parameters
    for i in range(k):
        here = net.carried + i * p
        for _ in range(2):
            for j in range(i):
                there = net.carried + j * p
                part = -inner_product(m, here, there, p)
                for q in range(p):
                    store(m, here + q, fma(load(m, there + q), part, load(m, here + q)))
        size = math.sqrt(inner_product(m, here, here, p))
        shrink = select(size > 0.0, 1.0 / size, 0.0)
        for q in range(p):
            store(m, here + q, load(m, here + q) * shrink)


@kernel
def _image(m, net, data, central, vector, target):
    """Write H times the vector to `target`."""
    p = net.parameters
    _copy(m, vector, net.along, p)
    for q in range(p):
        store(m, target + q, broadcast(m, 0.0))
    for j in range(len(central.nodes)):
        for side in range(2):
            sign = 1.0 - 2.0 * scalar(m, side)
            probe(m, net, data, sign * central.nodes[j])
            _add(m, net.gradient[0], target, p, sign * central.odd[j])


@kernel
def _add(m, source, target, count, factor):
    weight = broadcast(m, factor)
    for k in range(count):
        store(m, target + k, fma(load(m, source + k), weight, load(m, target + k)))


@kernel
def _shapes(m, net, data, central, shapes):
    """Write ``G_ij`` for each pair, mixed ones by polarisation."""
    p, k = net.parameters, central.directions
    at = 0
    for i in range(k):
        for j in range(i, k):
            target = shapes + at * p
            for q in range(p):
                store(m, target + q, broadcast(m, 0.0))
            if i == j:
                _copy(m, net.carried + i * p, net.along, p)
                _bend(m, net, data, central, target, 1.0)
            else:
                for side in range(2):
                    sign = broadcast(m, 1.0 - 2.0 * scalar(m, side))
                    for q in range(p):
                        other = load(m, net.carried + j * p + q)
                        store(m, net.along + q, fma(other, sign, load(m, net.carried + i * p + q)))
                    _bend(m, net, data, central, target, 0.25 - 0.5 * scalar(m, side))
            at += 1


@kernel
def _bend(m, net, data, central, target, factor):
    """Add `factor` times ``D^3 L[v, v, .]``, v is in `along`."""
    p = net.parameters
    middle = 0.0
    for j in range(len(central.far)):
        weight = 2.0 * central.even[j] * factor
        probe(m, net, data, central.far[j])
        _add(m, net.gradient[0], target, p, weight)
        probe(m, net, data, -central.far[j])
        _add(m, net.gradient[0], target, p, weight)
        middle += 2.0 * weight
    _add(m, net.central, target, p, -middle)


@kernel
def _balance(m, net, central, slope, images, shapes, system):
    """Fill alpha and beta and solve for X, which is left behind them."""
    p, k = net.parameters, central.directions
    pairs = k * (k + 1) // 2
    alpha = system + pairs * pairs
    at = 0
    for i in range(k):
        for j in range(i, k):
            value = inner_product(m, shapes + at * p, slope, p) * central.dt
            bend = inner_product(m, net.carried + i * p, images + j * p, p)
            value = value - bend + (2.0 / central.rate if i == j else 0.0)
            store(m, alpha + i * k + j, value)
            store(m, alpha + j * k + i, value)
            for other in range(pairs):
                size = inner_product(m, shapes + at * p, shapes + other * p, p)
                store(m, system + at * pairs + other, size * (0.5 * central.dt))
            at += 1
    solve_complementarity(m, system, alpha, alpha + k * k, k)


@kernel
def solve_complementarity(m, beta, alpha, work, k):
    """Solve ``0 <= X`` perpendicular to ``alpha + beta[X] >= 0``; X is left at ``work + k^2``.

    `beta` is by pairs i <= j, `alpha` full. One direction has a closed form; more by accelerated projected
    gradient (Nesterov 1983) with restarts, projecting on positive semidefinite matrices by Jacobi's
    rotations.
    """
    point, x = work, work + k * k
    if k == 1:
        ratio = -load(m, alpha) / load(m, beta)
        store(m, x, select(ratio > 0.0, ratio, 0.0))
        return
    size = k * k
    before, values, vectors = work + 2 * size, work + 3 * size, work + 4 * size
    pairs = k * (k + 1) // 2
    steep = broadcast(m, 0.0)
    at = 0
    for i in range(k):
        for j in range(i, k):
            steep = steep + load(m, beta + at * pairs + at) * (1.0 if i == j else 2.0)
            at += 1
    step = select(steep > 0.0, 1.0 / steep, 0.0)
    for e in range(size):
        for place in (point, x, before):
            store(m, place + e, broadcast(m, 0.0))
    age = broadcast(m, 1.0)
    for _ in range(SOLVER_ITERATIONS):
        for e in range(size):
            store(m, before + e, load(m, x + e))
        turn = broadcast(m, 0.0)
        at = 0
        for i in range(k):
            for j in range(i, k):
                value = load(m, alpha + i * k + j)
                other = 0
                for r in range(k):
                    for s in range(r, k):
                        twice = 1.0 if r == s else 2.0
                        part = load(m, beta + at * pairs + other) * twice
                        value = fma(part, load(m, point + r * k + s), value)
                        other += 1
                moved = load(m, point + i * k + j) - step * value
                store(m, values + i * k + j, moved)
                store(m, values + j * k + i, moved)
                at += 1
        _project(m, values, vectors, x, k)
        for e in range(size):
            gone = load(m, x + e) - load(m, before + e)
            turn = fma(load(m, point + e) - load(m, x + e), gone, turn)
        following = math.sqrt(age * age * 4.0 + 1.0) * 0.5 + 0.5
        push_on = select(turn > 0.0, 0.0, (age - 1.0) / following)
        age = select(turn > 0.0, broadcast(m, 1.0), following)
        for e in range(size):
            gone = load(m, x + e) - load(m, before + e)
            store(m, point + e, fma(push_on, gone, load(m, x + e)))


@kernel
def _project(m, a, vectors, x, k):
    """Write to `x` the positive part of the symmetric matrix at `a`, which is diagonalised on the way."""
    for i in range(k):
        for j in range(k):
            store(m, vectors + i * k + j, broadcast(m, 1.0 if i == j else 0.0))
    for _ in range(SWEEPS):
        for p in range(k):
            for q in range(p + 1, k):
                rotate(m, a, vectors, k, p, q, 0.0)
    for i in range(k):
        for j in range(k):
            total = broadcast(m, 0.0)
            for e in range(k):
                value = load(m, a + e * k + e)
                value = select(value > 0.0, value, 0.0)
                total = fma(value * load(m, vectors + i * k + e), load(m, vectors + j * k + e), total)
            store(m, x + i * k + j, total)
