"""What all comparisons of a snapshot share: the same for every labelling, and blind to rounding."""

import math

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.clouds import equal_to_rounding, placed
from fastsde.analysis.distances.head_to_head import compare
from fastsde.analysis.distances.points import Points
from fastsde.analysis.distances.registry import DISTANCES
from fastsde.analysis.distances.tested import p_value

QUICK = Settings(permutations=99, directions=8, frequencies=32, transport_limit=32)


def _frame(points, settings=QUICK):
    return placed(points, Frame.of(["x", "y"], settings))


def test_centre_and_bandwidth_do_not_depend_on_labels():
    """Trajectories exchanged between models leave both the same, to the last bit."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(300, 2)), rng.normal(1, 2, (300, 2))
    first[3] = np.nan
    exchanged = np.concatenate([first, second])[rng.permutation(600)]
    before, after = (
        _frame({"a": one, "b": other}) for one, other in ((first, second), np.split(exchanged, 2))
    )
    assert before.bandwidth == after.bandwidth
    assert np.array_equal(before.centre, after.centre)


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_bandwidth_of_a_snapshot(scale):
    """Half the median squared distance: for unit normals in two dimensions |x - y|^2 has median 4 ln 2."""
    points = 1 + scale * np.random.default_rng(1).normal(size=(2, 1000, 2))
    frame = _frame({"a": points[0], "b": points[1]})
    assert frame.bandwidth == pytest.approx(scale * math.sqrt(2 * math.log(2)), rel=0.05)


def test_no_points_and_one_point():
    assert _frame({"a": np.full((9, 2), np.nan)}).bandwidth == 1.0
    assert _frame({"a": np.full((9, 2), 3.0)}).bandwidth == 1.0


@pytest.mark.statistics
@pytest.mark.parametrize("name", ["mmd", "mmd_features", "mmd_widths"])
def test_late_differences_are_seen(name):
    """A shift of a standard deviation where all have come close, and of one that is far from the others: a
    bandwidth of the whole run, 1, sees nothing (negative control).
    """
    rng, distance = np.random.default_rng(2), DISTANCES[name]
    first, second = 1e-3 * rng.normal(size=(2, 60, 2)) + np.array([[[0.0]], [[1e-3]]])
    frame = _frame({"a": first, "b": second})
    labels = distance.labelling(60, frame)
    wide = frame.at(frame.centre, 1.0)
    found, blind = (distance.compare(first, second, labels, one).values for one in (frame, wide))
    assert p_value(found) == 0.01
    assert found[0] / np.quantile(found[1:], 0.95) > 5
    assert blind[0] < 1e-4 or name == "mmd_widths"


def test_differences_at_rounding_are_none():
    rng = np.random.default_rng(3)
    exact = rng.integers(0, 3, 50) / 3
    jitter = 1e-18 * rng.normal(size=(50, 2)) + np.column_stack([exact, np.zeros(50)])
    floor = np.array([1e-15, 1e-15])
    equal = equal_to_rounding({"a": np.column_stack([exact, np.zeros(50)]), "b": jitter}, floor)
    assert len(np.unique(np.concatenate(list(equal.values())), axis=0)) == 3
    spread = {"a": rng.normal(size=(50, 2))}
    assert np.array_equal(equal_to_rounding(spread, floor)["a"], spread["a"])


def test_groups_are_no_wider_than_the_floor():
    """Where a continuous law is as narrow as rounding, values move by less than the floor."""
    dense = np.linspace(0, 1, 5001)[:, None]
    moved = equal_to_rounding({"a": dense}, np.array([0.01]))["a"]
    assert np.abs(moved - dense).max() <= 0.01
    assert 90 < len(np.unique(moved)) < 102


@pytest.mark.parametrize(("dtype", "relative"), [("float64", 1e-16), ("float32", 2e-7)])
def test_models_that_differ_by_rounding(dtype, relative):
    """Every distance, coordinate and the significance: no difference. A hundred times as much is one."""
    ensemble = fake_ensemble(80, 6, ("gd", "sgd"))
    ensemble.study = ensemble.study.replace(dtype=dtype)
    rng = np.random.default_rng(4)
    for view in ensemble.views.values():
        for name in ("modes", "loss"):
            view.arrays[name] = np.broadcast_to(view.arrays[name][:, :1], view.arrays[name].shape).copy()
    ours, theirs = (ensemble.views[name].arrays for name in ("gd", "sgd"))
    for name in ("modes", "loss"):
        theirs[name] = ours[name] * (1 + relative * rng.normal(size=ours[name].shape))
    pair = compare(ensemble, ["gd", "sgd"], snapshots=[-1], settings=QUICK)[0].pair
    assert pair.significance.p_value == 1.0
    assert all(one.value[0] == 0 for one in pair.tests.values())
    assert np.all(pair.coordinates.w1_p == 1.0)
    assert np.all(pair.coordinates.mean == 0)
    theirs["modes"] = ours["modes"] * (1 + 100 * relative)
    pair = compare(ensemble, ["gd", "sgd"], snapshots=[-1], settings=QUICK)[0].pair
    assert pair.significance.verdict == "distinguishable"


def test_a_floor_follows_the_scale():
    """Modes a million times smaller, at an early time, keep differences a million times smaller."""
    ensemble = fake_ensemble(40, 6, ("gd", "sgd"))
    for view in ensemble.views.values():
        view.arrays["modes"][0] *= 1e-9
    points = Points(ensemble, ensemble.views, "sgd")
    before, after = (points.at("sgd", 0), points.clouds(0, points.frame(QUICK)).points["sgd"])
    assert np.array_equal(before, after)


def test_all_metrics_take_the_frame_of_the_snapshot():
    """The frame of `clouds` is enough for all of them."""
    ensemble = fake_ensemble(80, 6, ("gd", "sgd"))
    points = Points(ensemble, ensemble.views, "sgd")
    at = points.clouds(5, points.frame(QUICK))
    for distance in DISTANCES.values():
        labels = distance.labelling(points.half, at.frame)
        found = distance.compare(at.points["gd"][:40], at.points["sgd"][40:], labels, at.frame)
        assert np.isfinite(found.values).all()
