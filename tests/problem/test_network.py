from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from study_files import POPULATION, TEXT

from fastsde.problem.data import Problem, build_problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.study import Study

WIDTHS = [(3, 2), (3, 5, 2), (3, 4, 2, 6, 2)]


def setting(widths: tuple[int, ...], text: str = TEXT) -> tuple[DeepLinearNetwork, Problem, np.ndarray]:
    study = Study.from_toml(text).replace(network={"widths": list(widths)})
    network = DeepLinearNetwork(widths, study.network.loss_scale)
    theta = np.random.default_rng(len(widths)).normal(size=(4, network.size)) * 0.7
    return network, build_problem(study), theta


@pytest.mark.parametrize("widths", WIDTHS)
def test_parameters_lie_input_side_first_row_by_row(widths):
    network, _, theta = setting(widths)
    layers = network.unpack(theta)
    assert [layer.shape for layer in layers] == [(4, b, a) for a, b in pairwise(widths)]
    np.testing.assert_array_equal(layers[0][1].ravel(), theta[1, : widths[0] * widths[1]])
    np.testing.assert_array_equal(network.pack(layers), theta)
    product = layers[0][2]
    for layer in layers[1:]:
        product = layer[2] @ product
    np.testing.assert_allclose(network.end_to_end(theta)[2], product, rtol=1e-12)


@pytest.mark.parametrize("text", [TEXT, TEXT.replace('"mean"', '"half"')])
@pytest.mark.parametrize("widths", WIDTHS)
def test_loss_is_that_of_the_samples(widths, text):
    network, problem, theta = setting(widths, text)
    outputs = problem.inputs @ np.swapaxes(network.end_to_end(theta), -1, -2)
    squares = (outputs - problem.labels) ** 2
    direct = squares.mean(axis=(-2, -1)) if text is TEXT else squares.sum(axis=-1).mean(axis=-1) / 2
    np.testing.assert_allclose(network.loss(theta, problem), direct, rtol=1e-12)


@pytest.mark.parametrize("text", [TEXT, POPULATION])
@pytest.mark.parametrize("widths", WIDTHS)
def test_gradient_and_hessian_are_the_finite_differences(widths, text):
    network, problem, theta = setting(widths, text)
    direction = np.random.default_rng(7).normal(size=theta.shape)
    step = 1e-5
    up, down = theta + step * direction, theta - step * direction
    slope = (network.loss(up, problem) - network.loss(down, problem)) / (2 * step)
    gradient = network.gradient(theta, problem)
    np.testing.assert_allclose(np.sum(gradient * direction, axis=-1), slope, rtol=1e-6)
    turn = (network.gradient(up, problem) - network.gradient(down, problem)) / (2 * step)
    scale = np.abs(turn).max()
    np.testing.assert_allclose(network.hessian_vector(theta, direction, problem), turn, atol=1e-7 * scale)


@pytest.mark.parametrize("widths", WIDTHS)
def test_sample_gradients_are_those_of_one_sample_studies(widths):
    network, problem, theta = setting(widths)
    gradients = network.sample_gradients(theta, problem)
    assert gradients.shape == (4, 12, network.size)
    np.testing.assert_allclose(gradients.mean(axis=1), network.gradient(theta, problem), atol=1e-12)
    x, y = problem.inputs[5:6], problem.labels[5:6]
    alone = dataclasses.replace(problem, covariance=x.T @ x, cross=y.T @ x)
    np.testing.assert_allclose(gradients[:, 5], network.gradient(theta, alone), atol=1e-12)


@pytest.mark.parametrize("widths", WIDTHS)
def test_noise_trace_is_the_trace_of_the_sample_covariance(widths):
    network, problem, theta = setting(widths)
    gradients = network.sample_gradients(theta, problem)
    np.testing.assert_allclose(
        network.noise_trace(theta, problem), gradients.var(axis=1).sum(axis=-1), rtol=1e-10
    )


