"""Hessian products and extreme eigenvalues against the reference, finite differences and dense Hessians."""

from itertools import pairwise

import numpy as np
import pytest
from studies import study
from tools import INPUTS, SHAPES, Case, guarded, untouched

from fastsde.integrate.curvature import curvature
from fastsde.kernels.cpu import to_lanes
from fastsde.kernels.hessian import hessian_vector, plan_space, settle
from fastsde.problem.network import DeepLinearNetwork

TOLERANCE = {"float32": 2e-5, "float64": 1e-11}


def products(case, theta, direction):
    """Hessian products of one block by the kernel, (lanes, p)."""
    low, lanes = case.lowered, case.lanes
    plan = plan_space(low.network.widths, 1)
    p = low.network.parameters
    memory, space = (guarded(size * lanes, case.study.dtype) for size in (low.network.size, plan.size))
    memory[: p * lanes] = to_lanes(theta)[0]
    space[plan.basis * lanes : (plan.basis + p) * lanes] = to_lanes(direction)[0]
    settle(memory, space, low.network, low.data, plan)
    hessian_vector(memory, space, low.network, low.data, plan, plan.basis, plan.basis + p)
    assert untouched(memory)
    assert untouched(space)
    start = (plan.basis + p) * lanes
    return space[start : start + p * lanes].reshape(p, lanes).T


def dense(theta, reference, problem):
    """The Hessian of one point, from p products of the reference."""
    return reference.hessian_vector(np.broadcast_to(theta, (len(theta),) * 2), np.eye(len(theta)), problem)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("data", INPUTS)
@pytest.mark.parametrize("widths", SHAPES)
def test_the_product_is_that_of_the_reference(widths, data, dtype):
    case = Case(study(widths, dtype=dtype, **INPUTS[data]))
    theta, direction = case.points(), case.points(seed=1)
    exact = case.reference.hessian_vector(theta.astype("f8"), direction.astype("f8"), case.problem)
    got = products(case, theta, direction)
    assert np.abs(got - exact).max() < TOLERANCE[dtype] * np.abs(exact).max()


@pytest.mark.parametrize("widths", [(3, 4, 2), (2, 5, 3, 4), (2, 3, 3, 3, 3, 2)])
def test_the_product_is_the_change_of_the_gradient(widths):
    """Richardson's difference of gradients, error of order h^4: 1e-10 of the largest entry."""
    case = Case(study(widths))
    theta, direction = case.points(), case.points(seed=1)

    def slope(h):
        ends = [case.reference.gradient(theta + s * h * direction, case.problem) for s in (1, -1)]
        return (ends[0] - ends[1]) / (2 * h)

    exact = (4 * slope(1e-3) - slope(2e-3)) / 3
    got = products(case, theta, direction)
    assert np.abs(got - exact).max() < 1e-10 * np.abs(exact).max()
    assert np.abs(products(case, theta, 1.001 * direction) - exact).max() > 1e-5 * np.abs(exact).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("data", INPUTS)
@pytest.mark.parametrize("widths", SHAPES)
def test_extreme_eigenvalues_are_those_of_the_dense_hessian(widths, data, dtype):
    case = Case(study(widths, dtype=dtype, **INPUTS[data]))
    theta = case.points(count=case.lanes + 3)
    got = curvature(theta, case.lowered).astype("f8")
    exact = np.array(
        [np.linalg.eigvalsh(dense(row, case.reference, case.problem)) for row in theta.astype("f8")]
    )
    scale = np.abs(exact).max(axis=1)
    small = 1e-5 if dtype == "float64" else 1e-3
    assert np.all(np.abs(got[:, 0] - exact[:, 0]) < small * scale)
    assert np.all(np.abs(got[:, 1] - exact[:, -1]) < small * scale)
    nearest = np.abs(exact[:, :, None] - got[:, None, :2]).min(axis=1).max(axis=1)
    assert np.all(nearest <= got[:, 2])
    assert np.all(got[:, 2] >= np.finfo(dtype).eps * scale)  # never zero, however small the network
    assert np.all(got[:, 2] <= {"float64": 2e-5, "float32": 1e-3}[dtype] * scale)


def test_each_point_stops_at_its_own_time():
    """A point of few different eigenvalues beside points of many: the same bits as alone."""
    case = Case(study((4, 10, 10, 10, 4)))
    theta = np.concatenate([scale * case.points(count=3) for scale in (0.1, 1.0, 3.0)])
    together = curvature(theta, case.lowered)
    for row, got in zip(theta, together, strict=True):
        assert np.array_equal(curvature(row[None], case.lowered)[0], got)
    errors = together[:, 2] / np.abs(together[:, :2]).max(axis=1)
    assert np.all(errors < 2e-5)
    assert np.any(errors > 1e-8)  # else all went on to the last step, and nothing is tested


