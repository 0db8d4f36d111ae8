"""Which samples a mini-batch holds: coverage exactly, uniformity by chi-square tests of false alarm 1e-4."""

from itertools import combinations

import numpy as np
import probes
import pytest
from scipy import stats

from fastsde.kernels.cpu import aligned
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.minibatch import DISTINCT, EPOCH, REPLACING

LANES = lane_count("float64")
ALARM = 1e-4


def batches(sampling, batch, n, steps, start=0, trajectory=0, key=(1, 2), dtype="float64"):
    """Sample indices (steps, batch, lanes), -1 beyond a smaller batch, and the batches' sizes."""
    lanes = lane_count(dtype)
    memory, indices = aligned(lanes, dtype), aligned((max(n, batch) + 1) * lanes, np.int32)
    out = np.full((steps, batch, lanes), -1, dtype=np.int64)
    sizes = np.zeros(steps, dtype=np.int64)
    key = np.uint64(key[0]), np.uint64(key[1])
    probes.chosen(memory, indices, out, sizes, sampling, batch, n, start, steps, trajectory, key)
    return out, sizes


def uniform(counts):
    return stats.chisquare(counts).pvalue


@pytest.mark.parametrize(("n", "batch"), [(1, 1), (2, 1), (5, 1), (6, 2), (7, 3), (8, 8), (5, 4), (23, 5)])
def test_an_epoch_holds_each_sample_once(n, batch):
    per_epoch = -(-n // batch)
    out, sizes = batches(EPOCH, batch, n, 4 * per_epoch)
    assert sizes.tolist() == ([batch] * (per_epoch - 1) + [n - batch * (per_epoch - 1)]) * 4
    for epoch in out.reshape(4, -1, LANES):
        for lane in epoch.T:
            assert sorted(lane[lane >= 0]) == list(range(n))


@pytest.mark.parametrize("sampling", [EPOCH, DISTINCT, REPLACING])
def test_a_batch_depends_on_its_step_and_trajectory_alone(sampling):
    whole, _ = batches(sampling, 3, 10, 9)
    for start in range(9):
        assert np.array_equal(batches(sampling, 3, 10, 9 - start, start=start)[0], whole[start:])
    shifted, _ = batches(sampling, 3, 10, 9, trajectory=1)
    assert np.array_equal(shifted[..., :-1], whole[..., 1:])
    single, _ = batches(sampling, 3, 10, 9, dtype="float32")
    assert np.array_equal(single[..., :LANES], whole)
    assert not np.array_equal(batches(sampling, 3, 10, 9, key=(1, 3))[0], whole)


@pytest.mark.parametrize(("n", "batch"), [(1, 1), (5, 5), (9, 4), (1000, 40)])
def test_a_batch_without_replacement_never_repeats(n, batch):
    out, _ = batches(DISTINCT, batch, n, 200)
    assert out.min() >= 0
    assert out.max() < n
    ordered = np.sort(out, axis=1)
    assert np.all(np.diff(ordered, axis=1) > 0)


@pytest.mark.statistics
def test_shuffles_are_uniform_over_all_permutations():
    out, _ = batches(EPOCH, 4, 4, 240_000 // LANES)
    code = (out * np.array([64, 16, 4, 1])[:, None]).sum(axis=1).ravel()
    _, counts = np.unique(code, return_counts=True)
    assert counts.size == 24
    assert uniform(counts) > ALARM
    biased = counts + np.eye(24)[0] * 0.05 * counts[0]  # negative control: one of 24 is 5 per cent off
    assert uniform(biased) < ALARM


@pytest.mark.statistics
def test_long_shuffles_put_each_sample_anywhere():
    out, _ = batches(EPOCH, 23, 23, 5_000)
    table = np.array([np.bincount(out[:, place].ravel(), minlength=23) for place in range(23)])
    assert uniform(table.ravel()) > ALARM
    assert uniform(np.bincount((out[1:, 0] * 23 + out[:-1, 22]).ravel(), minlength=529)) > ALARM


@pytest.mark.statistics
def test_subsets_without_replacement_are_equally_likely():
    out, _ = batches(DISTINCT, 3, 6, 20_000)
    codes = (1 << out).sum(axis=1).ravel()
    counts = [np.sum(codes == sum(1 << i for i in subset)) for subset in combinations(range(6), 3)]
    assert sum(counts) == codes.size
    assert uniform(counts) > ALARM


@pytest.mark.statistics
def test_draws_with_replacement_are_uniform_and_independent():
    out, _ = batches(REPLACING, 6, 7, 20_000)
    assert uniform(np.bincount(out.ravel(), minlength=7)) > ALARM
    for a, b in combinations(range(6), 2):
        assert uniform(np.bincount((7 * out[:, a] + out[:, b]).ravel(), minlength=49)) > ALARM
    assert np.any(np.diff(np.sort(out, axis=1), axis=1) == 0)
