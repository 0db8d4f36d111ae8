"""Orders of convergence and their standard errors, on made-up ends of trajectories."""

import numpy as np
import pytest

from fastsde.integrate.convergence import _orders
from fastsde.system.errors import StudyError

DT = 0.1 / 2.0 ** np.arange(3)


def ends(random, count=400, shift=1.0):
    """Points at four dt: a common path, an error of order 1 with a mean, and one of its own at each dt."""
    path = random.normal(size=(count, 2))
    return [path + h * (shift + random.normal(size=(count, 2))) for h in (*DT, DT[-1] / 2)]


def test_the_error_of_an_order_is_its_spread_over_repetitions():
    """200 repetitions: orders 1 on average, spread as the standard error says within 15 % (4 errors)."""
    found = [_orders(DT, ends(np.random.default_rng(seed)), 1.0) for seed in range(200)]
    for order, error in (("strong_order", "strong_order_error"), ("weak_order", "weak_order_error")):
        values = np.array([getattr(one, order) for one in found])
        errors = np.array([getattr(one, error) for one in found])
        assert abs(values.mean() - 1) < 5 * values.std() / np.sqrt(len(values)) + 0.02
        assert values.std() == pytest.approx(np.sqrt((errors**2).mean()), rel=0.2)


def test_a_weak_order_within_the_noise_is_not_given():
    found = _orders(DT, ends(np.random.default_rng(0), shift=0.0), 1.0)
    assert np.isnan(found.weak_order)
    assert np.isfinite(found.strong_order)


def test_diverged_trajectories_are_left_out_at_every_dt():
    points = ends(np.random.default_rng(1))
    points[0][3] = np.nan
    points[2][5] = np.inf
    assert _orders(DT, points, 1.0).trajectories == 398
    with pytest.raises(StudyError, match="stay finite"):
        _orders(DT, [np.full((4, 2), np.nan)] * 4, 1.0)
