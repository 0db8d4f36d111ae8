"""Discrete algorithms beside plain SGD, and the central flow, against exact recursions.

Statistical bounds are 5 standard errors with fixed seeds (false alarm below 1e-6 a check).
"""

import math
import time

import numpy as np
import pytest
from landscape_studies import landscape_study, run
from scipy.linalg import solve_discrete_lyapunov
from studies import one_step, study

import fastsde
from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.cpu_ensemble import Blocks
from fastsde.integrate.lowering import lower
from fastsde.kernels.cpu import Workers
from fastsde.kernels.lanes import lane_count

SEEN = {"record": {"observables": ["parameters"]}, "events": {"mode_learned": []}}


@pytest.mark.statistics
@pytest.mark.parametrize("level", [1, 4])
def test_svag_follows_the_second_moment_recursion_of_its_level(level):
    """E6 on samples: M' = (1 - hS) M (1 - hS) + h^2 (l/B) E C(delta), h = eta / l; l = 1 is SGD."""
    rate, batch, steps, count = 0.3, 2, 12, 40_000
    model = {"kind": "svag", "substeps": level, "batch": batch, "sampling": "replacement"}
    s = study((3, 1), model, rate=rate, steps=steps, noise=1.0, **SEEN)
    problem = fastsde.build_problem(s)
    start = problem.optimum + 1.0
    end = one_step(s, np.repeat(start, count, axis=0)) - problem.optimum
    inputs, errors = problem.inputs, (problem.labels - problem.inputs @ problem.optimum.T)[:, 0]

    def moment(amplified):
        h, mean, m = rate / level, np.ones(3), np.ones((3, 3))
        for _ in range(steps * level):
            shrink = np.eye(3) - h * problem.covariance
            square = np.zeros((3, 3))
            for x, e in zip(inputs, errors, strict=True):
                size = x @ m @ x - 2 * e * (x @ mean) + e * e  # E (x . delta - e)^2
                square += np.outer(x, x) * size / len(inputs)
            spread = square - problem.covariance @ m @ problem.covariance
            m = shrink @ m @ shrink + h**2 * amplified / batch * spread
            mean = shrink @ mean
        return m

    products = end[:, :, None] * end[:, None]
    error = products.std(0) / math.sqrt(count)
    assert np.all(np.abs(products.mean(0) - moment(level)) < 5 * error)
    assert np.any(np.abs(products.mean(0) - moment(1.3 * level)) > 5 * error)


@pytest.mark.statistics
@pytest.mark.parametrize("level", [1, 4])
def test_svag_on_fresh_data_has_l_times_the_covariance_of_a_batch(level):
    """One step of linear regression from d off the optimum: ``Cov = h^2 l (d d^T + |d|^2 + s^2) / B``."""
    rate, batch, noise, count = 0.3, 2, 0.7, 100_000
    model = {"kind": "svag", "substeps": level, "batch": batch}
    s = study((3, 1), model, rate=rate, samples="population", noise=noise, **SEEN)
    assert s.models["m"].sampling == "fresh"
    problem = fastsde.build_problem(s)
    away, h = np.array([1.0, -0.5, 0.25]), rate / level
    low = lower(s, "m", problem)
    none = np.full(count, -1), np.empty((count, 0), dtype=np.int64)
    begin = Checkpoint(0, 0, np.tile(problem.optimum[0] + away, (count, 1)), *none)
    lanes = lane_count("float64")
    with Workers(2, low.network.size * lanes, low.choice * lanes, "float64") as workers:
        blocks = Blocks(low, workers, 0, count, begin)
        blocks.advance(1)
        moved = blocks.checkpoint(1).parameters - problem.optimum[0] - away
    one = np.outer(away, away) + (away @ away + noise**2) * np.eye(3)
    exact = h**2 * level / batch * one
    assert np.all(np.abs(moved.mean(0) + h * away) < 5 * np.sqrt(np.diag(exact) / count))
    centred = moved - moved.mean(0)
    products = centred[:, :, None] * centred[:, None]
    error = products.std(0) / math.sqrt(count)
    assert np.all(np.abs(products.mean(0) - exact) < 5 * error)
    assert np.any(np.abs(products.mean(0) - 1.1 * exact) > 5 * error)


