import numpy as np
import pytest
from scipy.stats import CensoredData, chi2, ecdf

from fastsde.analysis.escape.curves import kaplan_meier, logrank_p
from fastsde.analysis.escape.learning import learning
from fastsde.analysis.escape.passages import Passages, passages

NAN = np.nan


def cut(time, censored):
    """Stays that end by a passage unless they are censored."""
    return Passages(time, ~np.asarray(censored, bool), np.zeros(len(time), bool))


def test_kaplan_meier_by_hand():
    """Freireich's leukaemia remissions, 6-MP arm: S(10) = 0.753, S(23) = 0.448 in every textbook."""
    weeks = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], float)
    gone = np.array([0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1], bool)
    curve = kaplan_meier(cut(weeks, gone), np.array([5.0, 10.0, 23.0]))
    assert np.allclose(curve.survival, [1.0, 0.7529, 0.4482], atol=5e-5)
    assert curve.median == 23
    greenwood = 1 / (21 * 18) * 3 + 1 / (17 * 16) + 1 / (15 * 14)
    width = 1.959964 * np.sqrt(greenwood) / np.log(curve.survival[1])
    expected = curve.survival[1] ** np.exp([-width, width])
    assert [curve.low[1], curve.high[1]] == pytest.approx(sorted(expected), abs=1e-4)


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
def test_the_curve_and_its_band_are_those_of_scipy():
    """Ties and censoring at random, 40 samples: survival and log-log band to rounding."""
    grid = np.linspace(0.05, 2.5, 30)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        times, censored = np.round(rng.exponential(1.0, 80), seed % 2 + 1), rng.random(80) < 0.3
        exact = ecdf(CensoredData.right_censored(times, censored)).sf
        with np.errstate(all="ignore"):
            band = exact.confidence_interval(0.95, method="log-log")
        found = kaplan_meier(cut(times, censored), exact.quantiles)
        assert np.allclose(found.survival, exact.probabilities)
        for ours, theirs in ((found.low, band.low), (found.high, band.high)):
            known = np.isfinite(theirs.probabilities)
            assert np.allclose(ours[known], theirs.probabilities[known])
        assert np.all(np.diff(kaplan_meier(cut(times, censored), grid).survival) <= 0)


def test_half_is_reached_at_half_whatever_the_rounding():
    """Six of six, one by one: the curve is at one half after the third, as (5/6)(4/5)(3/4)."""
    assert kaplan_meier(cut(np.arange(1.0, 7.0), np.zeros(6)), np.ones(1)).median == 3.0


def test_without_censoring_it_is_the_empirical_survival():
    times = np.random.default_rng(0).exponential(size=500)
    grid = np.linspace(0, 4, 50)
    curve = kaplan_meier(cut(times, np.zeros(500, bool)), grid)
    assert np.allclose(curve.survival, [(times > t).mean() for t in grid])


@pytest.mark.statistics
def test_censored_exponential():
    """Truth exp(-t/2), cut at 2: the curve within four standard errors; the capped mean is far off."""
    times = np.random.default_rng(1).exponential(2.0, 2000)
    found = passages(np.where(times < 2, times, NAN), np.full(2000, NAN), end=2.0)
    grid = np.linspace(0.1, 1.9, 10)
    truth = np.exp(-grid / 2)
    curve = kaplan_meier(found, grid)
    assert np.all(np.abs(curve.survival - truth) < 4 * np.sqrt(truth * (1 - truth) / 2000))
    assert curve.median == pytest.approx(2 * np.log(2), abs=0.2)
    assert found.time.mean() < 1.4


def test_logrank_by_hand():
    """O - E and the hypergeometric variance, summed over the death times."""
    first = cut(np.array([1.0, 3.0, 3.0, 6.0, 8.0]), np.array([0, 0, 0, 1, 0], bool))
    second = cut(np.array([2.0, 3.0, 7.0, 9.0, 9.0]), np.array([0, 0, 0, 0, 1], bool))
    difference = variance = 0.0
    deaths = np.r_[first.time[first.escaped], second.time[second.escaped]]
    for t in np.unique(deaths):
        n1, n2 = (first.time >= t).sum(), (second.time >= t).sum()
        d1 = ((first.time == t) & first.escaped).sum()
        d = d1 + ((second.time == t) & second.escaped).sum()
        n = n1 + n2
        difference += d1 - d * n1 / n
        variance += d * n1 * n2 * (n - d) / (n * n * (n - 1)) if n > 1 else 0.0
    assert logrank_p(first, second) == pytest.approx(chi2.sf(difference**2 / variance, 1), rel=1e-9)


@pytest.mark.statistics
def test_logrank_false_alarms():
    """Negative control: 300 pairs of one law reject 15 times on average, over 30 with probability 2e-4."""
    rng = np.random.default_rng(2)

    def group(scale):
        times = rng.exponential(scale, 60)
        return cut(np.minimum(times, 1.5), times > 1.5)

    assert sum(logrank_p(group(1.0), group(1.0)) < 0.05 for _ in range(300)) <= 30
    assert logrank_p(group(1.0), group(4.0)) < 1e-4


def test_divergences_compete():
    passage = np.array([[1.0], [NAN], [NAN], [2.0]])[:, :, None]
    diverged = np.array([NAN, 0.5, NAN, 3.0])
    found = learning(passage, diverged, np.array([0.5]), np.array([0.1, 1.0, 5.0]))
    assert found.learned[0, 0] == 2
    assert found.diverged[0, 0] == 1
    assert found.censored[0, 0] == 1
    assert found.survival[0, 0].tolist() == pytest.approx([1.0, 2 / 3, 1 / 3])


def test_never_learned():
    passage = np.full((20, 1, 2), NAN)
    found = learning(
        passage, np.full(20, NAN), np.array([0.5]), np.array([1.0, 2.0]), (passage, np.full(20, NAN))
    )
    assert np.all(found.survival == 1)
    assert np.isinf(found.median).all()
    assert np.isnan(found.logrank_p).all()


def test_learned_at_once():
    found = learning(np.zeros((20, 1, 1)), np.full(20, NAN), np.array([0.5]), np.array([0.0, 2.0]))
    assert found.median[0, 0] == 0
    assert np.all(found.survival == 0)
