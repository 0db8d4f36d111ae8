"""The plan of a block's memory: nothing overlaps, and lanes go in and out as they were."""

from itertools import pairwise

import numpy as np
import pytest

from fastsde.kernels.cpu import aligned, from_lanes, standard_normals, to_lanes
from fastsde.kernels.lanes import ALIGNMENT, lane_count
from fastsde.kernels.layout import plan_network


@pytest.mark.parametrize("widths", [(1, 1), (3, 2), (3, 4, 2), (4, 10, 10, 10, 4), (2, 7, 1, 5)])
@pytest.mark.parametrize(("samples", "batch"), [(0, 1), (16, 1), (100, 7)])
def test_places_are_distinct_and_lie_within_the_size(widths, samples, batch):
    net = plan_network(widths, samples, batch)
    starts = [int(p) for name in ("weight", "gradient", "activation") for p in getattr(net, name)]
    starts += [int(p) for p in net.prefix[1:]]
    starts += [net.deviation, net.residual, net.left, net.right, net.error, net.weights, net.mix, net.spare]
    starts = sorted([*starts, net.draw])
    assert all(a < b for a, b in pairwise([*starts, net.size]))
    assert net.parameters == sum(a * b for a, b in pairwise(widths)) <= starts[len(widths) - 1]
    assert net.prefix[0] == net.weight[0] == 0  # P_1 is W_1 itself
    assert np.all(np.diff(net.gradient) == np.array([a * b for a, b in pairwise(widths)])[:-1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 7, 8, 16, 33])
def test_rows_survive_the_way_into_lanes_and_back(count, dtype):
    rows = np.random.default_rng(0).normal(size=(count, 5)).astype(dtype)
    state = to_lanes(rows)
    lanes = lane_count(dtype)
    assert state.shape == (-(-count // lanes), 5 * lanes)
    assert state.ctypes.data % ALIGNMENT == 0
    assert np.array_equal(state.reshape(-1, 5, lanes)[0, :, 0], rows[0])
    assert np.array_equal(from_lanes(state, count), rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_starting_normals_belong_to_trajectories(dtype):
    key = np.uint64(3), np.uint64(4)
    whole = standard_normals(11, 0, 50, key, dtype)
    assert whole.shape == (50, 11)
    assert np.array_equal(standard_normals(11, 13, 20, key, dtype), whole[13:33])
    assert np.array_equal(standard_normals(7, 0, 50, key, dtype), whole[:, :7])
    far = standard_normals(3, 2**40 - 4, 4, key, dtype)
    assert np.isfinite(far).all()


def test_memory_starts_on_a_cache_line():
    assert all(aligned((n, 3), "float32").ctypes.data % ALIGNMENT == 0 for n in range(1, 20))
