"""What a snapshot records beside the kernels' own measurements."""

import math

import numpy as np
import pytest

from fastsde.integrate.integration import integrate
from fastsde.problem.data import build_problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.observables.singular_values import effective_rank
from fastsde.study.study import Study

ETA = 0.02


def recorded(model, names, *, steps=3, count=5, dtype="float64", start=None, **data):
    """Snapshots at every step stacked by name, with the study's reference and problem."""
    study = Study.from_mapping(
        {
            "seed": 2,
            "trajectories": count,
            "dtype": dtype,
            "network": {"widths": [3, 4, 2], "init": {"std": 0.5}, "loss": "half"},
            "data": {"samples": 8, "teacher": {"singular_values": [2.0, 1.0]}, "label_noise": 0.5, **data},
            "time": {"learning_rate": ETA, "steps": steps, "snapshots": {"at": list(range(steps + 1))}},
            "record": {"observables": names},
            "models": {"m": model},
        }
    )
    problem = build_problem(study)
    kept = []
    integrate(study, "m", 0, count, problem=problem, start=start, on_snapshot=lambda _, v: kept.append(v))
    values = {name: np.stack([k[name] for k in kept]) for name in kept[0]}
    return values, DeepLinearNetwork(study.network.widths), problem


@pytest.mark.parametrize("size", [1, 2, 5])
def test_effective_rank_counts_equal_singular_values(size):
    assert effective_rank(np.full(size, 0.3)) == pytest.approx(size)
    assert effective_rank(np.eye(size)[0]) == pytest.approx(1)
    padded = np.concatenate([np.full(size, 2.0), np.zeros(3)])
    assert effective_rank(padded) == pytest.approx(size)


def test_effective_rank_is_the_exponential_of_the_entropy():
    strength = np.random.default_rng(0).exponential(size=(4, 6, 3))
    share = strength / strength.sum(axis=-1, keepdims=True)
    exact = np.exp(-(share * np.log(share)).sum(axis=-1))
    assert np.allclose(effective_rank(strength), exact)
    assert np.allclose(effective_rank(1e-200 * strength), exact)
    assert np.all((exact >= 1) & (exact <= 3))
    assert effective_rank(strength.astype(np.float32)).dtype == np.float32


def test_effective_rank_of_nothing_is_not_a_number():
    got = effective_rank(np.array([[0.0, 0.0], [1.0, 0.0], [math.nan, 1.0]]))
    assert np.isnan(got).tolist() == [True, False, True]


@pytest.mark.parametrize("batch", [1, 3])
def test_update_noise_is_what_the_next_step_adds_to_a_step_of_descent(batch):
    model = {"kind": "sgd", "batch": batch, "sampling": "epoch"}
    values, network, problem = recorded(model, ["update_noise", "parameters"], steps=10)
    theta = values["parameters"]
    descended = theta[:-1] - ETA * network.gradient(theta[:-1], problem)
    change = network.end_to_end(theta[1:]) - network.end_to_end(descended)
    exact = np.einsum("ia,...ij,ja->...a", problem.mode_left, change, problem.mode_right)
    assert np.allclose(values["update_noise"][:-1], exact, rtol=1e-9, atol=1e-13)
    assert np.isfinite(values["update_noise"][-1]).all()
    assert np.abs(exact).max() > 1e-3


def test_update_noise_is_apart_from_momentum_and_follows_the_clock_of_fractional_time():
    """Momentum: theta' less ``theta + mu (theta - before) - eta g``; waiting trajectories have no noise."""
    model = {"kind": "sgd", "batch": 2, "momentum": 0.9}
    values, network, problem = recorded(model, ["update_noise", "parameters"], steps=6)
    theta = values["parameters"]
    quiet = theta[1:-1] + 0.9 * np.diff(theta, axis=0)[:-1] - ETA * network.gradient(theta[1:-1], problem)
    change = network.end_to_end(theta[2:]) - network.end_to_end(quiet)
    exact = np.einsum("ia,snij,ja->sna", problem.mode_left, change, problem.mode_right)
    assert np.allclose(values["update_noise"][1:-1], exact, rtol=1e-9, atol=1e-13)
    slow = {"kind": "sde", "noise": "isotropic", "temperature": 0.1, "subordination": {"beta": 0.5}}
    values, _, _ = recorded(slow | {"substeps": 1}, ["update_noise", "parameters"], steps=9, count=40)
    moved = np.abs(np.diff(values["parameters"], axis=0)).max(axis=-1) > 0
    assert 0 < moved.sum() < moved.size
    assert np.array_equal(np.abs(values["update_noise"][:-1]).max(axis=-1) > 0, moved)


