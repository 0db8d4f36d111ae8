"""Times over all combinations of settings: ratios of a known law, intervals that cover, incomplete sets."""

import math

import numpy as np
import pytest

from fastsde.analysis.escape.crossed import crossed
from fastsde.analysis.escape.families import Group
from fastsde.analysis.escape.passages import Passages

A, ALPHA, RATE = (0.0, 0.5, 1.0), (1.5, 2.0), (0.01, 0.02)
KEYS = ("time.learning_rate", "alpha", "anisotropy")


def stays(random, scale, count=150, horizon=math.inf):
    times = scale * random.lognormal(0, 0.3, count)
    escaped = times < horizon
    return Passages(np.minimum(times, horizon), escaped, np.zeros(count, bool))


def groups(seed=0, sets=(0,), scatter=0.0, horizon=math.inf):
    """Medians ``3^a alpha rate^0``, and for the interaction twice as long at a = 1 and the higher rate."""
    random = np.random.default_rng(seed)
    found = []
    for data in sets:
        accident = math.exp(scatter * random.standard_normal())
        for a in A:
            for alpha in ALPHA:
                for rate in RATE:
                    scale = 3**a * alpha * (2 if a == 1 and rate == RATE[1] else 1) * accident
                    settings = {
                        "noise": "gradient",
                        "anisotropy": a,
                        "alpha": alpha,
                        "time.learning_rate": rate,
                    }
                    name = f"sde-anisotropy{a:g}-alpha{alpha:g}"
                    found.append(Group(name, settings, data, stays(random, scale, horizon=horizon)))
    return found


def test_each_setting_has_its_mean_ratio_and_the_range_over_the_others():
    (found,) = crossed(groups(), KEYS)
    assert found.factors == ("anisotropy", "alpha", "time.learning_rate")
    assert found.model == "sde"
    assert (found.share, found.unit, found.units) == (0.5, "trajectory", 150)
    assert found.time.shape == (3, 2, 2)
    expected = np.array([3 * 2**0.5, 4 / 3, 2 ** (1 / 3)])
    assert np.all((found.ratio_low < expected) & (expected < found.ratio_high))
    assert np.all(found.ratio_high / found.ratio_low < 1.15)
    assert found.least[0] == pytest.approx(3, rel=0.15)
    assert found.most[0] == pytest.approx(6, rel=0.15)
    assert np.all((found.low <= found.time) & (found.time <= found.high))


def test_data_sets_are_the_unit_where_there_are_several():
    """Their accidents, a factor of about 3, cancel in the ratios and widen the intervals of the times."""
    (found,) = crossed(groups(sets=(0, 1, 2, 3), scatter=1.0), KEYS)
    assert (found.unit, found.units) == ("data set", 4)
    assert found.ratio_low[1] < 4 / 3 < found.ratio_high[1]
    assert found.ratio_high[1] / found.ratio_low[1] < 1.3
    assert np.median(found.high / found.low) > 3


def test_where_few_escape_mean_stays_up_to_the_horizon_are_compared():
    (found,) = crossed(groups(horizon=1.0), KEYS)
    assert math.isnan(found.share)
    assert found.horizon == 1.0
    assert found.time.max() <= 1.0 + 1e-12
    assert found.ratio[0] > 1


def test_intervals_cover_no_effect_19_times_of_20():
    """40 sweeps without an effect of alpha: of 40 intervals of 95 % fewer than 33 contain 1 once in 1000."""
    inside = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        many = [
            Group("m", {"anisotropy": a, "alpha": b}, 0, stays(random, 2**a, 60))
            for a in (0.0, 1.0)
            for b in ALPHA
        ]
        (found,) = crossed(many, KEYS[1:])
        inside += bool(found.ratio_low[1] < 1 < found.ratio_high[1])
        assert found.ratio_low[0] > 1.3
    assert inside >= 33


def test_only_complete_sets_of_numbers_are_crossed():
    many = groups()
    assert crossed(many[:-1], KEYS) == []
    assert crossed(many[:2], KEYS) == []
    apart = [
        Group(one.name, {**one.settings, "law": kind}, one.dataset, one.stays)
        for one, kind in zip(many, "ab" * (len(many) // 2), strict=True)
    ]
    assert [one.factors for one in crossed(apart, (*KEYS, "law"))] == [("anisotropy", "alpha")] * 2


def test_a_model_without_one_of_the_settings_does_not_disturb_the_others():
    settings = {"noise": "gradient", "alpha": 2.0, "time.learning_rate": 0.01}
    plain = Group("plain", settings, 0, stays(np.random.default_rng(1), 1.0))
    assert [one.factors for one in crossed([*groups(), plain], KEYS)] == [crossed(groups(), KEYS)[0].factors]
