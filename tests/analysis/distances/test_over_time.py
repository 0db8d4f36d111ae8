import numpy as np
import pytest

from fastsde.analysis.distances.jackknife import closer
from fastsde.analysis.distances.kinds import mmd
from fastsde.analysis.distances.kinds import mmd_features as random_features
from fastsde.analysis.distances.kinds import sliced_wasserstein as wasserstein
from fastsde.analysis.distances.over_time import over_time
from fastsde.analysis.distances.permutation import Relabelling
from fastsde.analysis.law import time_weights

N, PERMUTATIONS = 30, 99


def _compare(rng, shift, kind, snapshots=4):
    """Distance of two samples of N trajectories, each a path that keeps its own offset over time."""
    first, second = rng.normal(size=(N, 2)), rng.normal(shift, 1.0, size=(N, 2))
    everyone = np.ones(N, bool)
    slots, labels = Relabelling(N, PERMUTATIONS, seed=1).at(everyone, everyone)
    along = wasserstein.directions(2, 10, seed=0)
    rows = []
    for snapshot in range(snapshots):
        pooled = np.concatenate([first, second])[slots] * (1 + snapshot) + rng.normal(0, 0.1, (2 * N, 2))
        rows.append(
            mmd.relabelled(pooled, labels, 2.0)
            if kind == "mmd"
            else wasserstein.relabelled(pooled, labels, along)
        )
    return over_time(np.array(rows), np.full(snapshots, float(N)))


@pytest.mark.statistics
@pytest.mark.parametrize("kind", ["mmd", "sliced"])
def test_false_alarms_are_at_the_stated_rate(kind):
    """Negative control: of 200 comparisons of one law, 10 false alarms are expected at most; more than 20
    come with probability 1e-3. The mean and the peak are each uniform within the 5 % tail.
    """
    rng = np.random.default_rng(0)
    found = [_compare(rng, 0.0, kind) for _ in range(200)]
    assert sum(one.distinguishable for one in found) <= 20
    assert 1 <= sum(one.mean_p <= 0.05 for one in found) <= 22
    assert 1 <= sum(one.peak_p <= 0.05 for one in found) <= 22


@pytest.mark.parametrize("kind", ["mmd", "sliced"])
def test_a_difference_is_found(kind):
    found = _compare(np.random.default_rng(1), 1.5, kind)
    assert found.distinguishable
    assert found.mean_p == found.peak_p == 1 / (PERMUTATIONS + 1)
    assert found.share_outside == 1.0
    assert found.mean_ratio > 1


@pytest.mark.statistics
def test_the_jackknife_covers_and_orders():
    """Squared MMD of a shift, by random features: of 200 intervals of 95 % those that miss are 10 on average;
    more than 22 have probability 2e-4. Equal distances are ordered in 5 %, unlike ones always.
    """
    rng, waves = np.random.default_rng(4), random_features.frequencies(1, 64, seed=0)

    def measured(reference, shift):
        sides = [
            random_features.block_sums(x, waves, 1.0, 100)
            for x in (reference, rng.normal(shift, 1, (200, 1)))
        ]
        rows = random_features.relabelled(np.concatenate(sides), np.arange(200)[None] < 100)
        row = np.repeat(rows, 3)[None]
        return over_time(
            np.tile(row, (2, 1)),
            np.full(2, 200.0),
            left_out=np.tile(random_features.left_out(*sides), (2, 1)),
        )

    phase = np.exp(-(waves[:, 0] ** 2) / 2)  # of a Gaussian: its characteristic function at the frequencies
    truth = float(np.mean(phase**2 * np.abs(1 - np.exp(1j * waves[:, 0] * 0.8)) ** 2))
    missed = ordered = wrongly = 0
    for _ in range(200):
        reference = rng.normal(size=(200, 1))
        one, same, far = (measured(reference, shift) for shift in (0.8, 0.8, 1.3))
        low, high = one.mean_interval
        missed += not low <= truth <= high
        wrongly += closer(one, same) or closer(same, one)
        ordered += closer(one, far)
    assert missed <= 22
    assert wrongly <= 22
    assert ordered >= 190