@pytest.mark.statistics
@pytest.mark.parametrize("nu", [None, 12.0])
def test_population_noise_trace_agrees_with_sampling(nu):
    """Fixed seed; 5 standard errors on four parameters: false alarms below 1e-5. Control: without t2."""
    network, problem, theta = setting((3, 4, 2), POPULATION)
    random = np.random.default_rng(11)
    count = 400_000
    problem = dataclasses.replace(problem, t2=1.0 if nu is None else (nu - 2) / (nu - 4), noise_sd=1.5)
    scale = 1.0 if nu is None else np.sqrt((nu - 2) / random.chisquare(nu, (count, 1)))
    x = random.standard_normal((count, 3)) * scale
    y = x @ problem.teacher.T + 1.5 * random.standard_normal((count, 2))
    first, second = network.widths[1:]
    for point in theta:
        inner, outer = network.unpack(point)
        errors = network.loss_scale * (x @ network.end_to_end(point).T - y)
        one = np.sum((errors @ outer) ** 2, axis=1) * np.sum(x**2, axis=1)
        two = np.sum(errors**2, axis=1) * np.sum((x @ inner.T) ** 2, axis=1)
        mean = np.sum(network.gradient(point, problem) ** 2)
        assert (inner.shape[0], outer.shape[0]) == (first, second)
        found = (one + two).mean() - mean
        error = 5 * (one + two).std() / math.sqrt(count)
        assert abs(network.noise_trace(point, problem) - found) < error
        if nu is not None:
            plain = dataclasses.replace(problem, t2=1.0)
            assert abs(network.noise_trace(point, plain) - found) > error


def test_noise_trace_is_infinite_where_no_covariance_exists():
    network, problem, theta = setting((3, 5, 2), POPULATION)
    assert np.all(np.isinf(network.noise_trace(theta, dataclasses.replace(problem, t2=math.inf))))
    with pytest.raises(ValueError, match="population"):
        network.sample_gradients(theta, problem)


def test_leading_axes_are_taken_along():
    network, problem, theta = setting((3, 5, 2))
    stack = theta.reshape(2, 2, -1)
    for function in (
        network.loss,
        network.gradient,
        network.sample_gradients,
        network.noise_trace,
        network.residual,
    ):
        whole = function(stack, problem)
        np.testing.assert_allclose(whole[1, 0], function(theta[2], problem), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(network.balance(stack)[1, 0], network.balance(theta[2]), rtol=1e-12)


def test_balance_of_a_balanced_network_is_zero_and_depth_one_has_none():
    network = DeepLinearNetwork((2, 2, 2))
    root = np.diag([2.0, 1.0])
    assert network.balance(network.pack([root, root])).tolist() == [0.0]
    assert network.balance(network.pack([root, 2 * root])) == pytest.approx(3 * math.sqrt(17))
    assert DeepLinearNetwork((2, 2)).balance(np.ones((5, 4))).shape == (5, 0)


def test_a_step_changes_the_imbalance_only_at_second_order():
    """physics.md A7: I' - I = eta^2 (W_1 R^T R W_1^T - W_2^T R R^T W_2), for any matrix R."""
    network, _, theta = setting((3, 5, 2))
    matrix, eta = np.random.default_rng(3).normal(size=(2, 3)), 0.1
    before, after = (network.unpack(t[0]) for t in (theta, theta - eta * network.push(theta, matrix)))
    change = [second.T @ second - first @ first.T for first, second in (before, after)]
    first, second = before
    expected = eta**2 * (first @ matrix.T @ matrix @ first.T - second.T @ matrix @ matrix.T @ second)
    np.testing.assert_allclose(change[1] - change[0], expected, atol=1e-14)


def test_dead_directions_stay_dead():
    """physics.md A7: a hidden unit without input and output gets no gradient from any matrix."""
    network, _, theta = setting((3, 5, 2))
    first, second = network.unpack(theta)
    first[:, 2], second[:, :, 2] = 0, 0
    push = network.push(network.pack([first, second]), np.ones((2, 3)))
    pushed_first, pushed_second = network.unpack(push)
    assert not pushed_first[:, 2].any()
    assert not pushed_second[:, :, 2].any()


def test_the_optimum_is_a_minimum():
    network, problem, _ = setting((3, 2))
    theta = network.pack([problem.optimum])
    np.testing.assert_allclose(network.gradient(theta, problem), 0, atol=1e-13)
    assert network.loss(theta, problem) == pytest.approx(problem.optimum_loss)


def test_descent_of_a_balanced_mode_follows_its_closed_form():
    """physics.md E9 at depth 2: u(t) = s e^{2st} / (e^{2st} - 1 + s/u0); Euler is first order in its step."""
    strength, start, time = 2.0, 0.01, 1.3
    growth = math.exp(2 * strength * time)
    exact = strength * growth / (growth - 1 + strength / start)
    study = Study.from_toml(POPULATION).replace(
        network={"widths": [1, 1, 1]}, data={"teacher": {"singular_values": [strength]}}
    )
    problem, network = build_problem(study), DeepLinearNetwork((1, 1, 1))
    errors = []
    for steps in (500, 1000):
        theta = np.sqrt(start) * np.array([1.0, np.sign(problem.optimum[0, 0])])
        for _ in range(steps):
            theta = theta - time / steps * network.gradient(theta, problem)
        errors.append(abs(abs(network.end_to_end(theta)[0, 0]) - exact))
    assert errors[1] < 0.01
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.1)
