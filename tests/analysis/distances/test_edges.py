"""What every distance says of samples without spread, equal samples, few or diverged trajectories."""

import numpy as np
import pytest

from fastsde.analysis import Settings
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.clouds import placed
from fastsde.analysis.distances.registry import DISTANCES
from fastsde.analysis.distances.tested import p_value

SETTINGS = Settings(permutations=99, directions=8, frequencies=32, transport_limit=24, blocks=40)
EVERY = pytest.mark.parametrize("distance", DISTANCES.values(), ids=lambda distance: distance.name)


def _compare(distance, first, second):
    frame = Frame.of([f"x{number}" for number in range(first.shape[1])], SETTINGS)
    frame = placed({"first": first, "second": second}, frame)
    return distance.compare(first, second, distance.labelling(len(first), frame), frame)


@EVERY
@pytest.mark.parametrize("place", [0.0, 1.0, 1 / 3, 1e150])
def test_one_point(distance, place):
    """All trajectories at one point: distance 0, and no evidence of any difference."""
    same = np.full((40, 3), place)
    found = _compare(distance, same, same.copy())
    assert np.all(found.values == 0)
    assert p_value(found.values) == 1.0


@EVERY
def test_two_points(distance):
    """Either model at a point of its own: as different as can be, and infinitely so by divergences."""
    found = _compare(distance, np.zeros((40, 3)), np.ones((40, 3)))
    if distance.units == "nats":
        assert found.values is None
        assert found.reason.startswith("infinite")
    else:
        assert np.isfinite(found.values).all()
        assert p_value(found.values) == 0.01


@EVERY
def test_equal_samples(distance):
    """The very same points: nothing is significant."""
    points = np.random.default_rng(0).normal(size=(40, 3))
    found = _compare(distance, points, points.copy())
    assert np.isfinite(found.values).all()
    assert p_value(found.values) > 0.5


@EVERY
def test_a_coordinate_without_spread(distance):
    """A constant coordinate adds nothing."""
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 40, 3))
    first[:, 1] = second[:, 1] = 1 / 3
    found = _compare(distance, first, second)
    assert np.isfinite(found.values).all()
    assert p_value(found.values) > 0.02


@EVERY
def test_a_point_and_a_cloud(distance):
    rng = np.random.default_rng(2)
    found = _compare(distance, np.zeros((40, 2)), rng.normal(size=(40, 2)))
    if distance.units == "nats":
        assert found.reason.startswith("infinite")
    else:
        assert p_value(found.values) <= 0.02


@EVERY
@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few(distance, count):
    found = _compare(distance, *np.random.default_rng(3).normal(size=(2, count, 2)))
    assert found.values is None
    many = "trajectory survives" if count == 1 else "trajectories survive"
    assert found.reason == f"too few: {count} {many} per sample"


@EVERY
def test_all_diverged(distance):
    """Where hardly any survives in either sample, nothing is said of the laws."""
    first, second = np.full((2, 40, 2), np.nan)
    second[:4] = 1.0
    found = _compare(distance, first, second)
    assert found.values is None
    assert found.reason.startswith("too few")


@EVERY
def test_diverged_on_one_side(distance):
    """Who diverged is a difference, to those distances that see it; the others have nothing to compare."""
    rng = np.random.default_rng(4)
    found = _compare(distance, rng.normal(size=(40, 2)), np.full((40, 2), np.nan))
    if distance.diverged:
        assert p_value(found.values) == 0.01
    else:
        assert found.reason.startswith("too few")


@EVERY
def test_tiny_and_huge_scales(distance):
    """Tests do not depend on the unit of the coordinates, far from it as the points may lie."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(2, 40, 2)) + np.array([[[0.0]], [[2.0]]])
    expected = p_value(_compare(distance, first, second).values)
    for scale, shift in ((1e-9, 0.0), (1e9, 0.0), (1e-6, 1.0)):
        found = _compare(distance, shift + scale * first, shift + scale * second)
        assert p_value(found.values) == pytest.approx(expected, abs=0.02)
