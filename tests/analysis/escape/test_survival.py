"""Survival, incidence, hazards and their intervals against closed forms, textbooks and scipy."""

import numpy as np
import pytest
from scipy.stats import CensoredData, bootstrap, ecdf

from fastsde.analysis.escape.hazard import hazard, hazard_ratio
from fastsde.analysis.escape.passages import Passages, passages, stays
from fastsde.analysis.escape.survival import (
    count,
    escape_time,
    incidence,
    interval,
    moments_of,
    quantile,
    resample,
    restricted_mean,
    survival,
)

NAN = np.nan


def censored(times, cut):
    """Stays of a law cut at a time."""
    return Passages(np.minimum(times, cut), times <= cut, np.zeros(len(times), bool))


def test_survival_is_that_of_scipy():
    rng = np.random.default_rng(0)
    found = censored(np.round(rng.exponential(1.0, 400), 2), 1.5)
    exact = ecdf(CensoredData.right_censored(found.time, ~found.escaped)).sf
    counts = count(found)
    assert np.allclose(counts.time, exact.quantiles)
    assert np.allclose(survival(counts), exact.probabilities)


def test_incidence_of_competing_ends_is_the_closed_form():
    """Rates a and b: F_a(t) = a / (a + b) (1 - exp(-(a + b) t)); 5 standard errors at n = 20,000."""
    rng = np.random.default_rng(1)
    n, a, b = 20_000, 1.0, 0.5
    escape, divergence = rng.exponential(1 / a, n), rng.exponential(1 / b, n)
    passage = np.where((escape < divergence) & (escape < 3), escape, NAN)
    diverged = np.where((divergence < escape) & (divergence < 3), divergence, NAN)
    counts = count(passages(passage, diverged, end=3.0))
    one, other = incidence(counts)
    for t in (0.3, 1.0, 2.5):
        at = np.searchsorted(counts.time, t, side="right") - 1
        total = 1 - np.exp(-(a + b) * t)
        for got, rate in ((one, a), (other, b)):
            exact = rate / (a + b) * total
            assert abs(got[at] - exact) < 5 * np.sqrt(exact * (1 - exact) / n)
    kaplan = 1 - survival(counts)[-1]
    assert kaplan == pytest.approx(1 - np.exp(-a * 3), abs=0.02)  # net of divergences: another question
    assert kaplan > one[-1] + 0.2


def test_stays_follow_each_other_whatever_the_order_of_the_modes():
    learned = np.array([[5.0, 2.0, NAN], [NAN, NAN, NAN], [1.0, 1.0, 4.0]])
    diverged = np.array([7.0, 3.0, NAN])
    zero, one, two = stays(learned, diverged, end=10.0)
    assert zero.time.tolist() == [2.0, 3.0, 1.0]
    assert zero.diverged.tolist() == [False, True, False]
    assert one.time.tolist() == [3.0, 0.0]
    assert two.time.tolist() == [2.0, 3.0]
    assert two.diverged.tolist() == [True, False]
    assert two.escaped.tolist() == [False, True]


def test_many_times_are_rounded_little():
    times = np.random.default_rng(2).exponential(1.0, 50_000)
    found = censored(times, 3.0)
    counts = count(found)
    assert len(counts.time) == len(moments_of(found)) <= 2000
    assert float(quantile(counts, 0.5)) == pytest.approx(np.median(times), rel=2e-3)
    assert float(restricted_mean(counts, 3.0)) == pytest.approx(found.time.mean(), rel=2e-3)


def test_restricted_mean_is_the_mean_of_capped_times():
    times = np.random.default_rng(3).exponential(1.0, 500)
    assert float(restricted_mean(count(censored(times, 9.0)), 0.8)) == pytest.approx(
        np.minimum(times, 0.8).mean()
    )


def test_a_quantile_that_is_never_reached_is_infinite():
    found = censored(np.array([1.0, 5.0, 5.0, 5.0]), 2.0)
    assert float(quantile(count(found), 0.5)) == np.inf
    assert float(quantile(count(found), 0.25)) == 1.0


@pytest.mark.statistics
def test_bootstrap_intervals_are_those_of_scipy():
    """The same statistic of the same sample: ends within a tenth of the width (2000 replicates)."""
    times = np.random.default_rng(4).exponential(1.0, 300)
    drawn = resample(count(censored(times, 2.0)), 2000, np.random.default_rng(5))
    got = interval(restricted_mean(drawn, 2.0))
    other = bootstrap(
        (np.minimum(times, 2.0),),
        np.mean,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(6),
    ).confidence_interval
    width = other.high - other.low
    assert abs(got[0] - other.low) < width / 10
    assert abs(got[1] - other.high) < width / 10


