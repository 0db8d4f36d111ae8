"""Every distance: exact level of its permutation test, a difference it must find, divergences, existence."""

import math

import numpy as np
import pytest

from fastsde.analysis import Settings
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.clouds import placed
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.registry import DISTANCES
from fastsde.analysis.distances.tested import p_value

SETTINGS = Settings(permutations=49, directions=8, frequencies=32, transport_limit=24, blocks=40)
NAMES = [distance.name for distance in DISTANCES.values()]


def _p(distance, first, second, branches=1):
    frame = Frame.of([f"x{a}" for a in range(first.shape[1])], SETTINGS, branches)
    frame = placed({"first": first, "second": second}, frame)
    found = distance.compare(first, second, distance.labelling(len(first), frame), frame)
    return (math.nan if found.values is None else p_value(found.values)), found.count


@pytest.mark.statistics
@pytest.mark.parametrize("name", NAMES)
def test_level_and_power(name):
    """At level 10 % of 60 null pairs 6 reject on average; more than 16 have probability 1e-4."""
    rng, distance = np.random.default_rng(0), DISTANCES[name]
    null = [_p(distance, *rng.normal(size=(2, 40, 4)))[0] for _ in range(60)]
    assert np.sum(np.array(null) <= 0.1) <= 16
    far = [_p(distance, rng.normal(size=(40, 4)), rng.normal(1.5, 1, (40, 4)))[0] for _ in range(5)]
    assert np.all(np.array(far) <= 0.02)


@pytest.mark.parametrize("name", NAMES)
def test_divergences(name):
    """A third diverges on one side: those that have a place for them say so; the others count survivors."""
    rng, distance = np.random.default_rng(1), DISTANCES[name]
    first, second = rng.normal(size=(2, 60, 3))
    second[::3] = np.nan
    p, count = _p(distance, first, second)
    assert np.isfinite(p)
    if distance.diverged:
        assert p <= 0.05
    else:
        assert count == (16 if name in ("exact_w2", "sinkhorn") else 40)
    second[4:] = np.nan
    if not distance.diverged:
        assert math.isnan(_p(distance, first, second)[0])


def test_all_trajectories_enter_the_random_features():
    distance = DISTANCES["mmd_features"]
    rng = np.random.default_rng(2)
    p, count = _p(distance, *rng.normal(size=(2, 4100, 3)))
    assert count == 4095
    assert p > 0.05
    assert _p(distance, rng.normal(size=(4100, 3)), rng.normal(0.1, 1, (4100, 3)))[0] <= 0.02


@pytest.mark.statistics
@pytest.mark.parametrize("name", NAMES)
def test_branches_of_a_state_are_shuffled_together(name):
    """Half of the variance is the state's, four branches each, eight states a side: at level 10 % of 60 null
    pairs 6 reject on average, more than 16 with probability 1e-4. Taken for independent, far more do.
    """
    rng, distance = np.random.default_rng(3), DISTANCES[name]

    def sample():
        return np.repeat(rng.normal(size=(8, 2)), 4, axis=0) + rng.normal(0, 0.5, (32, 2))

    pairs = [(sample(), sample()) for _ in range(60)]
    told = [np.sum([_p(distance, *pair, branches)[0] <= 0.1 for pair in pairs]) for branches in (4, 1)]
    assert told[0] <= 16
    assert told[1] >= 24
    assert _p(distance, sample(), sample() + 6, 4)[0] <= 0.05


@pytest.mark.parametrize("name", NAMES)
def test_few_states_give_no_p_value(name):
    """Of four states a side the smallest p-value would be 1 in 35: it is said, and no number given."""
    rng, distance = np.random.default_rng(4), DISTANCES[name]
    frame = Frame.of(["x", "y"], SETTINGS, 10)
    first, second = rng.normal(size=(2, 40, 2))
    found = distance.compare(first, second, distance.labelling(40, frame), frame)
    assert found.values is None
    assert found.reason.startswith("too few: ")
    wide = Frame.of(["x", "y"], SETTINGS, 1000)
    first, second = rng.normal(size=(2, 6000, 2))
    found = distance.compare(first, second, distance.labelling(6000, wide), wide)
    if name == "mmd_features":
        assert np.isfinite(found.values).all()
    else:
        assert found.values is None
        assert found.reason.startswith("too few: ")


def test_existence():
    orders = {"sgd": math.inf, "levy": 0.95}
    refused = {name for name in NAMES if refusal(DISTANCES[name], SETTINGS, orders)}
    assert refused == {
        "energy", "sliced_wasserstein", "marginal_w1", "marginal_w2", "gaussian_w2", "exact_w2", "sinkhorn",
        "gaussian_kl",
    }  # fmt: skip
    assert not refusal(DISTANCES["energy"], Settings(energy_exponent=0.9), orders)
    assert not any(refusal(distance, SETTINGS, {"a": math.inf}) for distance in DISTANCES.values())