def test_a_step_of_svag_costs_what_its_batch_costs():
    """From 40 samples to 20,000 a step may become a little slower (the cache), not 500 times.

    By processor time, which other processes hardly touch.
    """
    seconds = {}
    for samples in (40, 20_000):
        model = {"kind": "svag", "substeps": 2, "batch": 2}
        s = study((4, 10, 4), model, samples=samples, steps=400, rate=1e-3, time={"snapshots": {"at": [400]}})
        problem, times = fastsde.build_problem(s), []
        for _ in range(3):
            start = time.process_time()
            fastsde.integrate(s, "m", 0, 64, problem=problem, threads=1)
            times.append(time.process_time() - start)
        seconds[samples] = min(times)
    assert seconds[20_000] < 20 * seconds[40]


@pytest.mark.statistics
def test_momentum_has_its_stationary_covariance_on_a_quadratic():
    """Full batch, fresh label noise: (delta, v) is linear, its covariance a discrete Lyapunov equation."""
    rate, mu, sigma, steps, count = 0.2, 0.8, 1.5, 300, 40_000
    model = {"kind": "sgd", "batch": 6, "momentum": mu, "label_noise": sigma}
    s = study((3, 1), model, rate=rate, steps=steps, spectrum=(0.5, 1.5), **SEEN)
    problem = fastsde.build_problem(s)
    S, one = problem.covariance, np.eye(3)
    motion = np.block([[one - rate * S, -rate * mu * one], [S, mu * one]])
    noise = np.vstack([-rate * one, one])
    exact = solve_discrete_lyapunov(motion, noise @ (sigma**2 / 6 * S) @ noise.T)[:3, :3]
    x = one_step(s, np.repeat(problem.optimum, count, axis=0)) - problem.optimum
    error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / count)
    assert np.all(np.abs(x.T @ x / count - exact) < 5 * error)
    plain = solve_discrete_lyapunov(one - rate / (1 - mu) * S, rate**2 / (1 - mu) ** 2 * sigma**2 / 6 * S)
    assert np.any(np.abs(x.T @ x / count - plain) > 5 * error)  # not SGD of rate eta / (1 - mu)


PARTS = ((0.003, 1.0), (0.004, 0.97))


def sharpening(x, gradient, at, mu, stretch):
    """One copy of ``((b a1 - .7)^2 + mu (b a2 - 4)^2) / 2`` in scaled coordinates, from place `at`."""
    a1, a2, b = x[at] * stretch, x[at + 1] * stretch, x[at + 2] * stretch
    one, two = b * a1 - 0.7, b * a2 - 4.0
    gradient[at] = one * b * stretch
    gradient[at + 1] = mu * two * b * stretch
    gradient[at + 2] = (one * a1 + mu * two * a2) * stretch
    return 0.5 * (one * one + mu * two * two)


def test_two_directions_that_are_critical_at_once_flow_as_two_central_flows():
    """The sum of two independent losses, mixed by a rotation: its flow of two directions is both alone.

    Both sharpnesses end at 2 / eta, so the two directions are degenerate and any basis of them may be found.
    One direction cannot hold both.
    """
    import numba

    piece = numba.njit(sharpening)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    (mu1, s1), (mu2, s2) = PARTS

    def alone(x, gradient, mu=mu1, stretch=s1):
        return piece(x, gradient, 0, mu, stretch)

    def other(x, gradient, mu=mu2, stretch=s2):
        return piece(x, gradient, 0, mu, stretch)

    def both(x, gradient):
        y, slope = np.zeros(6), np.zeros(6)
        for i in range(6):
            for j in range(6):
                y[i] += turn[i, j] * x[j]
        energy = piece(y, slope, 0, mu1, s1) + piece(y, slope, 3, mu2, s2)
        for j in range(6):
            gradient[j] = 0.0
            for i in range(6):
                gradient[j] += turn[i, j] * slope[i]
        return energy

    for function in (alone, other, both):
        fastsde.user.register(f"sharpening-{function.__name__}", function)
    begin, rate, steps = np.array([0.7, 0.5, 1.0]), 1.3, 400

    def end(name, start, directions):
        landscape = {"kind": "user", "function": f"sharpening-{name}", "size": len(start)}
        model = {"kind": "gd", "central_flow": directions, "substeps": 1 if directions else 8}
        s = landscape_study(landscape, model, rate=rate, steps=steps)
        return run(s, 1, start=start[None])[1].parameters[0]

    first, second = end("alone", begin, 1), end("other", begin, 1)
    start = turn.T @ np.concatenate([begin, begin])
    joint = turn @ end("both", start, 2)
    assert np.allclose(joint, np.concatenate([first, second]), atol=1e-8)
    flow = turn @ end("both", start, None)
    assert np.linalg.norm((flow - joint).reshape(2, 3), axis=1).min() > 0.05  # both are held back
    lonely = turn @ end("both", start, 1)
    assert np.abs(lonely - joint).max() > 1e-3
