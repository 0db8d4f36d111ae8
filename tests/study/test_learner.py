"""Nonlinear networks as observables see them: accuracies, layers and Hessians by their definitions."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastsde.integrate.row_curvature import row_curvature
from fastsde.study.feedforward import ACTIVATIONS, Feedforward, MeanLoss, sample_losses
from fastsde.study.learner import accuracy
from fastsde.study.observable import OBSERVABLES
from fastsde.study.observables.layers import layer_balance
from fastsde.study.random_streams import generator
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

MISFITS = ("squared", "cross-entropy")


def small_problem(activation, misfit):
    """Return a network of 29 parameters, two rows of them, and the loss of six examples of two classes."""
    random = generator(5, "inputs")
    network = Feedforward((3, 4, 2, 2), activation, True, (1.0, 0.8, 0.5))
    labels = np.eye(2)[random.integers(0, 2, 6)]
    loss = MeanLoss(random.standard_normal((6, 3)), labels, misfit, 1.5)
    return network, 0.5 * random.standard_normal((2, network.parameters)), loss


def mean_loss(network, rows, loss):
    losses = sample_losses(network.outputs(rows, loss.inputs), loss.labels, loss.misfit)
    return loss.factor * losses.mean(axis=-1)


def gradient(network, row, loss, spacing=1e-4):
    """Differences of fourth order; their error is about 1e-11 here."""
    shifts = spacing * np.eye(network.parameters)
    ahead, far = (mean_loss(network, row + k * shifts, loss) for k in (1, 2))
    behind, further = (mean_loss(network, row - k * shifts, loss) for k in (1, 2))
    return (8 * (ahead - behind) - (far - further)) / (12 * spacing)


def explicit_hessian(network, row, loss):
    """Differences of the loss alone, extrapolated; their error is about 1e-7 here."""
    near, far = (corner_differences(network, row, loss, spacing) for spacing in (2e-3, 4e-3))
    return (4 * near - far) / 3


def corner_differences(network, row, loss, spacing):
    """Differences of the loss at the corners of squares."""
    shifts = spacing * np.eye(network.parameters)
    corners = {
        (a, b): mean_loss(
            network, (row + a * shifts[:, None] + b * shifts[None]).reshape(-1, network.parameters), loss
        ).reshape(network.parameters, -1)
        for a in (1, -1)
        for b in (1, -1)
    }
    total = corners[1, 1] - corners[1, -1] - corners[-1, 1] + corners[-1, -1]
    return total / (4 * spacing**2)


@pytest.mark.parametrize("misfit", MISFITS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_hessian_product_is_the_explicit_hessian(activation, misfit):
    network, rows, loss = small_problem(activation, misfit)
    size = network.parameters
    for row in rows:
        exact = network.hessian_product(np.tile(row, (size, 1)), np.eye(size), loss)
        assert exact == pytest.approx(exact.T, abs=1e-13)
        assert exact == pytest.approx(explicit_hessian(network, row, loss), abs=1e-6)


def test_rows_are_independent_of_those_beside_them():
    network, rows, loss = small_problem("tanh", "squared")
    both = network.hessian_product(rows, rows[::-1], loss)
    for k in range(2):
        assert network.hessian_product(rows[k : k + 1], rows[1 - k : 2 - k], loss)[0] == pytest.approx(
            both[k], abs=1e-14
        )


@pytest.mark.parametrize("activation", ["tanh", "quadratic"])
def test_lanczos_finds_the_extreme_eigenvalues_within_the_bound_it_gives(activation):
    network, rows, loss = small_problem(activation, "squared")
    found = row_curvature(lambda x, v: network.hessian_product(x, v, loss), rows)
    for row, (smallest, largest, error) in zip(rows, found, strict=True):
        size = network.parameters
        values = np.linalg.eigvalsh(network.hessian_product(np.tile(row, (size, 1)), np.eye(size), loss))
        assert smallest == pytest.approx(values[0], abs=error)
        assert largest == pytest.approx(values[-1], abs=error)
        assert error < 1e-5 * abs(values).max()


def test_lanczos_knows_when_it_has_seen_everything():
    """Definite matrices of few eigenvalues: no zero is found that is none."""
    for values in (np.full(20, -2.0), np.r_[np.full(19, 2.0), 5.0], np.zeros(20)):
        found = row_curvature(lambda x, v, values=values: values * v, np.zeros((2, 20)))
        assert found[:, 0] == pytest.approx(values.min(), abs=1e-12)
        assert found[:, 1] == pytest.approx(values.max(), abs=1e-12)


@pytest.mark.parametrize("activation", [name for name, one in ACTIVATIONS.items() if one.degree])
def test_gradient_flow_conserves_the_balance(activation):
    """Its rate along the gradient is 0; negative control: that of another degree is not."""
    network, rows, loss = small_problem(activation, "cross-entropy")
    degree = ACTIVATIONS[activation].degree
    row = rows[0]
    slope = gradient(network, row, loss)

    def rate(r, spacing=1e-4):
        moved = [layer_balance(network.layers((row + s * slope)[None]), r)[0] for s in (spacing, -spacing)]
        return (moved[0] - moved[1]) / (2 * spacing)

    assert rate(degree) == pytest.approx(0.0, abs=1e-8)
    assert np.abs(rate(3 - degree)).max() > 1e-3


def test_accuracy_counts_the_right():
    outputs = np.array([[[0.3], [-0.2], [0.0]], [[1.0], [2.0], [3.0]]])
    assert accuracy(outputs, np.array([[1.0], [-1.0], [1.0]]), "signs") == pytest.approx([2 / 3, 2 / 3])
    outputs = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    assert accuracy(outputs, np.eye(3)[[2, 2]], "classes") == 0.5


def mlp_study(observables, **landscape):
    table = {
        "kind": "mlp",
        "widths": [6, 5, 3],
        "activation": "relu",
        "data": {"kind": "modular-addition", "p": 3, "share": 0.7},
    }
    return Study.from_mapping(
        {
            "trajectories": 4,
            "landscape": table | landscape,
            "time": {"learning_rate": 0.1, "steps": 1},
            "record": {"observables": list(observables)},
            "models": {"sgd": {"kind": "sgd"}},
        }
    )


def measured(name, study, rows):
    return OBSERVABLES[name].measure(SimpleNamespace(study=study, parameters=rows))


def test_observables_are_what_they_say():
    names = ("test_loss", "train_accuracy", "test_accuracy", "layer_norm", "layer_balance")
    study = mlp_study([*names, "layer_singular_values"])
    rows = generator(2, "inputs").standard_normal((4, 53)).astype(np.float32)
    inputs, labels, test_inputs, test_labels = study.landscape.data.draw()
    for k, row in enumerate(rows.astype(float)):
        first, b1, second, b2 = np.split(row, np.cumsum([30, 5, 15]))
        first, second = first.reshape(5, 6), second.reshape(3, 5)

        def outputs(x, w1=first, b1=b1, w2=second, b2=b2):
            return np.maximum(x @ w1.T + b1, 0) @ w2.T + b2

        expected = {
            "test_loss": np.mean((outputs(test_inputs) - test_labels) ** 2),
            "train_accuracy": np.mean(outputs(inputs).argmax(1) == labels.argmax(1)),
            "test_accuracy": np.mean(outputs(test_inputs).argmax(1) == test_labels.argmax(1)),
            "layer_norm": [np.linalg.norm(first), np.linalg.norm(second)],
            "layer_balance": [np.sum(first**2) + np.sum(b1**2) - np.sum(second**2)],
        }
        for name, value in expected.items():
            assert measured(name, study, rows)[k] == pytest.approx(np.array(value), rel=1e-12)
        values = measured("layer_singular_values", study, rows)[k]
        assert values[0] == pytest.approx(np.linalg.svd(first, compute_uv=False))
        assert values[1, :3] == pytest.approx(np.linalg.svd(second, compute_uv=False))
        assert np.isnan(values[1, 3:]).all()


@pytest.mark.parametrize(
    ("name", "landscape", "expected"),
    [
        (
            "layer_balance",
            {"activation": "tanh"},
            "it is conserved with the activations linear, relu, quadratic",
        ),
        (
            "test_accuracy",
            {"data": {"kind": "teacher", "widths": [6, 3], "samples": 8}},
            "an accuracy needs labels that are classes or signs",
        ),
        (
            "test_loss",
            {"data": {"kind": "modular-addition", "p": 3, "share": 1.0}},
            "the data have no test examples",
        ),
    ],
)
def test_what_a_network_does_not_have_is_refused(name, landscape, expected):
    with pytest.raises(StudyError, match=expected):
        mlp_study([name], **landscape)


def test_other_landscapes_have_none_of_it():
    with pytest.raises(StudyError) as error:
        Study.from_mapping(
            {
                "trajectories": 4,
                "landscape": {"kind": "double-well"},
                "time": {"learning_rate": 0.1, "steps": 1},
                "record": {"observables": ["hessian_max", "test_loss"]},
                "models": {"gd": {"kind": "gd"}},
            }
        )
    assert str(error.value).count('only a network of [landscape] kind = "mlp" has it, not double-well') == 2
