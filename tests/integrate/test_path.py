"""What is kept of every step: the running average and its loss, the length of the path, the displacement."""

import os

import numpy as np
import pytest
from landscape_studies import landscape_study, run
from studies import snapshots, study

import fastsde
from fastsde.integrate.lowering import lower
from fastsde.kernels.steps.tracked import _added
from fastsde.problem.data import build_problem
from fastsde.problem.objective import objective_of
from fastsde.study.terms.tracking import kept_places
from fastsde.system.errors import StudyError

STEPS = 24
KEPT = ["running_average", "running_average_loss", "path_length", "displacement"]
BOWL = {"kind": "quadratic", "eigenvalues": [1.0, 0.2, 3.0]}
LANGEVIN = {"kind": "sde", "noise": "isotropic", "temperature": 0.3, "substeps": 1}
INERTIAL = {"kind": "underdamped", "friction": 1.0, "temperature": 0.3, "substeps": 1}
MODELS = [LANGEVIN, INERTIAL] if os.environ.get("FASTSDE_TESTS") == "all" else [LANGEVIN]
"""Compiling the second takes 25 s; it carries a velocity itself."""


def bowl(at, model=LANGEVIN, **more):
    chosen = {"record": {"observables": ["parameters", *KEPT]}, **more}
    time = {"learning_rate": 0.1, "steps": STEPS, "snapshots": {"at": at}, **chosen.pop("time", {})}
    return landscape_study(BOWL, model, time=time, **chosen)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["kind"])
def test_they_are_sums_over_all_steps_whatever_the_snapshots(model):
    few, places = bowl([1, 7, STEPS], model), [0, 1, 7, STEPS]
    found, _ = run(few, 8)
    theta = run(bowl(list(range(STEPS + 1)), model), 8)[0]["parameters"]
    for row, step in enumerate(places):
        np.testing.assert_array_equal(found["parameters"][row], theta[step])
        average = theta[1 : step + 1].mean(axis=0) if step else theta[0]
        length = np.linalg.norm(np.diff(theta[: step + 1], axis=0), axis=2).sum(axis=0)
        np.testing.assert_allclose(found["running_average"][row], average, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(found["path_length"][row], length, rtol=1e-13)
        np.testing.assert_allclose(
            found["displacement"][row], np.linalg.norm(theta[step] - theta[0], axis=1), rtol=1e-13
        )
        loss = objective_of(few).loss(average)
        np.testing.assert_allclose(found["running_average_loss"][row], loss, rtol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["kind"])
def test_they_survive_resumption_and_do_not_depend_on_the_trajectories_beside_them(model):
    a_study, velocity = bowl([STEPS], model), 3 * (model is INERTIAL)
    whole, _ = run(a_study, 8)
    begun = fastsde.integrate(bowl([7], model, time={"steps": 7}), "m", 3, 2).checkpoint
    assert begun.parameters.shape == (2, 3 + velocity + 6 + 5 + 3)  # sums, length, origin
    rest = []
    fastsde.integrate(a_study, "m", 3, 2, resume=begun, on_snapshot=lambda _, values: rest.append(values))
    for name in ("parameters", *KEPT):
        np.testing.assert_array_equal(rest[-1][name], whole[name][-1, 3:5])


def test_what_is_kept_changes_nothing_of_the_trajectories():
    plain, outcome = run(bowl([STEPS], record={"observables": ["parameters"]}), 8)
    np.testing.assert_array_equal(plain["parameters"], run(bowl([STEPS]), 8)[0]["parameters"])
    assert outcome.checkpoint.parameters.shape == (8, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_are_compensated(dtype):
    kind = np.dtype(dtype).type
    numbers = np.random.default_rng(0).uniform(0, 1, 20_000).astype(dtype)
    total = rest = plain = kind(0)
    for number in numbers:
        total, rest = _added(total, rest, number)
        plain = plain + number
    exact = np.sum(numbers.astype(np.longdouble))
    unit, off = np.finfo(dtype).eps, abs(np.longdouble(total) - np.longdouble(rest) - exact) / exact
    assert off < unit
    assert abs(plain - exact) / exact > 5 * unit  # without the correction


def test_only_what_is_recorded_is_carried():
    assert kept_places(("loss", "parameters"), 5).end == 0
    assert kept_places(("running_average_loss",), 5) == kept_places(("running_average",), 5)


def test_numbers_are_behind_what_the_model_carries_itself():
    record = {"record": {"observables": ["running_average_loss", "path_length"]}}
    for own, model in ((0, {"kind": "gd"}), (20, {"kind": "sgd", "batch": 2, "momentum": 0.5})):
        a_study = study(model=model, **record)
        lowered = lower(a_study, "m", build_problem(a_study))
        assert (lowered.dynamics.sums, lowered.dynamics.length) == (own, own + 40)
        assert lowered.carried == own + 40 + 22


def test_layers_and_test_loss_of_a_deep_linear_network():
    """The loss of a million fresh samples agrees within five standard errors."""
    names = ["parameters", "layer_norm", "layer_balance", "layer_singular_values", "test_loss", "end_to_end"]
    a_study = study((3, 4, 2), steps=1, spectrum=(2.0, 0.5), record={"observables": names})
    found, _ = snapshots(a_study)
    first = found["parameters"][..., :12].reshape(2, 8, 4, 3)
    second = found["parameters"][..., 12:].reshape(2, 8, 2, 4)
    norms = np.stack([np.linalg.norm(one, axis=(-2, -1)) for one in (first, second)], axis=-1)
    np.testing.assert_allclose(found["layer_norm"], norms)
    np.testing.assert_allclose(found["layer_balance"][..., 0], norms[..., 0] ** 2 - norms[..., 1] ** 2)
    values = found["layer_singular_values"]
    np.testing.assert_allclose(values[..., 0, :], np.linalg.svd(first, compute_uv=False))
    np.testing.assert_allclose(values[..., 1, :2], np.linalg.svd(second, compute_uv=False))
    assert np.isnan(values[..., 1, 2]).all()
    rng, teacher = np.random.default_rng(0), build_problem(a_study).teacher
    inputs = rng.standard_normal((1_000_000, 3)) * np.sqrt(np.linspace(2.0, 0.5, 3))
    labels = inputs @ teacher.T + 0.3 * rng.standard_normal((1_000_000, 2))
    losses = 0.5 * np.sum((inputs @ found["end_to_end"][1, 0].T - labels) ** 2, axis=1)
    error = losses.std() / 1000
    assert found["test_loss"][1, 0] == pytest.approx(losses.mean(), abs=5 * error)


@pytest.mark.parametrize(
    ("data", "word"),
    [({"inputs": {"kind": "stable", "alpha": 1.5}}, "without a variance"), ({"noise": "stable"}, "variance")],
)
def test_fresh_samples_without_a_variance_have_no_test_loss(data, word):
    noise = {"kind": "stable", "alpha": 1.5, "scale": 0.1} if data.pop("noise", "") else 0.3
    with pytest.raises(StudyError, match=word):
        study(record={"observables": ["test_loss"]}, noise=noise, **data)
