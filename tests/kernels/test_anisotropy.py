"""Noise between isotropic and that of SGD's gradient: one step in NumPy, its covariance, its ends."""

import math
import os

import numpy as np
import pytest
from studies import study
from test_steps import RATE, population_residual, sde, stretches
from tools import Case

import fastsde
from fastsde.integrate.lowering import lower
from fastsde.integrate.mode_rates import ModeRates
from fastsde.kernels import philox, steps
from fastsde.kernels.steps.isotropic import faster_with_noise
from fastsde.problem.data import build_problem
from fastsde.study.models import Sde
from fastsde.study.turn import random_turn, turn_matrix

BATCH = 2
ALL = os.environ.get("FASTSDE_TESTS") == "all"


def mixed(samples=7, widths=(3, 4, 2), dtype="float64", clock="gaussian", **keys):
    sampling = {} if samples == "population" else {"sampling": "replacement"}
    return Case(study(widths, sde(clock=clock, **sampling, **keys), samples=samples, dtype=dtype))


def samples_noise(case, theta, xi):
    """``C^(1/2) xi``: gradients of the samples by weights, less their mean."""
    gradients = case.reference.sample_gradients(theta, case.problem)
    off = gradients - gradients.mean(axis=1, keepdims=True)
    return np.einsum("tn,tnp->tp", xi, off) / math.sqrt(gradients.shape[1])


def population_noise(case, theta, draws):
    count = len(theta)
    with_noise = population_residual(case, theta, draws, np.ones(count))
    without = population_residual(case, theta, draws, np.zeros(count))
    return case.reference.push(theta, with_noise - without)


def turn_of(case, rotated):
    size = case.reference.size
    return turn_matrix(*random_turn(case.study.seed, size)) if rotated else np.eye(size)


def expected(case, theta, a, rotated, level=None, **at):
    """The step by its formula with the same random numbers; `level` is a given trace per unit time."""
    theta, p = theta.astype(np.float64), case.reference.size
    if case.problem.inputs is None:
        own = population_noise(case, theta, case.draws(6 + 6 + 1, philox.NOISE, **at))
    else:
        own = samples_noise(case, theta, case.draws(len(case.problem.inputs), philox.NOISE, **at))
    other = case.draws(p, philox.FACTOR, **at)
    trace = case.reference.noise_trace(theta, case.problem)[:, None]
    noise = math.sqrt(a) * own @ turn_of(case, rotated).T + np.sqrt((1 - a) * trace / p) * other
    size = RATE / math.sqrt(BATCH) if level is None else np.sqrt(RATE * level / trace)
    size = size * stretches(case, at["step"], at["first"])
    return theta - RATE * case.reference.gradient(theta, case.problem) - size * noise


CASES = [
    ("float64", 7, "stable", 0.3, True, None),
    ("float64", 7, "stable", 0.8, False, 0.4),
]
MORE = [
    ("float64", "population", "gaussian", 0.5, False, None),
    ("float32", 7, "gaussian", 0.5, True, None),
    ("float64", 7, "tempered", 0.7, False, None),
    ("float64", "population", "tempered", 1.0, True, None),
]


@pytest.mark.parametrize(("dtype", "samples", "clock", "a", "rotated", "level"), CASES + MORE * ALL)
def test_a_step_is_the_sum_of_two_draws_with_one_factor(dtype, samples, clock, a, rotated, level):
    case = mixed(samples, dtype=dtype, clock=clock, anisotropy=a, rotated=rotated, trace=level)
    theta, at = case.points(), {"first": 8, "step": 5}
    got = case.advance(theta, first=8, start=5)
    tolerance = 2e-5 if dtype == "float32" else 1e-11
    exact = expected(case, theta, a, rotated, level, **at)
    np.testing.assert_allclose(got, exact, rtol=tolerance, atol=tolerance)
    assert np.abs(got - expected(case, theta, a - 0.01, rotated, level, **at)).max() > 1e-4


def columns(case, theta, a, rotated):
    """The noise of unit draws at one state, a column each: the columns times their transpose are C."""
    n, p = len(case.problem.inputs), case.reference.size
    own = samples_noise(case, np.repeat(theta[None], n, axis=0), np.eye(n))
    trace = case.reference.noise_trace(theta[None], case.problem)[0]
    return np.hstack(
        [math.sqrt(a) * turn_of(case, rotated) @ own.T, math.sqrt((1 - a) * trace / p) * np.eye(p)]
    )


@pytest.mark.parametrize(
    ("a", "rotated"), [(0.0, False), (0.5, False), (1.0, False), (0.5, True), (1.0, True)]
)
def test_the_formula_has_the_covariance_of_the_definition_and_equal_trace_at_every_state(a, rotated):
    """``(1 - a) tr(C)/p I + a Q C Q^T`` from the samples' gradients; the step is that of the formula."""
    case = mixed(anisotropy=a, rotated=rotated)
    for theta in case.points(3):
        gradients = case.reference.sample_gradients(theta[None], case.problem)[0]
        own = np.cov(gradients.T, bias=True)
        turn, p = turn_of(case, rotated), len(own)
        definition = (1 - a) * np.trace(own) / p * np.eye(p) + a * turn @ own @ turn.T
        found = columns(case, theta, a, rotated)
        np.testing.assert_allclose(found @ found.T, definition, atol=1e-12)
        assert np.trace(definition) == pytest.approx(np.trace(own), rel=1e-12)
        if rotated and a == 1:
            np.testing.assert_allclose(*(np.linalg.eigvalsh(one) for one in (definition, own)), atol=1e-12)
            assert np.abs(definition - own).max() > 0.1 * np.abs(own).max()


