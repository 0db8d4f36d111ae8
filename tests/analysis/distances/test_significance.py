"""One p-value of all distances at all snapshots: its level, its power, and what stays undetermined."""

import math

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Analysis, Settings, analyze
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.clouds import Clouds, placed
from fastsde.analysis.distances.from_reference import FromReference
from fastsde.analysis.distances.head_to_head import compare
from fastsde.analysis.distances.significance import combine, scores

QUICK = Settings(permutations=99, directions=8, frequencies=32)
SNAPSHOTS = 6


def _paths(rng, count):
    """Stationary unit normals in two dimensions whose neighbouring snapshots have correlation 0.7."""
    states = [rng.normal(size=(count, 2))]
    for _ in range(SNAPSHOTS - 1):
        states.append(0.7 * states[-1] + np.sqrt(0.51) * rng.normal(size=(count, 2)))
    return states


def _significance(seed, shift=0.0, count=40):
    rng = np.random.default_rng(seed)
    first, second = _paths(rng, count), _paths(rng, count)
    second[4] = second[4] + shift
    frame = Frame.of(("x", "y"), QUICK)
    comparison = FromReference(("a", "b"), "a", count, SNAPSHOTS, frame)
    for snapshot, (x, y) in enumerate(zip(first, second, strict=True)):
        points = {"a": x, "b": np.concatenate([y, y])}
        orders = dict.fromkeys(points, math.inf)
        comparison.add(snapshot, "b", Clouds(points, orders, {}, placed({"a": x, "b": y}, frame)))
    return comparison.significance(1)["b"]


@pytest.mark.statistics
def test_false_alarms_are_at_the_stated_rate():
    """Of 200 pairs of equal laws 10 are distinguishable on average, more than 22 with probability 2e-4, fewer
    than 2 with 4e-4. Negative control: the smallest p-value of a snapshot is below 5 % in many more.
    """
    found = [_significance(seed) for seed in range(200)]
    assert 2 <= sum(one.distinguishable for one in found) <= 22
    assert sum(one.at[1:].min() < 0.05 for one in found) > 30


@pytest.mark.statistics
def test_a_difference_at_one_snapshot_is_found():
    """A shift of both coordinates by one standard deviation: all of 20."""
    found = [_significance(seed, shift=1.0) for seed in range(20)]
    assert all(one.verdict == "distinguishable" for one in found)
    assert all(one.snapshot == 4 for one in found)


def test_equal_shuffles_of_equal_trajectories():
    """Distances that use the same trajectories see the same shuffles: what makes the procedure exact."""
    frame = Frame.of(("x", "y"), QUICK)
    comparison = FromReference(("a", "b"), "a", 40, SNAPSHOTS, frame)
    everyone = np.ones(40, bool)
    labels = [one.at(everyone, everyone)[1] for one in comparison.labels.values()]
    assert len(labels) == 3
    assert all(np.array_equal(labels[0], one) for one in labels)


def test_a_start_of_one_law_does_not_count():
    """A difference at the first snapshot alone is seen there, and only there."""
    rows = np.random.default_rng(0).random((4, 100))
    rows[0, 0] = 9.0
    later = np.arange(4) > 0
    found = combine({"energy": rows}, later)
    assert found.at[0] == 0.01
    assert found.p_value > 0.05
    assert found.snapshot != 0
    assert combine({"energy": rows}).p_value == 0.01


def test_without_any_distance():
    found = combine({"a": np.full((3, 50), np.nan), "b": np.full((3, 50), np.nan)}, reason="too few")
    assert (found.verdict, found.distinguishable, found.snapshot) == ("undetermined", None, -1)
    assert found.reason == "too few"
    assert np.isnan(found.at).all()


def test_one_distance_suffices_and_one_snapshot():
    rows = np.random.default_rng(1).random((1, 100))
    rows[0, 0] = 2.0
    found = combine({"a": np.full((1, 100), np.nan), "b": rows})
    assert (found.p_value, found.at.tolist(), found.snapshot) == (0.01, [0.01], 0)


def test_columns_stay_exchangeable():
    """The score of a column does not depend on which column is the observed one."""
    rows = np.random.default_rng(2).standard_gamma(0.5, size=(5, 60))
    order = np.random.default_rng(3).permutation(60)
    assert np.allclose(scores(rows)[:, order], scores(rows[:, order]))


def test_no_spread_is_no_difference():
    found = combine({"a": np.zeros((2, 100))})
    assert (found.p_value, found.verdict) == (1.0, "indistinguishable")


def test_of_a_model_in_the_file(tmp_path):
    ensemble = fake_ensemble(160, 8, ("sgd", "sgd_gauss", "langevin"), seed=5)
    analysis = analyze(ensemble, settings=QUICK, sections=["distances"])
    verdicts = {name: model.significance.verdict for name, model in analysis.models.items()}
    assert verdicts["langevin"] == "distinguishable"
    battery = analysis.sections["distances"]
    for name, pair in battery.models.items():  # all that was taken at a snapshot, in one number
        assert np.array_equal(pair.significance.at, analysis.models[name].significance.at[battery.snapshot])
    again = Analysis.load(analysis.save(tmp_path / "analysis.h5"))
    for name, model in again.models.items():
        one, other = model.significance, analysis.models[name].significance
        assert (one.p_value, one.snapshot, one.reason) == (other.p_value, other.snapshot, other.reason)
        assert np.array_equal(one.at, other.at)
    alone = analyze(fake_ensemble(40, 6, ("gd", "langevin")), settings=QUICK, sections=["snapshots"])
    assert alone.models["gd"].significance is None
    assert Analysis.load(alone.save(tmp_path / "alone.h5")).models["gd"].significance is None


def test_few_trajectories_are_undetermined():
    analysis = analyze(fake_ensemble(16, 6, ("sgd", "langevin")), settings=QUICK, sections=["snapshots"])
    found = analysis.models["langevin"].significance
    assert found.verdict == "undetermined"
    assert found.reason == "too few: 8 trajectories survive per sample"


def test_of_a_pair_by_all_distances():
    """One snapshot, all twelve: the answer of `compare`, and of its table."""
    ensemble = fake_ensemble(160, 10, ("sgd", "sgd_gauss", "langevin"), seed=5)
    same, other, _ = compare(ensemble, ["sgd", "sgd_gauss", "langevin"], snapshots=[3, 7], settings=QUICK)
    assert same.pair.significance.verdict == "indistinguishable"
    assert other.pair.significance.verdict == "distinguishable"
    assert other.pair.significance.at[1] == 0.01
    assert other.pair.significance.at.shape == (2,)
