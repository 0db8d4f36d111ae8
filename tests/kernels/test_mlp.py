"""Nonlinear networks: activations and losses against NumPy, linear ones against deep linear networks."""

import itertools
import os

import numpy as np
import pytest
from landscape_studies import landscape_study, run
from studies import one_step, study

from fastsde.integrate.lowering import lower
from fastsde.kernels import lanes
from fastsde.kernels.gpu import products, thread
from fastsde.kernels.gpu.rebind import Rebinding
from fastsde.kernels.layout import plan_landscape
from fastsde.kernels.surface import Surface, named, place_of
from fastsde.problem.data import build_problem
from fastsde.problem.objective import objective_of
from fastsde.study.landscapes.mlp import Mlp

ACTIVATIONS = ("linear", "tanh", "relu", "gelu", "quadratic", "erf")
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
LOSSES = ("mean", "half", "cross-entropy")
WIDTHS = (3, 6, 5, 2)


def mlp(activation="tanh", loss="mean", widths=WIDTHS, samples=7, **more):
    """The table of a network and of drawn data."""
    random = np.random.default_rng(0)
    data = {"kind": "arrays", "inputs": random.normal(size=(samples, widths[0])).tolist()}
    if loss == "cross-entropy":
        data |= {"classes": random.integers(0, widths[-1], samples).tolist(), "outputs": widths[-1]}
    else:
        data |= {"labels": random.normal(size=(samples, widths[-1])).tolist()}
    table = {"kind": "mlp", "widths": list(widths), "activation": activation, "loss": loss, "data": data}
    return table | more


def points(landscape, count=3):
    return np.random.default_rng(1).normal(0, 0.7, (count, landscape.dimension))


def slopes(loss, theta, h=1e-5):
    """Central differences of a function of rows at one point."""
    shifted = theta + h * np.array([1, -1])[:, None, None] * np.eye(len(theta))
    above, below = (loss(rows) for rows in shifted)
    return (above - below) / (2 * h)


def interpreted(landscape):
    """Loss and gradient of one sample by the source of the kernels, run by Python on NumPy numbers."""
    numbers, name = landscape.numbers(), landscape.surface_name
    data = Surface(
        place_of(name), numbers.inputs, numbers.labels, None, numbers.table, numbers.vector, numbers.sizes,
        None, 1.0, 0.0, 0, 0, 0, 0, 0,
    )  # fmt: skip
    primitives, doubles, _ = thread.primitives(
        np.float64, lambda function: function, {lanes.fma: products.fma}
    )
    function = Rebinding(primitives, doubles, lambda f: f, np.float64, data).bind(named(name).function)
    net = plan_landscape(landscape.dimension, 0, work=landscape.workspace)

    def value(theta, sample, weight=1.0):
        memory = np.zeros(net.size)
        memory[: len(theta)] = theta
        loss = function(memory, net, data, sample, weight, net.residual)
        return loss, memory[net.residual :][: len(theta)].copy()

    return value


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_of_each_activation_and_loss_is_the_difference_of_losses(activation, loss):
    """The loss is that of NumPy, the gradient exact to 1e-8 of its largest entry; also without biases."""
    for more in ({}, {"scaling": "mean-field"}, {"biases": False, "widths": (3, 2)}):
        more = {key: more[key] for key in more if not (key == "scaling" and loss == "half")}
        landscape = Mlp.of_kind(mlp(activation, loss, **more))
        value, theta, sample = interpreted(landscape), points(landscape)[0], 4
        learner = landscape.learner
        one = learner.training._replace(
            inputs=learner.training.inputs[[sample]], labels=learner.training.labels[[sample]]
        )
        energy, gradient = value(theta, sample)
        assert energy == pytest.approx(learner.loss(theta[None], one)[0], rel=1e-13)
        differences = slopes(lambda rows, one=one, learner=learner: learner.loss(rows, one), theta)
        assert np.abs(gradient - differences).max() < 1e-8 * np.abs(gradient).max()
        assert np.allclose(value(theta, sample, -0.3)[1], -0.3 * gradient, rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "loss"), [("gelu", "cross-entropy"), *[("tanh", "mean")] * WHOLE])
def test_compiled_network_agrees_with_numpy(activation, loss):
    """Loss, gradient, the trace of the covariance of samples' gradients, and outputs, to rounding."""
    s = landscape_study(mlp(activation, loss), {"kind": "gd"}, steps=1, record={"observables": ["modes"]})
    objective, learner, theta = objective_of(s), s.landscape.learner, points(s.landscape)
    value = interpreted(s.landscape)
    gradients = np.array([[value(row, i)[1] for i in range(7)] for row in theta])
    assert np.allclose(objective.loss(theta), learner.loss(theta, learner.training), rtol=1e-13)
    assert np.allclose(objective.gradient(theta), gradients.mean(1), atol=1e-14)
    assert np.allclose(objective.sample_gradients(theta), gradients, atol=1e-14)
    trace = np.square(gradients).sum(2).mean(1) - np.square(gradients.mean(1)).sum(1)
    assert np.allclose(objective.noise_trace(theta), trace, rtol=1e-12)
    outputs = learner.network.outputs(theta, learner.training.inputs[:2]).reshape(3, -1)
    assert np.allclose(run(s, 3, start=theta)[0]["modes"][0], outputs, rtol=1e-12)


