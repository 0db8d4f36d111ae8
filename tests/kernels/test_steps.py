"""One step of each dynamics, and what snapshots measure, against the plain NumPy reference."""

import math

import numpy as np
import pytest
from tools import one_step, snapshots, study

import fastsde
from fastsde.kernels.cpu import aligned
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.matmul import matmul
from fastsde.network import DeepLinearNetwork

SHAPES = [(3, 2), (3, 4, 2), (2, 5, 3, 4), (4, 10, 10, 10, 4), (3, 1, 3), (2, 3, 3, 3, 3, 2)]
INPUTS = {
    "white": {"samples": 9, "inputs": {"kind": "gaussian", "whiten": True}},
    "raw": {"samples": 40},
    "population": {"samples": "population"},
    "heavy": {"samples": "population", "inputs": {"kind": "student-t", "nu": 7.0}},
}


def network(a_study):
    return DeepLinearNetwork(a_study.network.widths, a_study.network.loss_scale)


def points(a_study, count=5, seed=0):
    return np.random.default_rng(seed).normal(0, 0.6, (count, network(a_study).size))


@pytest.mark.parametrize(
    ("n", "m", "inner"), [(1, 1, 1), (4, 4, 4), (5, 7, 3), (10, 10, 10), (3, 9, 2), (8, 2, 11)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_interleaved_matrices_are_numpys(n, m, inner, dtype):
    lanes, random = lane_count(dtype), np.random.default_rng(n)
    a, b, c = (
        random.normal(size=(*shape, lanes)).astype(dtype) for shape in ((n, inner), (inner, m), (n, m))
    )
    memory = aligned((n * inner + inner * m + 2 * n * m) * lanes, dtype)
    memory[...] = np.concatenate([a.ravel(), b.ravel(), c.ravel(), c.ravel()])
    first, second = n * inner + inner * m, n * inner + inner * m + n * m
    matmul(memory, 0, inner, 1, memory, n * inner, m, 1, memory, first, n, m, inner, None)
    matmul(memory, 0, inner, 1, memory, n * inner, m, 1, memory, second, n, m, inner, 0.5)
    exact = np.einsum("ikv,kjv->ijv", a.astype("f8"), b.astype("f8"))
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    got = memory[first * lanes :].reshape(2, n, m, lanes)
    assert np.allclose(got[0], exact, atol=tolerance)
    assert np.allclose(got[1], c - 0.5 * exact, atol=tolerance)
    shared = random.normal(size=(m, inner)).astype(dtype)  # a transposed matrix that all lanes share
    matmul(memory, 0, inner, 1, shared, 0, 1, inner, memory, first, n, m, inner, None)
    got = memory[first * lanes : second * lanes].reshape(n, m, lanes)
    assert np.allclose(got, np.einsum("ikv,jk->ijv", a.astype("f8"), shared), atol=tolerance)


@pytest.mark.parametrize("data", INPUTS)
@pytest.mark.parametrize("widths", SHAPES)
def test_snapshots_measure_what_the_reference_does(widths, data):
    everything = [
        "loss", "gradient_norm", "modes", "singular_values", "effective_rank", "balance", "noise_trace",
        "mode_matrix", "end_to_end", "parameters",
    ]  # fmt: skip
    if len(widths) == 2:
        everything.remove("balance")
    s = study(widths, **INPUTS[data], record={"observables": everything})
    problem, reference, theta = fastsde.build_problem(s), network(s), points(s)
    values, _ = snapshots(s, len(theta), start=theta, problem=problem)
    got = {name: value[0] for name, value in values.items()}
    w = reference.end_to_end(theta)
    modes = problem.mode_left.T @ w @ problem.mode_right
    assert np.allclose(got["parameters"], theta, rtol=1e-15)
    assert np.allclose(got["end_to_end"], w, rtol=1e-12)
    assert np.allclose(got["loss"], reference.loss(theta, problem), rtol=1e-12)
    gradient = reference.gradient(theta, problem)
    assert np.allclose(got["gradient_norm"], np.linalg.norm(gradient, axis=-1), rtol=1e-12)
    assert np.allclose(got["noise_trace"], reference.noise_trace(theta, problem), rtol=1e-10)
    assert np.allclose(got["mode_matrix"], modes, atol=1e-12)
    assert np.allclose(got["modes"], np.diagonal(modes, axis1=1, axis2=2), atol=1e-12)
    assert np.allclose(got["singular_values"], np.linalg.svd(w, compute_uv=False), atol=1e-12)
    if "balance" in got:
        assert np.allclose(got["balance"], reference.balance(theta), rtol=1e-10)
    assert np.allclose(values["parameters"][1], theta - 0.05 * gradient, rtol=1e-11)


def test_single_precision_measures_the_same_to_its_rounding():
    s = study((4, 10, 10, 10, 4), dtype="float32", samples=16)
    problem, theta = fastsde.build_problem(s), points(s)
    values, _ = snapshots(s, len(theta), start=theta, problem=problem)
    reference = network(s)
    assert values["loss"].dtype == np.float32
    assert np.allclose(values["loss"][0], reference.loss(theta, problem), rtol=3e-5)
    assert np.allclose(values["noise_trace"][0], reference.noise_trace(theta, problem), rtol=3e-4)


def samples_seen(before, after, sample_gradients, rate, size=1):
    """Which samples a step of SGD took: the subset whose mean gradient explains the step."""
    from itertools import combinations_with_replacement

    for subset in combinations_with_replacement(range(len(sample_gradients)), size):
        step = rate * sample_gradients[list(subset)].mean(axis=0)
        if np.allclose(before - after, step, rtol=1e-9, atol=1e-12):
            return subset
    return None


@pytest.mark.parametrize("sampling", ["epoch", "without-replacement", "replacement"])
@pytest.mark.parametrize("batch", [1, 2])
def test_sgd_descends_along_samples_of_its_data(sampling, batch):
    s = study((3, 4, 2), {"kind": "sgd", "batch": batch, "sampling": sampling}, samples=5, steps=6, rate=0.01,
              record={"observables": ["parameters"]})  # fmt: skip
    problem, reference = fastsde.build_problem(s), network(s)
    path = snapshots(s, 6, problem=problem)[0]["parameters"]
    per_epoch = math.ceil(5 / batch)
    for trajectory in range(6):
        epoch = []
        for t in range(6):
            size = batch if sampling != "epoch" or (t + 1) % per_epoch else 5 - batch * (per_epoch - 1)
            before, after = path[t, trajectory], path[t + 1, trajectory]
            seen = samples_seen(before, after, reference.sample_gradients(before, problem), 0.01, size)
            assert seen is not None
            if sampling != "replacement":
                assert len(set(seen)) == size
            if t < per_epoch:
                epoch.extend(seen)
        if sampling == "epoch":
            assert sorted(epoch) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
def test_the_two_routes_of_sgd_are_one_algorithm(sampling, monkeypatch):
    from fastsde import lowering
    from fastsde.kernels import steps

    s = study((3, 4, 2), {"kind": "sgd", "batch": 3, "sampling": sampling}, samples=7, steps=5, rate=0.02)
    chain = one_step(s, points(s))
    assert isinstance(lowering.lower(s, "m", fastsde.build_problem(s)).dynamics, steps.SampleSgd)
    monkeypatch.setattr(steps, "SampleSgd", lambda **k: steps.WeightSgd(**(k | {"dense": True})))
    weights = one_step(s, points(s))
    assert np.allclose(chain, weights, rtol=1e-12)
    assert not np.array_equal(chain, points(s))


def covariance_error(sample, exact):
    """Largest standardised error of a sample covariance of jointly Gaussian-like rows."""
    n = len(sample)
    got = np.cov(sample.T)
    spread = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / n) + 1e-12 * np.abs(exact).max()
    return np.max(np.abs(got - exact) / spread)


@pytest.mark.statistics
@pytest.mark.parametrize("data", INPUTS)
def test_gradient_noise_has_the_covariance_of_the_samples(data):
    """False alarm below 1e-3 a case: 20 x 20 entries, 6 standard errors (kurtosis allowed for by the bound)."""
    s = study((3, 2, 2), {"kind": "sde", "noise": "gradient", "substeps": 1, "sampling": "replacement", "batch": 2}
              if data in ("white", "raw") else {"kind": "sde", "noise": "gradient", "substeps": 1, "batch": 2},
              **INPUTS[data])  # fmt: skip
    problem, reference = fastsde.build_problem(s), network(s)
    theta = points(s, 1)
    n = 40_000
    noise = (one_step(s, np.repeat(theta, n, axis=0), problem=problem) - theta) / 0.05
    noise += reference.gradient(theta, problem)
    if problem.inputs is not None:
        gradients = reference.sample_gradients(theta[0], problem)
        exact = np.cov(gradients.T, bias=True) / 2
    else:
        exact = population_covariance(reference, problem, theta[0]) / 2
    assert np.abs(noise.mean(0) / np.sqrt(np.diag(exact) / n)).max() < 5
    assert covariance_error(noise, exact) < 6
    assert covariance_error(noise, exact * 1.1) > 6  # negative control
    assert math.isclose(np.trace(exact) * 2, reference.noise_trace(theta[0], problem), rel_tol=1e-9)


def population_covariance(reference, problem, theta):
    """Covariance of one sample's gradient from the fourth moments of the inputs, entry by entry (physics A2)."""
    s, deviation = problem.covariance, reference.end_to_end(theta) - problem.optimum
    d_out, d_in = deviation.shape
    ds, dsd = deviation @ s, deviation @ s @ deviation.T
    c = problem.t2 * (
        np.einsum("ik,jl->ijkl", dsd, s) + np.einsum("il,kj->ijkl", ds, ds) + np.einsum("ij,kl->ijkl", ds, ds)
    )
    c += problem.noise_sd**2 * np.einsum("ik,jl->ijkl", np.eye(d_out), s) - np.einsum("ij,kl->ijkl", ds, ds)
    basis = np.eye(d_out * d_in).reshape(-1, d_out, d_in)
    push = np.stack([reference.push(theta, b) for b in basis]) * problem.loss_scale
    return push.T @ c.reshape(d_out * d_in, -1) @ push


@pytest.mark.statistics
def test_one_step_of_gaussianised_noise_agrees_with_sgd_in_two_moments():
    """Both sides against the exact mean and covariance, 6 standard errors; false alarm below 1e-4."""
    sampling = {"batch": 3, "sampling": "without-replacement"}
    theta, n = points(study((3, 2, 2)), 1), 40_000
    for model in (
        {"kind": "sgd", **sampling},
        {"kind": "sde", "noise": "gradient", "substeps": 1, **sampling},
    ):
        s = study((3, 2, 2), model, samples=8)
        problem, reference = fastsde.build_problem(s), network(s)
        step = (theta - one_step(s, np.repeat(theta, n, axis=0), problem=problem)) / 0.05
        gradients = reference.sample_gradients(theta[0], problem)
        exact = np.cov(gradients.T, bias=True) / 3 * (8 - 3) / (8 - 1)
        mean_error = np.abs(step.mean(0) - gradients.mean(0)) / np.sqrt(np.diag(exact) / n)
        assert mean_error.max() < 5
        assert covariance_error(step, exact) < 6
        assert covariance_error(step, exact * 7 / 5) > 6  # negative control: no correction for replacement


def test_matched_temperature_gives_isotropic_noise_the_trace_of_sgds():
    model = {"kind": "sde", "noise": "isotropic", "batch": 2, "sampling": "replacement", "substeps": 1}
    s = study((3, 4, 2), {**model, "match_at": "local"})
    problem, reference, theta = fastsde.build_problem(s), network(s), points(s, 1)
    n = 4000
    noise = one_step(s, np.repeat(theta, n, axis=0), problem=problem) - theta
    noise += 0.05 * reference.gradient(theta, problem)
    expected = 0.05**2 * reference.noise_trace(theta[0], problem) / 2
    assert np.isclose((noise**2).sum(1).mean(), expected, rtol=5 * math.sqrt(2 / (n * reference.size)))
    start = fastsde.integrate(study((3, 4, 2), {**model, "match_at": "start"}), "m", 0, 1).attributes
    minimum = fastsde.integrate(study((3, 4, 2), {**model, "match_at": "minimum"}), "m", 0, 1).attributes
    assert start["temperature"] != minimum["temperature"]


def test_a_large_drift_is_held_to_a_step_of_length_one_and_a_small_one_left_alone():
    model = {"kind": "sde", "noise": "isotropic", "temperature": 0.0, "alpha": 1.5, "substeps": 4}
    s = study((3, 4, 2), model, rate=0.4, steps=1)
    problem, reference = fastsde.build_problem(s), network(s)
    for scale, tamed in ((0.3, False), (6.0, True)):
        theta = points(s, 3) * scale
        expected = theta.copy()
        for _ in range(4):
            drift = 0.1 * reference.gradient(expected, problem)
            length = np.linalg.norm(drift, axis=1, keepdims=True)
            assert (length > 1).any() <= tamed
            expected -= drift / np.maximum(length, 1)
        assert np.allclose(one_step(s, theta, problem=problem), expected, rtol=1e-9)
