"""Refinements of the steps on deep linear networks: against NumPy to rounding, and against theory.

Statistical bounds are 5 standard errors with fixed seeds (false alarm below 1e-6 a check).
"""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from studies import one_step, snapshots, study

import fastsde
from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.convergence import measure_orders
from fastsde.integrate.cpu_ensemble import Blocks
from fastsde.integrate.lowering import lower
from fastsde.kernels.cpu import Workers
from fastsde.kernels.drift.central import solve_complementarity
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.steps.scheduled import COSINE, STAIRS, Schedule, rate_factor
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.terms.derivative import derivative_weights
from fastsde.system.errors import StudyError

SEEN = {"record": {"observables": ["parameters"]}, "events": {"mode_learned": []}}
WIDTHS = (3, 4, 2)
CLOCKED = {"kind": "sde", "noise": "isotropic", "subordination": {"beta": 0.6}}


def points(count=8, widths=WIDTHS, seed=0):
    size = DeepLinearNetwork(widths).size
    return np.random.default_rng(seed).normal(0, 0.5, (count, size))


def turned(x, layer_start, rows, columns):
    """Apply J that turns rows 1 and 2, 3 and 4 of the layer at `layer_start` into each other."""
    out = np.zeros_like(x)
    for pair in range(rows // 2):
        a = layer_start + 2 * pair * columns
        out[:, a : a + columns] = x[:, a + columns : a + 2 * columns]
        out[:, a + columns : a + 2 * columns] = -x[:, a : a + columns]
    return out


def test_weight_decay_rotation_and_second_order_are_their_formulas():
    """One step, to rounding: U = L + w |theta|^2 / 2, drift (1 + J) grad U + (eta/2) H_U grad U."""
    decay, strength, rate = 0.3, 0.7, 0.05
    model = {
        "kind": "gd", "weight_decay": decay, "rotation": {"layer": 1, "strength": strength},
        "second_order": True,
    }  # fmt: skip
    s, theta = study(WIDTHS, model, rate=rate, **SEEN), points()
    problem, network = fastsde.build_problem(s), DeepLinearNetwork(WIDTHS)
    slope = network.gradient(theta, problem) + decay * theta
    bend = network.hessian_vector(theta, slope, problem) + decay * slope
    drift = slope + strength * turned(slope, 0, 4, 3) + rate / 2 * bend
    got = one_step(s, theta)
    assert np.allclose(got, theta - rate * drift, rtol=0, atol=1e-11)
    assert np.abs(got - theta + rate * slope).max() > 1e-3


def test_derivatives_along_a_line_are_exact_for_polynomials():
    """Weights at L nodes give the first derivative of degree 2 L - 1, those at L - 1 the second."""
    for layers in (2, 3, 4, 5):
        coefficients = np.random.default_rng(layers).normal(size=2 * layers)
        line = np.polynomial.Polynomial(coefficients)
        nodes, odd = derivative_weights(layers, 0.5, odd=True)
        assert odd @ (line(nodes) - line(-nodes)) == pytest.approx(coefficients[1], rel=1e-9)
        nodes, even = derivative_weights(layers - 1, 0.5, odd=False)
        assert even @ (line(nodes) + line(-nodes) - 2 * line(0)) == pytest.approx(coefficients[2], rel=1e-9)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_with_a_schedule_and_weight_decay_is_pytorchs(nesterov):
    """v <- mu v + g + w theta, theta <- theta - eta_t v (or g + mu v): ten steps, to rounding.

    Nesterov's with the second-order drift as part of g, whose eta follows the schedule.
    """
    mu, decay, rate, steps = 0.9, 0.2, 0.05, 10
    model = {"kind": "gd", "momentum": mu, "weight_decay": decay, "nesterov": nesterov}
    model["second_order"] = nesterov
    schedule = {"kind": "step", "every": 3, "drop": 0.5, "warm_up": 2}
    s = study(WIDTHS, model, rate=rate, steps=steps, time={"schedule": schedule}, **SEEN)
    problem, network, theta = fastsde.build_problem(s), DeepLinearNetwork(WIDTHS), points()
    got, velocity = one_step(s, theta), np.zeros_like(theta)
    for k in range(steps):
        share = (k + 1) / 3 if k < 2 else 0.5 ** ((k - 2) // 3)
        slope = network.gradient(theta, problem) + decay * theta
        if nesterov:
            bend = network.hessian_vector(theta, slope, problem) + decay * slope
            slope = slope + rate * share / 2 * bend
        velocity = mu * velocity + slope
        theta = theta - rate * share * (slope + mu * velocity if nesterov else velocity)
    assert np.allclose(got, theta, rtol=0, atol=1e-11)


def test_schedules_are_their_formulas():
    """Stairs, half a cosine with a floor, warm-up; integrator steps inside a learning-rate step share it."""
    stairs = Schedule(STAIRS, 0, 10, 0.1, 100, 0.0, 4)
    assert [rate_factor(stairs, n) for n in (0, 39, 40, 80)] == pytest.approx([1, 1, 0.1, 0.01])
    once = stairs._replace(drops=1)
    assert [rate_factor(once, n) for n in (0, 39, 40, 80)] == pytest.approx([1, 1, 0.1, 0.1])
    cosine = Schedule(COSINE, 4, 1, 1.0, 104, 0.2, 1)
    assert [rate_factor(cosine, n) for n in (0, 3, 4, 54, 104)] == pytest.approx([0.2, 0.8, 1, 0.6, 0.2])


@pytest.mark.statistics
def test_label_noise_moves_the_point_by_its_own_covariance():
    """Full batch: mean one step of descent, covariance eta^2 sigma^2 / n times that of the pushed labels."""
    rate, sigma, count = 0.1, 2.0, 100_000
    s = study(WIDTHS, {"kind": "sgd", "batch": 6, "label_noise": sigma}, rate=rate, **SEEN)
    problem, network, theta = fastsde.build_problem(s), DeepLinearNetwork(WIDTHS), points(1)
    moved = one_step(s, np.repeat(theta, count, axis=0)) - theta
    mean = -rate * network.gradient(theta, problem)
    exact = np.zeros((theta.size, theta.size))
    for x in problem.inputs:
        for k in range(2):
            pushed = network.push(theta, np.outer(np.eye(2)[k], x))[0]
            exact += np.outer(pushed, pushed) * (rate * sigma / 6) ** 2
    spread = np.sqrt(np.diag(exact) / count)
    assert np.all(np.abs(moved.mean(0) - mean) < 5 * spread + 1e-12)
    got = (moved - mean).T @ (moved - mean) / count
    error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / count)
    assert np.all(np.abs(got - exact) < 5 * error + 1e-12)
    assert exact.max() > 1e-3


@pytest.mark.statistics
@pytest.mark.parametrize("sampling", ["replacement", "without-replacement"])
def test_svag_has_sgds_mean_and_l_times_its_covariance(sampling):
    """One step of level l from one point: mean -h grad L, covariance h^2 l C / B."""
    rate, level, batch, count = 0.4, 4, 2, 200_000
    s = study(
        WIDTHS,
        {"kind": "svag", "substeps": level, "batch": batch, "sampling": sampling},
        rate=rate,
        steps=1,
        **SEEN,
    )
    problem, network, theta = fastsde.build_problem(s), DeepLinearNetwork(WIDTHS), points(1)
    low = lower(s, "m", problem)
    h = rate / level
    samples = network.sample_gradients(theta[0], problem)
    share = (6 - batch) / 5 if sampling == "without-replacement" else 1.0
    exact = np.cov(samples.T, bias=True) * h**2 * level / batch * share
    lanes = lane_count("float64")
    none = np.full(count, -1), np.empty((count, 0), dtype=np.int64)
    begin = Checkpoint(0, 0, np.repeat(theta, count, axis=0), *none)
    with Workers(2, low.network.size * lanes, low.choice * lanes, "float64") as workers:
        blocks = Blocks(low, workers, 0, count, begin)
        blocks.advance(1)
        moved = blocks.checkpoint(0).parameters - theta
    error = np.sqrt(np.diag(exact) / count)
    assert np.all(np.abs(moved.mean(0) + h * samples.mean(0)) < 5 * error + 1e-12)
    products = (moved - moved.mean(0))[:, :, None] * (moved - moved.mean(0))[:, None]
    assert np.all(np.abs(products.mean(0) - exact) < 5 * products.std(0) / math.sqrt(count) + 1e-12)
    assert exact.max() > 1e-3


@pytest.mark.statistics
def test_a_rotated_network_with_weight_decay_keeps_its_gibbs_law():
    """D: widths 1-1-1, s = 1, decay 0.2, T = 0.1: E ab, a^2, (ab)^2, a^4 of exp(-U/T), also under J."""
    model = {
        "kind": "sde", "noise": "isotropic", "temperature": 0.1, "weight_decay": 0.2, "substeps": 1,
        "rotation": {"matrix": [[0.0, 1.0], [-1.0, 0.0]]},
    }  # fmt: skip
    s = study(
        (1, 1, 1), model, samples="population", rate=0.01, steps=4000, noise=0.0,
        time={"snapshots": {"at": [4000]}}, data={"teacher": {"singular_values": [1.0]}}, **SEEN,
    )  # fmt: skip
    problem = fastsde.build_problem(s)
    one = np.ones((1, 1))
    problem = dataclasses.replace(problem, teacher=one, optimum=one, cross=one)
    start = np.random.default_rng(2).normal(0, 1, (20_000, 2))
    a, b = fastsde.integrate(s, "m", 0, 20_000, start=start, problem=problem, threads=2).parameters.T
    for values, exact in ((a * b, 0.72654), (a**2, 0.94538), ((a * b) ** 2, 0.63747), (a**4, 1.58285)):
        assert abs(values.mean() - exact) < 5 * values.std() / math.sqrt(len(values)) + 0.01 * exact


@pytest.mark.statistics
def test_component_noise_of_a_data_set_is_a_sum_over_its_samples():
    """cf of one step: exp(-scale^alpha (1/n) sum_i |<u, g_i - mean>|^alpha), scale eta / sqrt(2)."""
    alpha, rate, count = 1.5, 0.1, 100_000
    model = {
        "kind": "sde", "noise": "gradient", "alpha": alpha, "by_component": True, "substeps": 1,
        "batch": 1, "sampling": "replacement",
    }  # fmt: skip
    s = study(WIDTHS, model, rate=rate, **SEEN)
    problem, network, theta = fastsde.build_problem(s), DeepLinearNetwork(WIDTHS), points(1)
    samples = network.sample_gradients(theta[0], problem)
    moved = one_step(s, np.repeat(theta, count, axis=0)) - theta + rate * samples.mean(0)
    random = np.random.default_rng(3)
    for _ in range(4):
        u = random.normal(size=theta.size)
        parts = np.abs((samples - samples.mean(0)) @ u) ** alpha
        u /= (rate / math.sqrt(2)) * parts.mean() ** (1 / alpha)  # cf 1/e
        values = np.cos(moved @ u)
        assert abs(values.mean() - math.exp(-1)) < 5 * values.std() / math.sqrt(count)


@pytest.mark.parametrize(
    ("model", "dtype"),
    [
        ({"kind": "sgd", "batch": 2, "momentum": 0.9}, "float64"),
        ({**CLOCKED, "temperature": 0.1}, "float64"),
        ({**CLOCKED, "temperature": 0.1}, "float32"),
    ],
)
def test_what_a_step_carries_survives_a_checkpoint(model, dtype):
    """Going on from any checkpoint, and other ranges of trajectories, give the same bits."""
    s = study(WIDTHS, model, steps=12, dtype=dtype, **SEEN)
    taken = []
    whole = fastsde.integrate(s, "m", 0, 24, on_checkpoint=taken.append, checkpoint_seconds=0.0)
    assert taken
    assert whole.parameters.shape[1] == DeepLinearNetwork(WIDTHS).size
    again = fastsde.integrate(s, "m", 0, 24, resume=taken[len(taken) // 2])
    assert np.array_equal(again.parameters, whole.parameters)
    part = fastsde.integrate(s, "m", 7, 5)
    assert np.array_equal(part.parameters, whole.parameters[7:12])
    plain = fastsde.integrate(s.replace(models={"m": {"kind": "gd"}}), "m", 7, 5)
    assert not np.array_equal(part.parameters, plain.parameters)


def slow_sharpening(mu, c=1.15):
    """B: f = b (a1 x1 + a2 x2), S = diag(1, mu), W* = (0.7, 4): start, learning rate, problem."""
    s = study((2, 1, 1), samples="population", noise=0.0, data={"teacher": {"singular_values": [1.0]}})
    problem = fastsde.build_problem(s)
    target, covariance = np.array([[0.7, 4.0]]), np.diag([1.0, mu])
    problem = dataclasses.replace(
        problem, teacher=target, optimum=target, cross=target @ covariance, covariance=covariance,
        factor=np.sqrt(covariance),
    )  # fmt: skip
    theta = np.array([0.7, 0.5, 1.0])
    network = DeepLinearNetwork((2, 1, 1))
    hessian = np.array([network.hessian_vector(theta, e, problem) for e in np.eye(3)])
    values, vectors = np.linalg.eigh(hessian)
    return theta, 2 / (c * values[-1]), vectors[:, -1], problem


@pytest.mark.parametrize(("directions", "bound"), [(1, 0.006), (2, 0.006)])
def test_central_flow_follows_time_averaged_descent_at_the_edge_of_stability(directions, bound):
    """B, mu = .003: averaged descent is within .0037 of the central flow, 1.75 off gradient flow."""
    mu, steps = 0.003, 3000
    theta, rate, top, problem = slow_sharpening(mu)
    common = {
        "samples": "population", "rate": rate, "steps": steps, "noise": 0.0,
        "data": {"teacher": {"singular_values": [1.0]}}, **SEEN,
    }  # fmt: skip

    def path(model, start):
        s = study((2, 1, 1), model, **common)
        return snapshots(s, 1, start=start[None], problem=problem)[0]["parameters"][:, 0]

    descent = path({"kind": "gd"}, theta + 0.03 * top)
    central = path({"kind": "gd", "central_flow": directions}, theta)
    flow = path({"kind": "gd", "substeps": 5}, theta)
    window = 101
    middle = 0.5 * (descent[1:] + descent[:-1])
    smooth = np.apply_along_axis(np.convolve, 0, middle, np.ones(window) / window, "valid")
    late = slice(len(smooth) // 3, None)
    away = np.linalg.norm(smooth - central[window // 2 :][: len(smooth)], axis=1)[late].mean()
    without = np.linalg.norm(smooth - flow[window // 2 :][: len(smooth)], axis=1)[late].mean()
    assert away < bound
    assert without > 1.5


@pytest.mark.statistics
def test_terms_of_a_model_that_make_no_sense_together_are_refused():
    """Each with the key, and what to do."""
    wrong = [
        ({"kind": "sde", "noise": "given"}, "covariance"),
        ({"kind": "sde", "noise": "gradient", "truncation": 2.0}, "truncation"),
        ({"kind": "sde", "noise": "gradient", "alpha": 1.5, "jumps": {"rate": 1.0}}, "jumps"),
        ({"kind": "gd", "substeps": 4, "momentum": 0.9}, "momentum"),
        ({"kind": "sgd", "nesterov": True}, "nesterov"),
        ({"kind": "gd", "rotation": {"matrix": [[0.0, 1.0], [1.0, 0.0]]}}, "rotation"),
        ({"kind": "gd", "rotation": {"layer": 3}}, "rotation"),
        ({"kind": "sde", "noise": "given", "covariance": {"matrix": [[1.0]]}}, "covariance"),
        (
            {"kind": "sde", "noise": "given", "covariance": {"matrix": [[1.0, 2.0], [2.0, 1.0]]}},
            "semidefinite",
        ),
        ({"kind": "gd", "central_flow": 5}, "central_flow"),
    ]
    for model, words in wrong:
        with pytest.raises(StudyError, match=words):
            study(WIDTHS, model)


ORDERS = {
    "descent": ({"kind": "gd", "substeps": 8}, 1.0, 1.0),
    "isotropic": ({"kind": "sde", "noise": "isotropic", "temperature": 0.2, "substeps": 8}, 1.0, 1.0),
    "gradient": ({"kind": "sde", "noise": "gradient", "substeps": 8}, 0.5, 1.0),
}


@pytest.mark.statistics
@pytest.mark.parametrize("name", ORDERS)
def test_halving_dt_shows_the_order_of_each_scheme(name):
    """Strong 1 without noise or with additive noise, 1/2 where it follows the state; weak 1."""
    model, strong, weak = ORDERS[name]
    widths = (2, 2) if name == "gradient" else (2, 3, 2)
    s = study(widths, model, rate=0.2, steps=5, time={"snapshots": {"at": [5]}}, noise=3.0, **SEEN)
    found = measure_orders(s, "m", trajectories=2048, levels=4, threads=2)
    assert found.expected_strong == strong
    assert abs(found.strong_order - strong) < 0.15
    if found.weak[-1] > 5 * found.weak_error[-1]:
        assert abs(found.weak_order - weak) < 0.25
    assert name == "gradient" or found.weak[0] > 5 * found.weak_error[0]


def test_models_without_an_order_are_refused():
    """Jumps, stable noise, momentum: there is no dt to halve, or no noise to share."""
    for model in ({"kind": "sgd"}, {"kind": "gd", "momentum": 0.9},
                  {"kind": "sde", "noise": "gradient", "alpha": 1.5}):  # fmt: skip
        with pytest.raises(StudyError, match="no order"):
            measure_orders(study(WIDTHS, model), "m")


@pytest.mark.parametrize(("term", "order"), [(None, 1.0), (True, 2.0)])
def test_the_modified_equation_has_a_higher_order_in_the_learning_rate(term, order):
    """Flow with and without (eta/2) H grad L against descent at the same time, eta halved: order 2 and 1."""
    errors = []
    for halvings in range(3):
        rate, steps = 0.1 / 2**halvings, 10 * 2**halvings
        flow = {"kind": "gd", "substeps": 2048 // 2**halvings, "second_order": term}
        ends = [
            one_step(study(WIDTHS, model, rate=rate, steps=steps, noise=0.0, **SEEN), points(4))
            for model in ({"kind": "gd"}, flow)
        ]
        errors.append(np.linalg.norm(ends[0] - ends[1]))
    measured = [math.log2(a / b) for a, b in pairwise(errors)]
    assert abs(measured[-1] - order) < 0.2


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_complementarity_problem_is_solved(k):
    """0 <= X, alpha + beta[X] >= 0 and their product 0, for random G: residuals below 1e-9."""
    random, lanes = np.random.default_rng(k), lane_count("float64")
    pairs = [(i, j) for i in range(k) for j in range(i, k)]
    shapes = random.normal(size=(lanes, len(pairs), 12))
    system = np.einsum("lap,lbp->lab", shapes, shapes)
    alpha = random.normal(size=(lanes, k, k))
    alpha = alpha + alpha.transpose(0, 2, 1) - np.eye(k)
    size = len(pairs) ** 2 + 6 * k * k
    memory = np.zeros((size, lanes))
    memory[: len(pairs) ** 2] = system.reshape(lanes, -1).T
    memory[len(pairs) ** 2 :][: k * k] = alpha.reshape(lanes, -1).T
    flat = memory.ravel()
    solve_complementarity(flat, 0, len(pairs) ** 2, len(pairs) ** 2 + k * k, k)
    solved = flat.reshape(size, lanes)[len(pairs) ** 2 + 2 * k * k :][: k * k].T.reshape(lanes, k, k)
    for one, x, a in zip(system, solved, alpha, strict=True):
        slack = a.copy()
        for (i, j), row in zip(pairs, one, strict=True):
            value = sum(b * x[r, s] * (1 if r == s else 2) for (r, s), b in zip(pairs, row, strict=True))
            slack[i, j] += value
            slack[j, i] = slack[i, j]
        assert np.linalg.eigvalsh(x).min() > -1e-9
        assert np.linalg.eigvalsh(slack).min() > -1e-8
        assert abs(np.sum(x * slack)) < 1e-8
    assert solved.max() > 1e-3
