import numpy as np
import pytest

from fastsde.analysis.tails.estimators import hill


def test_formula_against_a_direct_sum():
    x = np.random.default_rng(0).standard_t(3, 1000)
    k = 57
    top = np.sort(np.abs(x))[::-1]
    direct = 1 / np.mean([np.log(top[i] / top[k]) for i in range(k)])
    assert hill.hill(x, k) == pytest.approx(direct, rel=1e-12)


def test_pareto_matches_scipys_maximum_likelihood():
    from scipy.stats import pareto

    x = pareto(2.5).rvs(4000, random_state=1)
    k = 400
    top = np.sort(x)[::-1]
    shape = pareto.fit(top[:k], floc=0, fscale=top[k])[0]
    assert hill.hill(x, k) == pytest.approx(shape, rel=1e-6)


@pytest.mark.statistics
def test_interval_covers_at_fixed_k():
    """Exact 95 % interval of a Pareto tail: 300 samples, 285 expected; below 270 with probability 2e-4."""
    rng = np.random.default_rng(2)
    found = [hill.estimate(rng.pareto(1.7, 1000) + 1, k=100) for _ in range(300)]
    assert sum(one.low < 1.7 < one.high for one in found) >= 270


@pytest.mark.statistics
def test_chosen_k_keeps_most_of_the_coverage():
    """The choice of k costs coverage (documented): at least 80 % of 200 intervals still hold the truth."""
    rng = np.random.default_rng(3)
    found = [hill.estimate(rng.pareto(1.7, 1000) + 1) for _ in range(200)]
    assert np.mean([one.low < 1.7 < one.high for one in found]) > 0.8


@pytest.mark.statistics
@pytest.mark.parametrize(("alpha", "expected"), [(1.2, 1.22), (1.5, 1.53)])
def test_stable_laws_as_in_the_reference_table(alpha, expected):
    """Hill at k = n/100 of 1e5 stable values, whose sd is 0.05: within four of them, 6e-5 false alarms."""
    from scipy.stats import levy_stable

    x = levy_stable.rvs(alpha, 0.0, size=100_000, random_state=4)
    assert abs(hill.hill(x, 1000) - expected) < 0.2


def test_gaussian_is_not_taken_for_heavy():
    x = np.random.default_rng(5).standard_normal(5000)
    assert hill.estimate(x).low > 3


def test_scale_and_sign_do_not_matter():
    x = np.random.default_rng(6).standard_t(2, 500)
    found, scaled = hill.estimate(x), hill.estimate(-7 * x)
    assert scaled.k == found.k
    assert scaled.index == pytest.approx(found.index, rel=1e-10)


@pytest.mark.parametrize("sample", [np.ones(50), np.zeros(500), np.r_[np.zeros(480), np.ones(20)]])
def test_nothing_to_estimate(sample):
    assert np.isnan(hill.estimate(sample).index)


def test_equal_largest_values_have_no_tail():
    assert hill.estimate(np.r_[np.ones(500), 2 * np.ones(500)]).index == np.inf


@pytest.mark.parametrize("k", [0, 10])
def test_k_out_of_range(k):
    with pytest.raises(ValueError, match=r"1\.\.9"):
        hill.hill(np.arange(1.0, 11.0), k)
