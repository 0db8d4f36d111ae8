"""Effects between models: known answers, laws without moments, weights of the course, coverage."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from fastsde.analysis.distances.effect_sizes import EffectSizes, leaving_out
from fastsde.analysis.distances.quantiles import LEVELS, central_quantiles
from fastsde.analysis.distances.way import path_length, way_weights

ONE = np.ones((1, 4000), dtype=np.uint8)
COORDINATES = ("mode 1 / strength", "log10 loss")


def _effects(clouds, weight=None, half=None, branches=1):
    """Effects of models whose points, shape (snapshot, trajectory, coordinate), are given by name."""
    snapshots, count = next(iter(clouds.values())).shape[:2]
    half = count // 2 if half is None else half
    weight = np.full(snapshots, 1 / snapshots) if weight is None else weight
    sizes = EffectSizes(tuple(clouds), COORDINATES, half, weight, branches)
    for snapshot in range(snapshots):
        sizes.add(
            snapshot, {name: sizes.tabulate(snapshot, cloud[snapshot]) for name, cloud in clouds.items()}
        )
    return sizes.result()


def test_quantiles_are_those_of_the_law():
    x = norm.ppf((np.arange(4000) + 0.5) / 4000)
    assert np.allclose(central_quantiles(x[:, None], ONE)[0, :, 0], norm.ppf(LEVELS), atol=1e-3)


@pytest.mark.parametrize("size", [7, 30])
def test_weights_repeat_and_leave_out(size):
    """As if the points stood in the sample so many times, by NumPy's own quantiles (Hazen)."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(size, 3))
    weights = rng.integers(0, 4, (20, size)).astype(np.uint8)
    found = central_quantiles(points, weights)
    for row, weight in zip(found, weights, strict=True):
        wanted = np.quantile(np.repeat(points, weight, axis=0), LEVELS, axis=0, method="hazen")
        assert np.allclose(row, wanted)
    assert np.isnan(central_quantiles(points, np.zeros((1, size), np.uint8))).all()


def test_a_shift_is_its_own_size_in_the_unit_of_each_coordinate():
    base, other = np.random.default_rng(1).normal(size=(2, 2, 400, 2))
    moved = other + np.array([0.5, -2.0])
    effect = _effects({"a": base, "b": moved}).between("a", "b")
    assert effect.modes == pytest.approx(0.5, abs=0.1)
    assert effect.loss == pytest.approx(2.0, abs=0.1)
    assert effect.shift == pytest.approx(-2.0, abs=0.1)
    assert effect.mean == pytest.approx((effect.modes + effect.loss) / 2)
    assert effect.low < effect.mean < effect.high
    assert effect.covered == pytest.approx(1.0)


def test_heavy_tails_have_an_effect():
    """Cauchy: no mean, hence no Wasserstein distance of the whole law."""
    clouds = {
        name: np.random.default_rng(seed).standard_cauchy((1, 4000, 2)) for seed, name in enumerate("ab")
    }
    clouds["c"] = clouds["b"] + 1.0
    found = _effects(clouds)
    assert found.between("a", "b").mean < 0.15
    assert found.between("a", "c").mean == pytest.approx(1.0, abs=0.15)


def test_snapshots_count_by_their_share_of_the_way():
    still = np.random.default_rng(2).normal(size=(3, 200, 2))
    moved = still.copy()
    moved[1] += 1.0
    weight = way_weights(np.array([0.0, 1.0, 4.0]))
    found = _effects({"a": still, "b": moved}, weight)
    parts = [found.value[snapshot, 0, 1] for snapshot in range(3)]
    assert weight.tolist() == [0.125, 0.5, 0.375]
    assert found.between("a", "b").mean == pytest.approx(float(weight @ parts))


def test_models_that_are_gone_have_no_effect():
    clouds = {name: np.random.default_rng(seed).normal(size=(4, 60, 2)) for seed, name in enumerate("abc")}
    clouds["b"][3] = np.nan
    clouds["c"][1:] = np.nan
    found = _effects(clouds)
    assert found.between("a", "b").covered == pytest.approx(0.75)
    assert math.isfinite(found.between("a", "b").mean)
    assert math.isnan(found.between("a", "c").mean)
    assert math.isnan(found.between("a", "c").high)
    assert found.ranking("a") == ["b", "c"]
    assert found.nearer("a", "b", "c") is None