@pytest.mark.parametrize(
    "model",
    [
        {"kind": "sgd", "batch": 2, "momentum": 0.9},
        {"kind": "sde", "noise": "isotropic", "temperature": 0.1, "substeps": 1,
         "subordination": {"beta": 0.5}},
    ],
)  # fmt: skip
def test_what_a_step_carries_is_not_observed(model):
    """Every observable of a model that carries numbers beside the parameters is that of its parameters."""
    names = ["loss", "balance", "layer_alignment", "hessian_min", "hessian_max", "noise_trace", "parameters"]
    got, _, _ = recorded(model, names, steps=2)
    plain, _, _ = recorded({"kind": "gd"}, names, steps=1, start=got["parameters"][-1])
    for name in names:
        assert np.allclose(got[name][-1], plain[name][0], rtol=1e-6, atol=1e-9), name


def test_gradient_descent_has_no_update_noise():
    values, _, _ = recorded({"kind": "gd"}, ["update_noise"])
    assert np.all(values["update_noise"] == 0)


def test_only_what_was_asked_for_is_recorded_and_it_is_the_receivers():
    values, network, problem = recorded({"kind": "gd"}, ["loss", "parameters"])
    assert set(values) == {"loss", "parameters"}
    assert values["loss"].shape == (4, 5)
    assert np.allclose(values["loss"], network.loss(values["parameters"], problem))
    assert np.all(np.diff(values["loss"], axis=0) < 0)  # each snapshot kept its own numbers


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_diverged_trajectory_is_not_a_number_in_every_variable(dtype):
    names = ["loss", "gradient_norm", "modes", "singular_values", "effective_rank", "balance", "noise_trace",
             "update_noise", "mode_matrix", "end_to_end", "parameters", "hessian_min", "hessian_max",
             "hessian_error", "rank_index", "rank_distance", "mode_drift", "stable_rank", "mode_alignment",
             "layer_alignment"]  # fmt: skip
    start = np.random.default_rng(1).normal(0, 0.5, (5, 20))
    start[2] *= 1e3
    values, _, _ = recorded({"kind": "gd"}, names, steps=8, dtype=dtype, start=start)
    for name, value in values.items():
        assert value.dtype == dtype
        assert np.isnan(value[-1, 2]).all(), name
        assert np.isfinite(np.delete(value[-1], 2, axis=0)).all(), name
        assert np.isfinite(np.delete(value[0], 2, axis=0)).all(), name
    gone = np.isnan(values["loss"][:, 2])
    assert not gone[0]
    assert np.all(np.diff(gone.astype(int)) >= 0)  # once gone, gone for good


CURVED = ["hessian_min", "hessian_max", "hessian_error", "rank_index", "rank_distance", "parameters"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_recorded_curvature_is_that_of_the_dense_hessian(dtype):
    values, network, problem = recorded({"kind": "gd"}, CURVED, dtype=dtype)
    theta = values["parameters"][-1].astype(float)
    for k, row in enumerate(theta):
        hessian = network.hessian_vector(np.broadcast_to(row, (row.size,) * 2), np.eye(row.size), problem)
        exact = np.linalg.eigvalsh(hessian)
        small = {"float32": 1e-4, "float64": 1e-7}[dtype] * np.abs(exact).max()
        allowed = {"float32": 2.1e-4, "float64": 2.1e-5}[dtype] * np.abs(exact).max()  # twice the tolerance
        assert values["hessian_min"][-1, k] == pytest.approx(exact[0], abs=small)
        assert values["hessian_max"][-1, k] == pytest.approx(exact[-1], abs=small)
        assert 0 <= values["hessian_error"][-1, k] < allowed


def test_curvature_does_not_depend_on_which_trajectories_are_looked_at_together():
    whole, _, _ = recorded({"kind": "gd"}, CURVED, count=11)
    one, _, _ = recorded({"kind": "gd"}, CURVED, count=1)
    assert np.array_equal(whole["hessian_min"][:, :1], one["hessian_min"])


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_at_a_saddle_the_rank_is_its_own_and_the_distance_nothing(rank):
    from fastsde.problem.initial_points import balanced_factors
    from fastsde.study.observables.saddle_rank import best_maps

    data = {"samples": "population", "inputs": {"kind": "gaussian", "spectrum": [3.0, 1.0, 0.2]}}
    _, network, problem = recorded({"kind": "gd"}, ["loss"], count=1, **data)
    point = network.pack(balanced_factors(best_maps(problem)[rank], [np.eye(4)[:, :2]]))
    start = np.stack([point, point + 0.01])
    values, _, _ = recorded({"kind": "gd"}, CURVED, count=2, start=start, **data)
    assert (values["rank_index"][0] == rank).all()
    assert values["rank_distance"][0, 0] < 1e-12
    assert values["rank_distance"][0, 1] > 1e-4
    if rank < 2:  # two layers: strict, by the largest singular value of the residual
        residual = network.residual(point, problem)
        assert values["hessian_min"][0, 0] == pytest.approx(-np.linalg.norm(residual, 2), rel=1e-6)
    gradient = network.gradient(point, problem)
    assert np.abs(gradient).max() < 1e-7  # a saddle for raw inputs too; the root of rounding