def test_the_time_of_escape_counts_those_that_diverged():
    """Rates 1 and 1/2: a share q has escaped at -ln(1 - 3 q / 2) / 1.5, and never more than two thirds."""
    rng = np.random.default_rng(7)
    escape, divergence = rng.exponential(1.0, 20_000), rng.exponential(2.0, 20_000)
    passage, diverged = (np.where(a < b, a, NAN) for a, b in ((escape, divergence), (divergence, escape)))
    counts = count(passages(passage, diverged, end=30.0))
    assert float(escape_time(counts, 0.5)) == pytest.approx(-np.log(1 - 0.75) / 1.5, rel=0.03)
    assert float(escape_time(counts, 0.7)) == np.inf
    assert float(quantile(counts, 0.5)) == pytest.approx(np.log(2), rel=0.03)  # had nothing diverged


@pytest.mark.statistics
def test_hazard_of_an_exponential_is_its_rate():
    """Of 400 intervals of 95 % 20 miss on average, over 40 with probability 2e-5; three quarters are told."""
    rng = np.random.default_rng(10)
    many = [hazard(censored(rng.exponential(0.5, 5_000), 2.0), np.linspace(0, 1.5, 11)) for _ in range(40)]
    low, high = (np.array([getattr(one, end) for one in many]) for end in ("low", "high"))
    assert np.sum((low > 2.0) | (high < 2.0)) <= 40
    assert np.mean(low > 1.5) > 0.5


def test_hazard_of_a_weibull_grows():
    """Shape 2: the hazard is 2 t."""
    times = np.random.default_rng(11).weibull(2.0, 40_000)
    got = hazard(censored(times, 3.0), np.linspace(0, 1.5, 16))
    middle = (got.edge[1:] + got.edge[:-1]) / 2
    assert np.allclose(got.rate, 2 * middle, rtol=0.1, atol=0.02)


WEEKS = {
    "placebo": "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23",
    "6-MP": "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+",
}


def remissions(name):
    words = WEEKS[name].split()
    time = np.array([float(word.rstrip("+")) for word in words])
    return Passages(time, np.array([not word.endswith("+") for word in words]), np.zeros(len(words), bool))


def test_cox_regression_is_that_of_the_textbooks():
    """Freireich's data: coefficient 1.509, standard error 0.410, likelihood ratio 15.2 (Breslow)."""
    from scipy.stats import chi2

    found = hazard_ratio(remissions("placebo"), remissions("6-MP"))
    assert np.log(found.ratio) == pytest.approx(1.509, abs=5e-4)
    assert np.log(found.high / found.low) / (2 * 1.959964) == pytest.approx(0.4096, abs=5e-4)
    assert chi2.isf(found.p, 1) == pytest.approx(15.21, abs=0.01)
    back = hazard_ratio(remissions("6-MP"), remissions("placebo"))
    assert back.ratio == pytest.approx(1 / found.ratio)


@pytest.mark.statistics
def test_cox_false_alarms_and_power():
    """300 pairs of one law at 5 %: 15 expected, over 30 with probability 2e-4; another law is found."""
    rng = np.random.default_rng(12)
    draw = lambda scale: censored(rng.exponential(scale, 60), 1.5)  # noqa: E731
    assert sum(hazard_ratio(draw(1.0), draw(1.0)).p < 0.05 for _ in range(300)) <= 30
    assert hazard_ratio(draw(1.0), draw(4.0)).p < 1e-4


def test_without_escapes_there_is_no_hazard_ratio():
    none = Passages(np.ones(5), np.zeros(5, bool), np.zeros(5, bool))
    assert np.isnan(hazard_ratio(none, none).ratio)
    assert np.isnan(hazard_ratio(none, remissions("placebo")).ratio)


def test_groups_apart_have_no_finite_hazard_ratio():
    yes, no = np.ones(400, bool), np.zeros(400, bool)
    early, late = (Passages(np.random.default_rng(0).uniform(a, a + 1, 400), yes, no) for a in (1.0, 5.0))
    assert np.isnan(hazard_ratio(early, late).ratio)