def test_a_point_that_is_not_finite_has_no_curvature_and_spoils_no_other():
    case = Case(study((3, 4, 2)))
    theta = case.points()
    whole = curvature(theta, case.lowered)
    theta[1] = np.nan
    got = curvature(theta, case.lowered)
    assert np.isnan(got[1]).all()
    assert np.array_equal(np.delete(got, 1, axis=0), np.delete(whole, 1, axis=0))


@pytest.mark.parametrize("widths", [(3, 4, 4, 3), (4, 10, 10, 10, 4)])
def test_the_hessian_of_a_deep_origin_is_zero(widths):
    case = Case(study(widths))
    assert np.array_equal(curvature(np.zeros((2, case.reference.size)), case.lowered), np.zeros((2, 3)))


def saddle(widths, keep, strength):
    """Balanced layers with ``W = sum over keep of s_k e_k e_k^T``."""
    layers = len(widths) - 1
    weights = [np.zeros((rows, columns)) for columns, rows in pairwise(widths)]
    for k in keep:
        for weight in weights:
            weight[k, k] = strength[k] ** (1 / layers)
    return np.concatenate([weight.ravel() for weight in weights])


def diagonal_case(widths, strength):
    """A population problem with a diagonal teacher: half the sum of squares, white inputs."""
    import dataclasses

    from fastsde.integrate.lowering import lower

    case = Case(study(widths, samples="population", noise=0.0))
    teacher = np.zeros((widths[-1], widths[0]))
    np.fill_diagonal(teacher, strength)
    problem = dataclasses.replace(case.problem, teacher=teacher, optimum=teacher, cross=teacher)
    case.problem, case.lowered = problem, lower(case.study, "m", problem)
    return case


STRENGTH = np.array([3.0, 2.0, 1.0])


@pytest.mark.parametrize("keep", [(), (0,), (0, 1), (1,), (2,), (0, 2)])
def test_two_layers_are_strict_at_every_saddle(keep):
    """Two layers: lambda_min = -max of the s_k not kept; lambda_max = max(2 s_1, s_m + s_k) over m kept."""
    case = diagonal_case((3, 5, 3), STRENGTH)
    low, high, _ = curvature(saddle((3, 5, 3), keep, STRENGTH)[None], case.lowered)[0]
    free = [STRENGTH[k] for k in range(3) if k not in keep]
    assert low == pytest.approx(-max(free), rel=1e-6)
    pairs = [STRENGTH[m] + s for m in keep for s in free]
    assert high == pytest.approx(max([*pairs, *(2 * STRENGTH[m] for m in keep), max(free)]), rel=1e-6)


@pytest.mark.parametrize("layers", [3, 4])
@pytest.mark.parametrize("keep", [(0,), (0, 1), (1,), (2,), (0, 2)])
def test_deep_saddles_are_flat_unless_the_wrong_modes_are_kept(layers, keep):
    """Three layers or more: top modes kept, no negative eigenvalue; else -max s_m^((L-2)/L) (s_k - s_m)."""
    widths = (3, *[5] * (layers - 1), 3)
    case = diagonal_case(widths, STRENGTH)
    theta = saddle(widths, keep, STRENGTH)
    low, high, error = curvature(theta[None], case.lowered)[0]
    wrong = [
        STRENGTH[m] ** ((layers - 2) / layers) * (STRENGTH[k] - STRENGTH[m])
        for k in range(3) for m in keep if k not in keep and STRENGTH[k] > STRENGTH[m]
    ]  # fmt: skip
    exact = np.linalg.eigvalsh(dense(theta, case.reference, case.problem))
    assert low == pytest.approx(-max(wrong, default=0.0), abs=1e-6)
    assert high == pytest.approx(exact[-1], rel=1e-6)
    assert np.any(np.abs(exact - layers * max(STRENGTH[list(keep)]) ** (2 - 2 / layers)) < 1e-9)
    assert error < 1e-5


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_near_the_origin_the_least_eigenvalue_scales_with_depth(layers):
    """Scalar layers of size delta: lambda_min = -(L - 1) s delta^(L - 2) to leading order."""
    case = diagonal_case((1,) * (layers + 1), [2.0])
    delta = 1e-3
    low = curvature(np.full((1, layers), delta), case.lowered)[0, 0]
    assert low == pytest.approx(-(layers - 1) * 2.0 * delta ** (layers - 2), rel=1e-2)


def test_the_reference_agrees_that_a_gradient_vanishes_at_these_points():
    case = diagonal_case((3, 5, 5, 3), STRENGTH)
    for keep in [(0,), (1, 2)]:
        theta = saddle((3, 5, 5, 3), keep, STRENGTH)
        network = DeepLinearNetwork((3, 5, 5, 3))
        assert np.abs(network.gradient(theta, case.problem)).max() < 1e-12