def test_few_groups_widen_the_interval():
    """Of three groups Student's quantile is 4.3 and not 2.1; of one there is no interval."""
    left_out = np.full((2, 20), np.nan)
    left_out[:, :3] = [1.0, 2.0, 3.0]
    found = over_time(np.ones((2, 5)), np.full(2, 9.0), left_out=left_out)
    assert np.diff(found.mean_interval)[0] / 2 == pytest.approx(4.303 * np.sqrt(2 / 3 * 2), rel=1e-3)
    one = random_features.left_out(*np.random.default_rng(0).random((2, 1, 6)))
    assert np.isnan(one).all()


def test_without_groups_nothing_is_said_of_the_order():
    found = over_time(np.random.default_rng(2).random((5, 1 + PERMUTATIONS)), np.full(5, 10.0))
    assert closer(found, found) is None
    assert np.isnan(found.mean_interval).all()


def test_null_is_the_quantile_of_the_shuffles():
    rows = np.random.default_rng(2).random((5, 1 + PERMUTATIONS))
    found = over_time(rows, np.full(5, 10.0))
    assert np.allclose(found.null, np.quantile(rows[:, 1:], 0.95, axis=1))
    assert found.mean == pytest.approx(rows[1:, 0].mean())
    assert found.p_value[2] == np.mean(rows[2] >= rows[2, 0])


def test_snapshots_without_a_distance_are_left_out():
    rows = np.random.default_rng(3).random((4, 1 + PERMUTATIONS))
    rows[2] = np.nan
    found = over_time(rows, np.array([10.0, 10.0, 3.0, 10.0]))
    assert np.isnan(found.null[2])
    assert found.mean == pytest.approx(rows[[1, 3], 0].mean())


def test_no_distance_at_all():
    found = over_time(np.full((3, 1 + PERMUTATIONS), np.nan), np.zeros(3))
    assert np.isnan(found.mean)
    assert np.isnan(found.peak)
    assert found.peak_snapshot == -1
    assert not found.distinguishable


def test_labels_are_one_set_through_time_and_halves():
    relabelling = Relabelling(20, 50, seed=0)
    everyone = np.ones(20, bool)
    slots, labels = relabelling.at(everyone, everyone)
    assert slots.tolist() == list(range(40))
    assert np.all(labels.sum(axis=1) == 20)
    assert np.array_equal(labels, relabelling.at(everyone, everyone)[1])
    assert len(np.unique(labels, axis=0)) == 51


def test_survivors_are_equally_many():
    first, second = np.ones(20, bool), np.ones(20, bool)
    first[[0, 3]] = False
    second[5:12] = False
    slots, labels = Relabelling(20, 50, seed=0).at(first, second)
    assert slots.size == 26
    assert np.all(labels.sum(axis=1) == 13)
    assert 0 not in slots
    assert 25 not in slots


def test_the_mean_does_not_depend_on_where_snapshots_crowd():
    """A distance that is large at the end only, seen there once or forty times."""
    sparse = np.concatenate([[0], np.unique(np.geomspace(1, 10_000, 30).astype(int))])
    crowded = np.concatenate([sparse[:-1], np.arange(9_960, 10_001)])
    shuffled = np.random.default_rng(0).random(99)
    means = []
    for step in (sparse, crowded):
        rows = np.outer(np.where(step > 5000, 4.0, 1.0), np.concatenate([[1.0], shuffled]))
        weighted = over_time(rows, np.full(len(step), 50.0), "", time_weights(step))
        means.append((weighted.mean, over_time(rows, np.full(len(step), 50.0)).mean))
    assert means[0][0] == pytest.approx(means[1][0], rel=0.15)
    assert means[1][1] > 2 * means[0][1]
