"""What snapshots measure, in both precisions, against the plain NumPy reference."""

import numpy as np
import pytest
from studies import snapshots, study
from tools import INPUTS, SHAPES, Case, guarded, points, untouched

from fastsde.kernels.cpu import to_lanes
from fastsde.kernels.observe import NO_TRACE, measurement_columns, observe, project
from fastsde.problem.data import build_problem

EVERYTHING = [
    "loss", "gradient_norm", "modes", "singular_values", "effective_rank", "balance", "noise_trace",
    "mode_matrix", "end_to_end", "parameters",
]  # fmt: skip
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


@pytest.mark.parametrize("widths", [(3, 2), (3, 4, 2), (4, 10, 10, 10, 4)])
def test_the_columns_of_measurements_follow_each_other_without_gaps(widths):
    at = measurement_columns(widths)
    order = np.arange(at.count)
    pieces = [order[[at.loss, at.gradient_norm, at.noise_trace]], order[at.balance], order[at.end_to_end]]
    assert np.array_equal(np.concatenate(pieces), order)
    assert [len(piece) for piece in pieces] == [3, len(widths) - 2, widths[0] * widths[-1]]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("data", INPUTS)
@pytest.mark.parametrize("widths", SHAPES)
def test_the_kernel_measures_what_the_reference_does(widths, data, dtype):
    case = Case(study(widths, dtype=dtype, **INPUTS[data]))
    low, theta, tolerance = case.lowered, case.points(count=5), TOLERANCE[dtype]
    at = measurement_columns(widths)
    out = np.full((case.lanes * (-(-5 // case.lanes)), at.count), -1.0, dtype=dtype)
    memory = guarded(low.network.size * case.lanes, dtype)
    observe(to_lanes(theta), memory, low.network, low.data, low.trace, out)
    assert untouched(memory)
    theta, problem, reference = theta.astype(np.float64), case.problem, case.reference
    got = out[:5].astype(np.float64)
    w = reference.end_to_end(theta)
    scale = np.abs(w).max() ** 2 + np.abs(problem.optimum).max() ** 2
    assert np.allclose(
        got[:, at.loss], reference.loss(theta, problem), rtol=tolerance, atol=tolerance * scale
    )
    norm = np.linalg.norm(reference.gradient(theta, problem), axis=-1)
    assert np.allclose(got[:, at.gradient_norm], norm, rtol=4 * tolerance)
    assert np.allclose(got[:, at.noise_trace], reference.noise_trace(theta, problem), rtol=20 * tolerance)
    assert np.allclose(got[:, at.balance], reference.balance(theta), rtol=10 * tolerance)
    assert np.allclose(got[:, at.end_to_end], w.reshape(5, -1), rtol=tolerance, atol=tolerance)


def test_a_population_without_moments_has_no_noise_trace():
    s = study((3, 4, 2), samples="population", inputs={"kind": "student-t", "nu": 3.0})
    case = Case(s)
    assert case.lowered.trace == NO_TRACE
    values, _ = snapshots(s, 3, start=points(s, 3), problem=case.problem)
    assert np.isnan(values["noise_trace"]).all()
    assert np.isfinite(values["loss"]).all()


@pytest.mark.parametrize("widths", SHAPES)
def test_snapshots_hold_what_their_names_say(widths):
    everything = [name for name in EVERYTHING if len(widths) > 2 or name != "balance"]
    s = study(widths, samples="population", record={"observables": everything})
    problem, theta = build_problem(s), points(s)
    reference = Case(s).reference
    values, _ = snapshots(s, len(theta), start=theta, problem=problem)
    got = {name: value[0] for name, value in values.items()}
    w = reference.end_to_end(theta)
    modes = problem.mode_left.T @ w @ problem.mode_right
    strength = np.linalg.svd(w, compute_uv=False)
    share = strength / strength.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(share * np.log(share), axis=1)
    assert set(got) == set(everything)
    assert np.array_equal(got["parameters"], theta)
    assert np.allclose(got["end_to_end"], w, rtol=1e-12, atol=1e-13)
    assert np.allclose(got["loss"], reference.loss(theta, problem), rtol=1e-12)
    gradient = reference.gradient(theta, problem)
    assert np.allclose(got["gradient_norm"], np.linalg.norm(gradient, axis=-1), rtol=1e-12)
    assert np.allclose(got["noise_trace"], reference.noise_trace(theta, problem), rtol=1e-10)
    assert np.allclose(got["mode_matrix"], modes, atol=1e-12)
    assert np.allclose(got["modes"], np.diagonal(modes, axis1=1, axis2=2), atol=1e-12)
    assert np.allclose(got["singular_values"], strength, atol=1e-12)
    assert np.allclose(got["effective_rank"], np.exp(entropy), rtol=1e-9)
    if len(widths) > 2:
        assert np.allclose(got["balance"], reference.balance(theta), rtol=1e-10)
    assert np.allclose(values["parameters"][1], theta - 0.05 * gradient, rtol=1e-11)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_projections_on_modes(dtype):
    random = np.random.default_rng(0)
    matrices, left, right = (random.normal(size=s).astype(dtype) for s in ((7, 5 * 4), (3, 5), (3, 4)))
    exact = np.einsum("nij,ai,bj->nab", matrices.reshape(7, 5, 4).astype("f8"), left, right)
    square, diagonal = np.empty((7, 9), dtype), np.empty((7, 3), dtype)
    project(matrices, left, right, square)
    project(matrices, left, right, diagonal)
    assert np.allclose(square.reshape(7, 3, 3), exact, atol=10 * TOLERANCE[dtype])
    assert np.allclose(diagonal, np.diagonal(exact, axis1=1, axis2=2), atol=10 * TOLERANCE[dtype])
