"""Noise that follows the state: the covariance of one step of every form, and both senses of an equation."""

import math

import numpy as np
import pytest
from landscape_studies import landscape_study
from studies import study
from tools import Case

import fastsde
from fastsde.kernels.dln import deviate, product
from fastsde.kernels.options import kernel
from fastsde.kernels.shape import keep_gradient, shape_noise
from fastsde.problem import user
from fastsde.problem.objective import objective_of

RATE = 0.01
COUNT = 60_000
POINT = [0.7, -0.4]
PHASES = {"kind": "phase-retrieval", "size": 2, "samples": 7, "noise": 0.5, "start": {"point": POINT}}
LARGE = {
    "kind": "quadratic",
    "matrix": np.diag([9.0, 4.0, -2.0] + [1.0] * 15 + [0.25] * 2).tolist(),
    "start": {"point": [0.3] * 20},
}


def swirl(theta, columns):
    """Two columns on two coordinates, one of them curved."""
    columns[0, 0] = 1.0 + theta[1] ** 2
    columns[1, 0] = theta[0] * theta[1]
    columns[1, 1] = 0.5 * theta[0]


user.register("swirl", swirl)


def reference(model, landscape):
    """The covariance per unit time by its definition, and ``grad L`` at the start, in NumPy."""
    objective = objective_of(of(model, landscape))
    theta = np.array(landscape["start"]["point"])
    gradient = lambda x: objective.gradient(np.atleast_2d(x))[0]  # noqa: E731
    steps = 1e-4 * np.eye(len(theta))
    hessian = np.array([(gradient(theta + h) - gradient(theta - h)) / 2e-4 for h in steps])
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    positive = (vectors * np.maximum(values, 0)) @ vectors.T
    largest = values[-1] * np.outer(vectors[:, -1], vectors[:, -1])
    loss, name = objective.loss(theta[None])[0], model["noise"]
    samples = objective.sample_gradients(theta[None])
    cov = None if samples is None else np.cov(samples[0].T, bias=True)
    shape = {
        "loss": lambda: max(loss - model.get("floor", 0.0), 0.0) * np.eye(len(theta)),
        "hessian": lambda: positive,
        "loss-hessian": lambda: loss * positive,
        "hessian-leading": lambda: largest,
        "multiplicative": lambda: model.get("zeta", 1.0) ** 2 * np.diag(theta**2),
        "gradient": lambda: cov,
        "gradient-diagonal": lambda: RATE / 2 * np.diag(np.diag(cov)),
        "gradient-leading": lambda: RATE / 2 * leading(cov),
        "function": lambda: matrix(theta) @ matrix(theta).T,
    }[name]()
    if "trace" in model:
        shape = shape * model["trace"] / np.trace(shape)
    return shape * model.get("strength", 1.0), gradient(theta)


def leading(cov):
    values, vectors = np.linalg.eigh(cov)
    return values[-1] * np.outer(vectors[:, -1], vectors[:, -1])


def matrix(theta):
    out = np.zeros((2, 2))
    swirl(theta, out)
    return out


def of(model, landscape, **more):
    sampling = {"batch": 2, "sampling": "replacement"} if "samples" in landscape else {}
    return landscape_study(
        landscape, {"kind": "sde", "substeps": 1, **sampling, **model}, rate=RATE, steps=1, **more
    )


def ends(model, landscape, count=COUNT, **more):
    return fastsde.integrate(of(model, landscape, **more), "m", 0, count, threads=2).parameters


FORMS = {
    "loss": {"noise": "loss", "strength": 0.5, "floor": 0.1},
    "hessian": {"noise": "hessian", "strength": 0.3},
    "loss-hessian": {"noise": "loss-hessian"},
    "hessian-leading": {"noise": "hessian-leading", "trace": 0.4},
    "multiplicative": {"noise": "multiplicative", "zeta": 0.8},
    "multiplicative of equal trace": {"noise": "multiplicative", "trace": 0.3},
    "gradient of equal trace": {"noise": "gradient", "trace": 0.3},
    "gradient-diagonal": {"noise": "gradient-diagonal"},
    "gradient-leading": {"noise": "gradient-leading"},
    "function": {"noise": "function", "function": "swirl", "rank": 2, "strength": 0.5},
}


