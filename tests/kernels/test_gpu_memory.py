"""The memory of a step on a GPU, and how threads divide products: without a GPU and without its simulator."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from studies import study

from fastsde.integrate.gpu.placements import shared_limit
from fastsde.integrate.lowering import lower
from fastsde.kernels.gpu.placement import LARGEST_TEAM, best_warps, limit_of, place
from fastsde.kernels.gpu.plan import SINGLE, most_samples, rooms
from fastsde.kernels.gpu.tiles import product_of
from fastsde.kernels.gpu.tiling import MOST, tiling
from fastsde.problem.data import build_problem

LANGEVIN = {"kind": "sde", "noise": "isotropic", "temperature": 0.05, "substeps": 1}
GRADIENT = {"kind": "sde", "noise": "gradient", "substeps": 1}
SQUARE = (10, 10, 10, 10)


def lowered(widths, model, samples="population"):
    a_study = study(widths, model, samples=samples)
    return lower(a_study, "m", build_problem(a_study))


def placed(low, dtype="float32", **more):
    return place(low.network, low.data, dtype, low.dynamics, low.choice, limit_of((9, 0)), **more)


@pytest.mark.parametrize(
    ("n", "m"), [(1, 1), (1, 10), (10, 1), (10, 10), (7, 13), (4, 10), (64, 64), (3, 200)]
)
def test_every_entry_of_a_product_is_one_threads(n, m):
    for lanes in (1, 2, 4, 8, 32, 128):
        t = tiling(n, m, lanes)
        assert t.down * t.across == lanes
        assert t.r * t.c <= MOST
        found = np.zeros((n, m), int)
        for i, j in itertools.product(range(t.down), range(t.across)):
            for down, across in itertools.product(range(t.tiles_down), range(t.tiles_across)):
                rows = [i + row for row in t.rows(down) if i + row < n]
                columns = [j + column for column in t.columns(across) if j + column < m]
                found[np.ix_(rows, columns)] += 1
        assert (found == 1).all()


def test_threads_together_multiply_as_numpy_does():
    rng = np.random.default_rng(3)
    n, m, inner, lanes = 7, 5, 6, 4
    memory = rng.normal(size=n * inner + m * inner + n * m)
    a, b = memory[: n * inner].reshape(n, inner), memory[n * inner : (n + m) * inner].reshape(m, inner)
    before = memory[(n + m) * inner :].reshape(n, m).copy()
    part = product_of(tiling(n, m, lanes), inner, SimpleNamespace(wait=lambda: None))
    for rank in range(lanes):
        part(rank, memory, 0, inner, 1, memory, n * inner, 1, inner, memory, (n + m) * inner, 0.5)
    np.testing.assert_allclose(memory[(n + m) * inner :].reshape(n, m), before - 0.5 * a @ b.T, rtol=1e-12)


def test_a_step_has_the_memory_that_it_needs():
    found = placed(lowered(SQUARE, LANGEVIN))
    assert (found.where, found.lanes, found.side_by_side) == ("shared", 4, 8)
    assert found.plan.network.size == 600
    assert found.bytes * 11 <= limit_of((9, 0)) < found.bytes * 12
    assert placed(lowered(SQUARE, GRADIENT)).plan.network.size == 760
    sgd = placed(lowered((4, 10, 10, 10, 4), {"kind": "sgd"}, 16))
    assert (sgd.where, sgd.plan.scratch, sgd.warps) == ("lane", 280, 1)


def test_places_that_are_needed_at_the_same_time_do_not_overlap():
    net = placed(lowered((3, 6, 5, 4), {**GRADIENT, "alpha": 1.6})).plan.network
    sizes = rooms(lowered((3, 6, 5, 4), {**GRADIENT, "alpha": 1.6}).network)
    taken = np.zeros(net.size, int)
    taken[: net.parameters] += 1
    for name in SINGLE:
        start = getattr(net, name)
        if start < net.size:
            taken[start : start + min(sizes[name, None], max(net.widths) * net.widths[0])] += 1
    assert taken.max() == 1  # a law tames the drift: nothing shares its room


def test_classes_by_size_and_by_device():
    def classes(widths, dtype="float32"):
        found = placed(lowered(widths, LANGEVIN), dtype)
        return found.where, found.lanes, found.pad

    assert classes((32,) * 5) == ("shared", 32, 5)
    assert classes((64,) * 5) == ("block", 128, 5)
    assert classes((64,) * 5, "float64")[0] == "team"
    assert classes((16,) * 4) == ("shared", 8, 4)
    low = lowered((32,) * 5, LANGEVIN)
    small = place(low.network, low.data, "float64", low.dynamics, low.choice, limit_of((7, 5)))
    assert small.where == "team"
    assert LARGEST_TEAM >= 128


def test_warps_of_a_block_leave_least_shared_memory_over():
    assert best_warps(38 * 1024, 227 * 1024) == (1, 5)
    assert best_warps(37 * 1024 + 600, 227 * 1024) == (3, 6)
    assert best_warps(300 * 1024, 227 * 1024) == (0, 0)
    assert most_samples(lowered((3, 4, 2), {"kind": "svag", "substeps": 2, "batch": 2}, 6).dynamics) == 4


def test_without_a_device_the_classes_are_those_of_an_h100():
    assert shared_limit() == limit_of((9, 0))
