"""Divergences of laws on lines, curves and points: infinite, undefined, or of the dimension of the curve."""

import numpy as np
import pytest

from fastsde.analysis import Settings
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.kinds.kullback_leibler import (
    ATOMS,
    SINGULAR,
    UNLIKE,
    from_neighbours,
    independent,
    singular,
)
from fastsde.analysis.distances.kinds.kullback_leibler import without_density as refusal
from fastsde.analysis.distances.neighbours import dimension

SHIFT = 0.44
EXACT = SHIFT**2 / 2
"""Divergence of normal laws of unit variance: 0.0968 nats."""


def _frame(coordinates):
    return Frame.of([f"x{number}" for number in range(coordinates)], Settings())


def _line(rng, direction, offset=0.0, count=200):
    return rng.normal(size=(count, 1)) * np.asarray(direction) + offset


def test_laws_on_lines():
    rng, frame = np.random.default_rng(0), _frame(3)
    along, across = _line(rng, [1.0, 2.0, 0.3]), _line(rng, [1.0, -1.0, 0.3])
    plane = rng.normal(size=(200, 2)) @ np.array([[1.0, 2.0, 0.3], [1.0, -1.0, 0.3]])
    solid = rng.normal(size=(200, 3))
    for one, other in [
        (along, across),
        (along, along[::-1] + np.eye(3)[2]),  # parallel
        (along, plane),
        (plane, solid),
        (along, np.ones((200, 3))),
    ]:
        assert singular(one, other, frame) == singular(other, one, frame) == SINGULAR
        assert refusal(one, other, frame) == SINGULAR
    for one, other in [
        (along, _line(rng, [2.0, 4.0, 0.6], [1.0, 2.0, 0.3])),  # the same line
        (plane, plane[::-1] * 1.1),
        (solid, 1e-3 * rng.normal(size=(200, 3))),
    ]:
        assert refusal(one, other, frame) == singular(one, other, frame) == ""


def _with_log_loss(x):
    """A scalar network: its parameter, and the logarithm of its loss."""
    return np.column_stack([x, np.log10((x - 1.5) ** 2 / 2)])


@pytest.mark.statistics
@pytest.mark.parametrize("count", [256, 512])
def test_a_coordinate_that_is_a_function_of_the_other(count):
    """The mean of 40 estimates of 0.0968 nats is within 4 standard errors of it. Negative control: of two
    coordinates and as if of two dimensions, it is outside.
    """
    rng = np.random.default_rng(1)
    labels = np.arange(2 * count)[None] < count
    found, doubled = [], []
    for _ in range(40):
        x = np.concatenate([rng.normal(SHIFT, 1, count), rng.normal(0, 1, count)])
        found.append(from_neighbours(_with_log_loss(x), labels, _frame(2))[0, 0])
        doubled.append(2 * found[-1])
    assert abs(np.mean(found) - EXACT) < 4 * np.std(found) / np.sqrt(40)
    assert abs(np.mean(doubled) - EXACT) > 4 * np.std(found) / np.sqrt(40)


def test_functions_of_others_are_left_out():
    """Of a circle neither coordinate is a function of the other, and the estimate is that of a curve."""
    rng = np.random.default_rng(4)
    x, angle = rng.normal(size=(300, 2)), rng.uniform(0, 2 * np.pi, 300)
    loss = np.log10(np.sum((x - [0.5, 0.7]) ** 2, axis=1))
    assert np.array_equal(independent(np.column_stack([loss, x])), x)
    assert np.array_equal(independent(_with_log_loss(x[:, 0])), x[:, :1])
    assert np.array_equal(independent(np.column_stack([np.ones(300), x])), x)
    for kept in (x, np.column_stack([np.cos(angle), np.sin(angle)]), x * [1.0, 0.0] + x**2 * [[0.0, 0.1]]):
        assert np.array_equal(independent(kept), kept)
    assert dimension(np.column_stack([np.cos(angle), np.sin(angle)])) == 1


@pytest.mark.statistics
def test_dimensions():
    """Of 20 samples each, all: of 200 points an estimate has a standard error of 4 %."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        x = rng.normal(size=(200, 3))
        assert dimension(x) == 3
        assert dimension(x[:, :2]) == 2
        assert dimension(_with_log_loss(x[:, 0])) == 1
        assert dimension(np.column_stack([x[:, :2], np.sin(x[:, 0]) + x[:, 1] ** 2])) == 2
        assert dimension(x + 100 * rng.integers(0, 2, (200, 1))) == 3  # two clusters


def test_a_curve_and_a_cloud():
    rng = np.random.default_rng(3)
    assert refusal(_with_log_loss(rng.normal(size=200)), rng.normal(size=(200, 2)), _frame(2)) == UNLIKE


def test_atoms_have_no_density():
    two = np.repeat([[0.0, 0.0], [1.0, 1.0]], 20, axis=0)
    assert refusal(two, two.copy(), _frame(2)) == ATOMS.format(5)
    assert singular(two, two.copy(), _frame(2)) == ""