def lowered(model, samples=7):
    a_study = study((3, 4, 2), model, samples=samples)
    return lower(a_study, "m", build_problem(a_study))


@pytest.mark.parametrize("samples", [7, "population"])
@pytest.mark.parametrize("more", [{}, {"alpha": 1.5}, {"alpha": 1.4, "tempering": 20.0}])
def test_the_ends_are_the_steps_there_were(samples, more):
    """The same step with the same numbers and key: bit for bit gradient noise, and locally matched noise."""
    sampling = {"sampling": "fresh" if samples == "population" else "replacement"}
    common = {"kind": "sde", "substeps": 2, "batch": 2, **sampling, **more}
    for keys, plain in (
        ({"anisotropy": 1.0}, {"noise": "gradient"}),
        ({"anisotropy": 0.0}, {"noise": "isotropic", "match_at": "local"}),
        ({"anisotropy": 0.0, "rotated": True}, {"noise": "isotropic", "match_at": "local"}),
    ):
        found = lowered({**common, "noise": "gradient", **keys}, samples)
        other = lowered({**common, **plain}, samples)
        assert type(found.dynamics) is type(other.dynamics)
        assert found.dynamics == other.dynamics
        assert found.key == other.key
    between = lowered({**common, "noise": "gradient", "anisotropy": 0.999}, samples)
    kind = steps.AnisotropicNoise if samples == 7 else steps.AnisotropicPopulation
    assert isinstance(between.dynamics, kind)


def test_a_learning_rate_of_0_leaves_a_step_without_noise_and_half_of_it_half():
    """Noise of a batch goes with the rate, that of a given trace with its root, as it does at both ends."""
    dynamics = lowered({**sde(), "sampling": "replacement", "anisotropy": 0.5}).dynamics
    for f in (0.0, 0.5):
        found = faster_with_noise(dynamics, f, f)
        assert (found.dt, found.amplitude) == (f * dynamics.dt, f * dynamics.amplitude)
        assert found[3:] == dynamics[3:]
    assert Sde(noise="gradient", anisotropy=0.5).noise_exponent == 1.0
    assert Sde(noise="gradient", anisotropy=0.5, trace=1.0).noise_exponent == 0.5


@pytest.mark.skipif(not ALL, reason="compiles two steps more")
@pytest.mark.parametrize(("a", "plain"), [(1.0, {}), (0.0, {"noise": "isotropic", "match_at": "local"})])
def test_trajectories_at_the_ends_have_the_same_bits(a, plain):
    model = {"kind": "sde", "noise": "gradient", "batch": 2, "sampling": "replacement"}
    ends = [
        fastsde.integrate(study((3, 4, 2), one, steps=20), "m", 0, 8).parameters
        for one in ({**model, "anisotropy": a}, {**model, **plain})
    ]
    assert np.array_equal(*ends)
    other = fastsde.integrate(study((3, 4, 2), {**model, "anisotropy": 0.5}, steps=20), "m", 0, 8).parameters
    assert not np.array_equal(ends[0], other)


@pytest.mark.parametrize("size", [2, 5, 36, 250])
def test_the_random_matrix_turns_directions_as_a_uniform_one(size):
    """Mean square of ``u^T Q u`` about 1/p over 20 matrices; six whole reflections leave it near 1.

    With 20 directions of each matrix the standard error is below a tenth of it, and 2/3 to 2 are the bounds.
    The fixed seeds decide once.
    """
    random = np.random.default_rng(0)
    squares, whole = [], []
    for seed in range(20):
        turn = turn_matrix(*random_turn(seed, size))
        np.testing.assert_allclose(turn @ turn.T, np.eye(size), atol=1e-12)
        u = random.standard_normal((size, 20))
        u /= np.linalg.norm(u, axis=0)
        squares.append(np.mean(np.sum(u * (turn @ u), axis=0) ** 2))
        reflected = u
        for axis in random.standard_normal((6, size)):
            reflected = reflected - 2 * np.outer(axis, axis @ reflected) / (axis @ axis)
        whole.append(np.mean(np.sum(u * reflected, axis=0) ** 2))
    assert 2 / 3 < np.mean(squares) * size < 2
    assert (np.mean(whole) > 0.85) == (size == 250)


def test_the_random_matrix_is_the_seeds_own():
    one, other = random_turn(3, 9), random_turn(3, 9)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert not np.array_equal(one[0], random_turn(4, 9)[0])
    assert random_turn(3, 9, 0)[0].shape == (0, 9)


def rates(model, theta):
    a_study = study((3, 4, 2), model, samples=7)
    problem = build_problem(a_study)
    low = lower(a_study, "m", problem)
    trace = Case(a_study).reference.noise_trace(theta, problem)
    return ModeRates(a_study, a_study.models["m"], problem, low).measure(theta, trace)


def test_the_diffusion_of_modes_is_the_mean_of_both_ends():
    sde_of = {"kind": "sde", "noise": "gradient", "batch": 2, "sampling": "replacement"}
    theta = mixed().points(3)
    none, own, half = (rates({**sde_of, "anisotropy": a}, theta)[1] for a in (0.0, 1.0, 0.5))
    np.testing.assert_allclose(half, (none + own) / 2, rtol=1e-12)
    assert np.abs(none / own - 1).max() > 0.1
    drift, unknown = rates({**sde_of, "anisotropy": 0.5, "rotated": True}, theta)
    assert np.isnan(unknown).all()
    assert np.isfinite(drift).all()