def test_one_trajectory_has_no_effect():
    found = _effects({name: np.zeros((2, 1, 2)) for name in "ab"})
    assert math.isnan(found.between("a", "b").mean)


def test_groups_are_states():
    weights = leaving_out(40, 4)
    assert weights.shape == (21, 40)
    assert np.all(weights.reshape(21, 10, 4).min(axis=2) == weights.reshape(21, 10, 4).max(axis=2))
    assert weights[1:].sum(axis=1).tolist() == [36] * 10 + [0] * 10


@pytest.mark.statistics
def test_the_interval_covers_the_effect():
    """A shift by 0.3 standard deviations: of 300 intervals 15 miss on average; 27 or more have probability
    3e-3, 4 or fewer 1e-3. Paired models, which share half of their variance, have shorter ones.
    """
    rng = np.random.default_rng(3)
    missed, width = np.zeros(2), np.zeros(2)
    for _ in range(300):
        for paired in (0, 1):
            shared = rng.normal(size=(2, 1, 400, 2)) * 0.5**0.5
            own = rng.normal(size=(2, 1, 400, 2)) * 0.5**0.5
            first, second = own + (shared[:1] if paired else shared)
            effect = _effects({"a": first, "b": second + 0.3}).between("a", "b")
            missed[paired] += not effect.low <= 0.3 <= effect.high
            width[paired] += effect.high - effect.low
    assert np.all((missed > 4) & (missed < 27)), missed
    assert width[1] < 0.95 * width[0]


@pytest.mark.statistics
def test_equal_models_are_apart_by_what_sampling_gives():
    """Negative control: the mean effect of 100 pairs of equal models is the level of sampling to 10 %; the
    standard error of the mean is 4 %. Their order is told in 5 % of cases: 12 or more have probability 4e-3.
    """
    rng = np.random.default_rng(4)
    ratios, ordered = [], 0
    for _ in range(100):
        found = _effects({name: rng.normal(size=(1, 300, 2)) for name in "abc"})
        effect = found.between("a", "b")
        ratios.append(effect.mean / effect.sampling)
        ordered += bool(found.nearer("a", "b", "c") or found.nearer("a", "c", "b"))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)
    assert ordered < 12


def _learning(rng, count, late):
    """Two coordinates that follow one random learning time through five snapshots: a mode, and the loss."""
    time = late * rng.lognormal(0.0, 0.4, count)
    mode = 1 / (1 + np.exp(-4 * (np.array([0.4, 0.7, 1.0, 1.4, 2.0])[:, None] / time - 1)))
    return np.stack([mode, np.log10((1 - mode) ** 2 + 1e-2)], axis=-1)


@pytest.mark.statistics
def test_the_interval_covers_the_effect_of_another_run():
    """Repeated with other random numbers: of 200 runs whose trajectories learn once and are seen at five
    snapshots, with weights of the course from the medians of each run, 10 intervals miss the mean effect of
    all runs; 20 or more have probability 3e-3, 3 or fewer 1e-2. That is the effect at this number of
    trajectories: the bias stays outside. Negative control: errors of the snapshots as if these were
    independent, though they show the same trajectories, give intervals that miss more than 40 times.
    """
    rng = np.random.default_rng(8)
    found, narrow = [], []
    for _ in range(200):
        clouds = {"a": _learning(rng, 160, 1.0), "b": _learning(rng, 160, 1.15)}
        weight = way_weights(path_length(np.median(clouds["a"], axis=1)))
        effects = _effects(clouds, weight)
        found.append(effects.between("a", "b"))
        narrow.append(1.96 * float(np.sqrt(np.sum((weight * effects.error[:, 0, 1]) ** 2))))
    mean = np.mean([one.mean for one in found])
    missed = sum(not one.low <= mean <= one.high for one in found)
    independent = sum(abs(one.mean - mean) > reach for one, reach in zip(found, narrow, strict=True))
    assert 3 < missed < 20
    assert independent > 40
    assert mean > np.mean([one.sampling for one in found])
