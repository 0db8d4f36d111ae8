"""What a snapshot records beside the kernels' own measurements."""

import math

import numpy as np
import pytest

from fastsde.data import build_problem
from fastsde.ensemble import integrate
from fastsde.network import DeepLinearNetwork
from fastsde.observables import effective_rank
from fastsde.study import Study

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
def test_an_exploded_trajectory_is_not_a_number_in_every_variable(dtype):
    names = ["loss", "gradient_norm", "modes", "singular_values", "effective_rank", "balance", "noise_trace",
             "update_noise", "mode_matrix", "end_to_end", "parameters", "mode_drift", "stable_rank",
             "mode_alignment", "layer_alignment"]  # fmt: skip
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
