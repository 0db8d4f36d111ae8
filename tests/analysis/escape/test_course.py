"""What is said of how a hazard goes on, against laws of which it is known."""

import numpy as np
import pytest

from fastsde.analysis.escape.course import course, later_over_earlier, other_course
from fastsde.analysis.escape.hazard import hazard
from fastsde.analysis.escape.passages import Passages


def stays(times, cut):
    return Passages(np.minimum(times, cut), times <= cut, np.zeros(len(times), bool))


def said(found):
    times = found.time[found.escaped]
    edge = np.unique(np.quantile(times, np.linspace(0, 0.99, 11)))
    edge[0] = 0.0
    return course(later_over_earlier(found), hazard(found, edge))


@pytest.mark.statistics
@pytest.mark.parametrize("cut", [1.0, 50.0])
def test_a_constant_hazard_is_said_to_be_constant(cut):
    """Of 400 samples 20 at 5 % are called something else, and few turn; over 42 with probability 2e-5."""
    rng = np.random.default_rng(0)
    words = [said(stays(rng.exponential(1.0, 300), cut)) for _ in range(400)]
    assert sum(word != "constant" for word in words) <= 42


@pytest.mark.statistics
@pytest.mark.parametrize(
    ("draw", "cut", "word"),
    [
        (lambda rng: rng.weibull(2.0, 300), 50.0, "rises"),
        (lambda rng: rng.weibull(2.0, 300), 1.0, "rises"),
        (lambda rng: rng.weibull(0.6, 300), 50.0, "falls"),
        (lambda rng: rng.lognormal(0.0, 1.0, 4000), 50.0, "rises, then falls"),
        (lambda rng: np.where(rng.random(4000) < 0.5, rng.exponential(0.1, 4000),
                              2 * rng.weibull(6.0, 4000)), 50.0, "falls, then rises"),
    ],
)  # fmt: skip
def test_a_hazard_that_changes_is_said_to(draw, cut, word):
    """At least 95 of 100 samples (fixed seed); the laws' hazards are known to go that way."""
    rng = np.random.default_rng(1)
    assert sum(said(stays(draw(rng), cut)) == word for _ in range(100)) >= 95


@pytest.mark.statistics
def test_the_interval_of_later_over_earlier_is_exact():
    """Rate 1 before the median, 3 after: 400 intervals miss 20 times on average, over 42 with p 2e-5."""
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(400):
        times = rng.exponential(1.0, 41)
        middle = np.median(times)
        times = np.where(times > middle, middle + (times - middle) / 3, times)
        found = later_over_earlier(stays(times, 50.0))
        missed += not found.low <= 3 <= found.high
    assert 5 <= missed <= 42


@pytest.mark.statistics
def test_two_of_one_course_are_not_told_apart_and_two_others_are():
    """Whatever the scale of time. Of 200 pairs 10 are distinguished on average, over 24 with p 3e-5."""
    rng = np.random.default_rng(3)
    draw = lambda shape, scale: later_over_earlier(stays(scale * rng.weibull(shape, 200), 50.0))  # noqa: E731
    assert sum(other_course(draw(1.5, 1.0), draw(1.5, 4.0)) for _ in range(200)) <= 24
    assert sum(other_course(draw(2.0, 1.0), draw(1.0, 1.0)) for _ in range(50)) >= 45


def test_of_few_escapes_nothing_is_said():
    found = stays(np.linspace(0.1, 1.0, 9), 2.0)
    assert np.isnan(later_over_earlier(found).ratio)
    assert said(found) == "unknown"
    assert np.isnan(later_over_earlier(stays(np.zeros(40), 2.0)).ratio)
