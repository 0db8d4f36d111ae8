"""Laws of dynamics with inertia and of signSGD's SDE on linear regression, against exact moments.

Statistical bounds are 5 standard errors with fixed seeds (false alarm below 1e-6 a check).
"""

import math

import numpy as np
import pytest
from landscape_studies import landscape_study, run
from scipy.linalg import solve_discrete_lyapunov
from scipy.special import erf
from studies import study

import fastsde
from fastsde.problem.objective import objective_of

SEEN = {"record": {"observables": ["parameters"]}, "events": {"mode_learned": []}}
ONE, COUNT = np.eye(3), 40_000


def ends(model, start, *, rate, steps, count=COUNT, **more):
    """Deviations of parameters from the optimum and what is carried at the end, and the problem."""
    s = study((3, 1), model, rate=rate, steps=steps, time={"snapshots": {"at": [steps]}}, **SEEN, **more)
    problem = fastsde.build_problem(s)
    begin = np.tile(problem.optimum + start, (count, 1)) if np.ndim(start) < 2 else problem.optimum + start
    outcome = fastsde.integrate(s, "m", 0, count, start=begin, threads=2, problem=problem)
    state = outcome.checkpoint.parameters
    state[:, :3] -= problem.optimum
    return state, problem


def agree(products, exact):
    return np.abs(products.mean(0) - exact) < 5 * products.std(0) / math.sqrt(len(products))


@pytest.mark.statistics
def test_underdamped_langevin_has_its_law_in_equilibrium():
    """Positions T S^-1 at a step of 0.5, velocities T / mass; with Euler steps the law would be another."""
    friction, heat, mass, h, steps = 1.5, 0.4, 0.5, 0.5, 30
    model = {"kind": "underdamped", "friction": friction, "temperature": heat, "mass": mass, "substeps": 1}
    scale = np.linalg.cholesky(
        np.linalg.inv(fastsde.build_problem(study((3, 1), spectrum=(0.5, 1.5))).covariance)
    )
    start = math.sqrt(heat) * np.random.default_rng(1).normal(size=(COUNT, 3)) @ scale.T
    more = {"rate": h, "steps": steps, "spectrum": (0.5, 1.5)}
    state, problem = ends(model | {"velocity": "equilibrium"}, start, **more)
    S, fall = problem.covariance, math.exp(-friction * h)
    zero, half = 0 * ONE, np.block([[ONE, h / 2 * ONE], [0 * ONE, ONE]])
    motion = (
        half
        @ np.block([[ONE, zero], [zero, fall * ONE]])
        @ half
        @ np.block([[ONE, zero], [-h / mass * S, ONE]])
    )
    noise = half @ np.vstack([zero, math.sqrt(heat / mass * (1 - fall**2)) * ONE])
    exact = solve_discrete_lyapunov(motion, noise @ noise.T)
    np.testing.assert_allclose(exact[:3, :3], heat * np.linalg.inv(S), rtol=1e-9)
    np.testing.assert_allclose(exact[3:, 3:], heat / mass * ONE, atol=1e-9)
    products = state[:, :, None] * state[:, None]
    assert np.all(agree(products, exact))
    assert not np.all(agree(products, 1.05 * exact))


class Regression:
    """Exact first and second moments of linear dynamics with the noise of batches of linear regression."""

    def __init__(self, problem, share):
        self.S, self.x, self.share = problem.covariance, problem.inputs, share
        self.e = (problem.labels - problem.inputs @ problem.optimum.T)[:, 0]

    def covariance(self, mean, square):
        """Mean covariance of a batch's gradient, for a deviation of these moments."""
        sizes = np.einsum("ni,ij,nj->n", self.x, square, self.x) - 2 * self.e * (self.x @ mean) + self.e**2
        total = np.einsum("n,ni,nj->ij", sizes, self.x, self.x) / len(self.x)
        return self.share * (total - self.S @ square @ self.S)

    def run(self, steps, parts, start):
        """Second moments after steps, each of several parts: a matrix, and a factor of noise before it."""
        mean = np.concatenate([start, np.zeros(3)])
        square = np.outer(mean, mean)
        for _ in range(steps):
            for matrix, factor in parts:
                noise = 0.0
                if factor is not None:
                    noise = factor @ self.covariance(mean[:3], square[:3, :3]) @ factor.T
                mean, square = matrix @ mean, matrix @ square @ matrix.T + noise
        return square


def splitting(S, rate, mu, level):
    """The parts of a step of the SDE of momentum with p = -v."""
    h, a = rate / level, (1 - mu) / 2 / level
    drift = np.block([[ONE, h / 2 * ONE], [0 * ONE, ONE]])
    forces = np.block([[ONE, 0 * ONE], [-h / rate / (1 + a) * S, (1 - a) / (1 + a) * ONE]])
    factor = np.vstack([0 * ONE, math.sqrt(rate * h) / rate / (1 + a) * ONE])
    return [(drift, None), (forces, factor), (drift, None)]