def assert_covariance(ends, theta, model, landscape):
    """Mean and covariance of one step are those of the definition: 6 standard errors in every entry.

    With up to 210 entries per form the false-alarm rate is below 1e-6; the fixed seed decides once.
    """
    expected, gradient = reference(model, landscape)
    moved = (ends - theta + RATE * gradient) / math.sqrt(RATE)
    sd = np.sqrt(np.diag(expected) + 1e-12)
    assert np.all(np.abs(moved.mean(axis=0)) < 6 * sd / math.sqrt(len(ends)) + 1e-6)
    error = np.sqrt((np.outer(sd, sd) ** 2 + expected**2) / len(ends))
    assert np.all(np.abs(np.cov(moved.T) - expected) < 6 * error + 1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_the_covariance_of_a_step_is_that_of_the_definition(form):
    assert_covariance(ends(FORMS[form], PHASES), POINT, FORMS[form], PHASES)


def test_another_covariance_would_be_noticed():
    """Negative control: the noise of one form is not taken for that of another."""
    one = ends(FORMS["hessian"], PHASES)
    with pytest.raises(AssertionError):
        assert_covariance(one, POINT, {"noise": "hessian", "strength": 0.32}, PHASES)


@pytest.mark.parametrize("form", ["hessian", "hessian-leading"])
def test_lanczos_has_the_positive_part_above_16_parameters(form):
    """Five different eigenvalues: six steps are exact but for rounding."""
    model = {"noise": form, "products": 6}
    assert_covariance(ends(model, LARGE), 0.3, model, LARGE)


def test_few_products_are_an_approximation_that_is_not_taken_for_exact():
    """Negative control of the test above."""
    model = {"noise": "hessian", "products": 1}
    with pytest.raises(AssertionError):
        assert_covariance(ends(model, LARGE), 0.3, model, LARGE)


CORRECTIONS = {
    "loss": lambda theta, gradient: 0.25 * 0.5 * gradient,
    "multiplicative": lambda theta, gradient: 0.5 * 0.8**2 * theta,
    "multiplicative of equal trace": lambda theta, gradient: (
        0.15 * theta / (theta @ theta) * (1 - theta**2 / (theta @ theta))
    ),
    "function": lambda theta, gradient: 0.25 * directional(theta),
}


def directional(theta, h=1e-5):
    """The sum over the columns of the derivative of each along itself."""
    b = matrix(theta)
    return sum(
        (matrix(theta + h * b[:, c])[:, c] - matrix(theta - h * b[:, c])[:, c]) / (2 * h) for c in range(2)
    )


@pytest.mark.parametrize("form", CORRECTIONS)
def test_stratonovich_adds_the_drift_of_its_formula(form):
    """The same random numbers, so that the difference of the two steps is the drift alone."""
    ito, other = (
        ends(FORMS[form] | {"interpretation": sense}, PHASES, 16) for sense in ("ito", "stratonovich")
    )
    expected = CORRECTIONS[form](np.array(POINT), reference(FORMS[form], PHASES)[1])
    np.testing.assert_allclose((other - ito) / RATE, np.tile(expected, (16, 1)), rtol=1e-6, atol=1e-9)


@kernel
def drawn(m, net, data, shape):
    """What a step does before it moves: the numbers at the place of the noise become noise."""
    product(m, net)
    deviate(m, net, data)
    keep_gradient(m, net, data)
    shape_noise(m, net, data, shape)


def test_a_network_has_noise_of_its_loss_and_of_the_diagonal_of_its_samples():
    """On a network of two layers, to rounding: its loss above a floor, and the variances of its samples."""
    one = {"kind": "sde", "substeps": 1, "batch": 2, "sampling": "replacement"}
    forms = {
        "loss": {"noise": "loss", "strength": 0.2, "floor": 0.1},
        "diagonal": {"noise": "gradient-diagonal"},
    }
    xi = np.random.default_rng(3).normal(size=20)
    for name, form in forms.items():
        case = Case(study((3, 4, 2), one | form, samples=9))
        low, theta = case.lowered, case.points(1)
        memory = np.zeros((low.network.size, case.lanes))
        memory[:20] = theta.T
        memory[place(low.network) : place(low.network) + 20] = xi[:, None]
        drawn(memory.reshape(-1), low.network, low.data, low.dynamics.shape)
        if name == "loss":
            variance = 0.2 * (case.reference.loss(theta, case.problem)[0] - 0.1)
        else:
            gradients = case.reference.sample_gradients(theta, case.problem)[0]
            variance = case.study.time.learning_rate / 2 * gradients.var(axis=0)
        found = memory[place(low.network) : place(low.network) + 20, 0]
        np.testing.assert_allclose(found, np.sqrt(variance) * xi, rtol=1e-9, atol=1e-12)


def place(network):
    """Where the noise is, `fastsde.kernels.shape.noise_place`."""
    return network.shaped + 2 * (network.parameters + 4)


@pytest.mark.parametrize("model", [{"noise": "hessian"}, {"noise": "hessian-leading", "products": 3}])
def test_a_trajectory_does_not_depend_on_those_beside_it(model):
    """Other trajectories may need more rotations: the same numbers in other lanes of a block, to the bit."""
    landscape = PHASES if "products" not in model else LARGE
    landscape = landscape | {"start": landscape["start"] | {"std": 0.5}}
    study = of(model, landscape)
    whole = fastsde.integrate(study, "m", 0, 24, threads=1).parameters
    part = fastsde.integrate(study, "m", 5, 9, threads=1).parameters
    np.testing.assert_array_equal(part, whole[5:14])