def test_a_step_of_batch_one_goes_down_the_gradient_of_one_sample():
    """With the noise of labels as with a shifted label; all samples are drawn, each is met exactly."""
    theta, table = points(Mlp.of_kind(mlp()))[0], mlp()
    moved = {}
    for noise in (None, 0.3):
        model = {"kind": "sgd", "sampling": "replacement"} | ({} if noise is None else {"label_noise": noise})
        s = landscape_study(table, model, rate=0.1, steps=1)
        assert type(lower(s, "m", build_problem(s)).dynamics).__name__ == "InPlaceSgd"
        moved[noise] = theta - one_step(s, np.repeat(theta[None], 64, axis=0))
    samples = 0.1 * objective_of(s).sample_gradients(theta[None])[0]
    apart = np.abs(moved[None][:, None] - samples).max(2)
    drawn = apart.argmin(1)
    assert apart.min(1).max() < 1e-14
    assert set(drawn) == set(range(7))
    value, unit = interpreted(s.landscape), np.eye(2)
    shifts = [
        [_with_label(s.landscape, i, by)(theta, i)[1] - value(theta, i)[1] for by in unit] for i in range(7)
    ]
    for row, i in zip(moved[0.3] - moved[None], drawn, strict=True):
        noise, rest, *_ = np.linalg.lstsq(0.1 * np.array(shifts[i]).T, row, rcond=None)
        assert rest[0] < 1e-28
        assert 0 < np.abs(noise).max() < 2


def _with_label(landscape, sample, by):
    labels = np.array(landscape.data.labels)
    labels[sample] += by
    return interpreted(Mlp.of_kind(mlp() | {"data": {**mlp()["data"], "labels": labels.tolist()}}))


SDE = {"kind": "sde", "noise": "gradient", "substeps": 2}
MODELS = {
    "gd": {"kind": "gd"},
    "epoch": {"kind": "sgd"},
    "replacement": {"kind": "sgd", "batch": 2, "sampling": "replacement"},
    "without replacement": {"kind": "sgd", "batch": 2, "sampling": "without-replacement"},
    "all samples": {"kind": "sgd", "batch": 6},
    "label noise": {"kind": "sgd", "label_noise": 0.5},
    "momentum": {"kind": "sgd", "label_noise": 0.5, "momentum": 0.5, "weight_decay": 0.1},
    "svag": {"kind": "svag", "substeps": 2},
    "gaussian": SDE,
    "stable": {**SDE, "alpha": 1.6},
    "tempered": {**SDE, "alpha": 1.5, "tempering": 20.0},
    "langevin": {"kind": "sde", "noise": "isotropic", "temperature": 0.05, "substeps": 2},
    "matched": {"kind": "sde", "noise": "isotropic", "temperature": "matched", "match_at": "local"},
    "second order": {"kind": "gd", "second_order": True},
}
SOME = ("epoch", "label noise", "gaussian")
CHOSEN = tuple(MODELS) if WHOLE else SOME
"""Models that are compared: with ``FASTSDE_TESTS=all`` every one."""
LOOSE = {"second order": 1e-6}
"""Derivatives of a landscape's gradient are differences."""


@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_a_linear_network_is_the_deep_linear_network_in_every_model(name):
    """Three steps by both kernels, from the same state with the same draws; to rounding."""
    widths, steps, model = (3, 4, 2), 3, MODELS[name]
    deep = study(widths, model, steps=steps, events={"mode_learned": []})
    problem = build_problem(deep)
    data = {"kind": "arrays", "inputs": problem.inputs.tolist(), "labels": problem.labels.tolist()}
    table = mlp("linear", "half", widths, biases=False) | {"data": data}
    flat = landscape_study(table, model, rate=0.05, steps=steps, seed=3)
    theta = points(flat.landscape, 16)
    ours, theirs = one_step(flat, theta), one_step(deep, theta, problem=problem)
    tolerance = LOOSE.get(name, 1e-12)
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    assert np.abs(theirs - theta).max() > 1e-3


def test_losses_of_the_two_tables_have_the_same_factors():
    """``mean`` and ``half`` are those of [network]: the same loss of the same state."""
    for loss, biases in itertools.product(("mean", "half"), (False, True)):
        landscape = Mlp.of_kind(mlp("linear", loss, (3, 2), biases=biases))
        theta = points(landscape)[0]
        weights, bias = theta[:6].reshape(2, 3), theta[6:] if biases else 0.0
        numbers = landscape.numbers()
        squares = (numbers.inputs @ weights.T + bias - numbers.labels) ** 2
        expected = squares.mean(1) if loss == "mean" else squares.sum(1) / 2
        value = interpreted(landscape)
        assert np.allclose([value(theta, i)[0] for i in range(7)], expected, rtol=1e-13)


def test_mean_field_dynamics_do_not_see_that_units_are_doubled():
    """Each unit twice, and a learning rate that grows with the width: the same function after 20 steps."""
    ends = []
    for copies in (1, 2):
        table = mlp("tanh", "mean", (3, 6 * copies, 2), scaling="mean-field", biases=False)
        s = landscape_study(
            table, {"kind": "gd"}, rate=0.5 * copies, steps=20, record={"observables": ["modes"]}
        )
        theta = np.random.default_rng(2).normal(size=(1, 30))
        first, last = theta[:, :18].reshape(6, 3), theta[:, 18:].reshape(2, 6)
        both = np.concatenate([np.tile(first, (copies, 1)).ravel(), np.tile(last, (1, copies)).ravel()])
        ends.append(run(s, 1, start=both[None])[0]["modes"][:, 0])
    assert np.allclose(ends[0], ends[1], rtol=1e-11)
    assert np.abs(ends[0][0] - ends[0][1]).max() > 0.01