@pytest.mark.statistics
def test_the_sde_of_momentum_has_exact_moments_order_two_and_is_near_momentum():
    rate, mu, steps, start = 0.02, 0.8, 40, np.array([1.0, -0.5, 0.25])
    model = {"kind": "momentum-sde", "momentum": mu, "substeps": 2, "batch": 2, "sampling": "replacement"}
    state, problem = ends(model, start, rate=rate, steps=steps, noise=2.0)
    exact, S = Regression(problem, 0.5), problem.covariance

    def moments(level):
        return exact.run(steps * level, splitting(S, rate, mu, level), start)

    products = state[:, :, None] * state[:, None]
    assert np.all(agree(products, moments(2)))
    errors = [np.abs(moments(level) - moments(64)).max() for level in (1, 2, 4)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.05)
    algorithm = np.block([[ONE - rate * S, -rate * mu * ONE], [S, mu * ONE]])
    momentum = exact.run(steps, [(algorithm, np.vstack([-rate * ONE, ONE]))], start)
    faster = np.block([[ONE - rate / (1 - mu) * S, 0 * ONE], [0 * ONE, 0 * ONE]])
    plain = exact.run(steps, [(faster, np.vstack([rate / (1 - mu) * ONE, 0 * ONE]))], start)
    far = [np.abs(other[:3, :3] - momentum[:3, :3]).max() for other in (moments(64), plain)]
    assert far[0] < 0.1 * np.abs(momentum[:3, :3]).max()
    assert far[1] > 5 * far[0]


@pytest.mark.statistics
def test_signsgd_has_the_law_of_its_sde_and_not_that_of_sgd():
    """Means within 0.015, standard deviations within 6 %; sampling errors are 0.002 and 0.8 %."""
    batch, start = {"batch": 32, "sampling": "replacement"}, np.array([0.5, 0.0, -0.1])
    more = {"rate": 0.01, "steps": 60, "noise": 1.0, "samples": 400, "count": 8000}
    signs, _ = ends({"kind": "signsgd", **batch}, start, **more)
    equation, _ = ends({"kind": "signsgd-sde", "substeps": 2, **batch}, start, **more)
    langevin, _ = ends({"kind": "sde", "noise": "gradient", "substeps": 2, **batch}, start, **more)
    signs = signs[:, :3]
    assert np.abs(equation.mean(0) - signs.mean(0)).max() < 0.015
    assert np.abs(equation.std(0) / signs.std(0) - 1).max() < 0.06
    assert np.abs(langevin.mean(0) - signs.mean(0)).max() > 0.05
    assert np.abs(langevin.std(0) / signs.std(0) - 1).max() > 0.5


def test_adam_and_rmsprop_have_the_law_of_their_sdes_where_noise_dominates():
    """Near the optimum, with long averages: means within 0.01, standard deviations within 5 %."""
    batch, start = {"batch": 16, "sampling": "replacement"}, np.array([0.1, 0.0, -0.1])
    more = {"rate": 0.01, "steps": 60, "noise": 2.0, "samples": 64, "count": 8000}
    for kind, numbers in (("adam", {"beta2": 0.99}), ("rmsprop", {"bias_correction": True})):
        algorithm, _ = ends({"kind": kind, **numbers, **batch}, start, **more)
        equation, _ = ends({"kind": f"{kind}-sde", "substeps": 2, **numbers, **batch}, start, **more)
        assert np.abs(equation.mean(0)[:3] - algorithm.mean(0)[:3]).max() < 0.01
        assert np.abs(equation.std(0)[:3] / algorithm.std(0)[:3] - 1).max() < 0.05


@pytest.mark.statistics
def test_a_step_of_the_sde_on_a_landscape_has_the_variance_of_its_samples_gradients():
    """Mean ``-eta e`` and variance ``eta^2 (1 - e^2)``, e from NumPy's variance of the gradients."""
    landscape, rate = {"kind": "phase-retrieval", "size": 3, "samples": 7, "noise": 0.5}, 0.1
    model = {"kind": "signsgd-sde", "substeps": 1, "batch": 2}
    s = landscape_study(landscape, model, rate=rate, steps=1)
    start = np.array([[0.3, -0.6, 0.2]])
    gradients = objective_of(s).sample_gradients(start)[0]
    variance = gradients.var(0) * 5 / 6 / 2  # of two of seven, without replacement
    e = erf(gradients.mean(0) / np.sqrt(2 * variance))
    moved = run(s, COUNT, start=np.repeat(start, COUNT, axis=0))[1].parameters - start
    spread = rate * np.sqrt(1 - e**2)
    assert np.all(np.abs(moved.mean(0) + rate * e) < 5 * spread / math.sqrt(COUNT))
    assert np.all(np.abs(moved.std(0) / spread - 1) < 5 / math.sqrt(2 * COUNT))
    other = erf(gradients.mean(0) / np.sqrt(2 * gradients.var(0)))
    assert not np.all(np.abs(moved.mean(0) + rate * other) < 5 * spread / math.sqrt(COUNT))
