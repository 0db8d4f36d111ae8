"""Each estimator of a tail index: closed forms, an independent way of computing it, cover of its interval."""

import numpy as np
import pytest
from scipy.stats import levy_stable, norm
from scipy.stats import t as student_t

from fastsde.analysis.tails import lasting, order_statistics
from fastsde.analysis.tails.dependence import design_effect
from fastsde.analysis.tails.estimators import (
    characteristic,
    group_moment,
    hill,
    log_moment,
    moment_tail,
    pickands,
    quantile_fit,
    reduced_bias,
)
from fastsde.analysis.tails.tail_estimate import from_gamma, log_tail

ALL = {
    "reduced_bias": reduced_bias.estimate,
    "moment": moment_tail.estimate,
    "pickands": pickands.estimate,
    "log_moment": log_moment.estimate,
    "group": group_moment.estimate,
    "characteristic": characteristic.estimate,
    "quantile": quantile_fit.estimate,
}


def pareto_grid(alpha, n=20_000):
    """Exact quantiles of a Pareto law: no sampling error."""
    return (1 - (np.arange(n) + 0.5) / n) ** (-1 / alpha)


@pytest.mark.parametrize("alpha", [0.8, 2.0, 5.0])
def test_exact_power_laws(alpha):
    x = pareto_grid(alpha)
    assert reduced_bias.estimate(x).index == pytest.approx(alpha, rel=0.02)
    assert moment_tail.estimate(x).index == pytest.approx(alpha, rel=0.1)
    assert pickands.estimate(x).index == pytest.approx(alpha, rel=0.02)


def test_bias_reduction_against_least_squares():
    x = np.random.default_rng(0).standard_t(3, 2000)
    k = 150
    logs = np.log(np.sort(np.abs(x))[::-1])
    rank = np.arange(1, k + 1)
    design = np.column_stack([np.ones(k), rank / (k + 1)])
    gamma = np.linalg.lstsq(design, rank * (logs[:k] - logs[1 : k + 1]), rcond=None)[0][0]
    assert reduced_bias.estimate(x, k).index == pytest.approx(1 / gamma, rel=1e-10)


def test_bias_is_reduced():
    """Exact quantiles of Student's law at k = n/10, where Hill's estimate is a fifth too low."""
    from scipy.stats import t

    x = t(3).ppf((np.arange(40_000) + 0.5) / 40_000)
    plain, reduced = hill.hill(x, 4000), reduced_bias.estimate(x, 4000).index
    assert abs(reduced - 3) < 0.4 * abs(plain - 3)


def test_moment_and_pickands_by_hand():
    x = np.random.default_rng(12).standard_cauchy(300)
    logs = np.log(np.sort(np.abs(x))[::-1])
    excess = logs[:20] - logs[20]
    first, second = excess.mean(), (excess**2).mean()
    gamma = first + 1 - 0.5 / (1 - first**2 / second)
    assert moment_tail.estimate(x, 20).index == pytest.approx(1 / gamma)
    top = np.exp(logs)
    gamma = np.log2((top[9] - top[19]) / (top[19] - top[39]))
    assert pickands.estimate(x, 10).index == pytest.approx(1 / gamma)


def test_asymptotic_variance_of_the_moment_estimator_is_continuous_at_zero():
    assert moment_tail.variance(-1e-9) == pytest.approx(moment_tail.variance(0.0), abs=1e-6)
    assert pickands.variance(1e-9) == pytest.approx(pickands.variance(0.0), abs=1e-6)


@pytest.mark.parametrize("light", ["gaussian", "uniform"])
def test_no_power_law_is_infinity(light):
    grid = (np.arange(50_000) + 0.5) / 50_000
    x = norm.ppf(grid) if light == "gaussian" else grid
    assert moment_tail.estimate(x).index == np.inf
    assert pickands.estimate(x).index == np.inf


def test_log_moment_in_closed_form():
    """Var ln|X| of the Cauchy law is pi^2 / 4."""
    grid = (np.arange(100_000) + 0.5) / 100_000
    assert log_moment.estimate(np.tan(np.pi * (grid - 0.5))).index == pytest.approx(1.0, abs=2e-3)
    assert log_moment.estimate(pareto_grid(2.0)).index == np.inf


def test_group_estimate_by_hand():
    x = np.random.default_rng(1).standard_cauchy(3000)
    sums = x.reshape(100, 30).sum(axis=1)
    inverse = (np.log(np.abs(sums)).mean() - np.log(np.abs(x)).mean()) / np.log(30)
    assert group_moment.estimate(x, 30).index == pytest.approx(1 / inverse)


def test_characteristic_function_by_hand():
    x = np.random.default_rng(2).standard_cauchy(5000)
    low, middle, high = np.quantile(x, (0.25, 0.5, 0.75))
    u = np.linspace(0.2, 1.0, 9) / ((high - low) / 2)
    phi = np.abs(np.exp(1j * np.outer(u, x - middle)).mean(axis=1))
    slope = np.polyfit(np.log(u), np.log(-2 * np.log(phi)), 1)[0]
    assert characteristic.estimate(x).index == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.7, 1.3, 1.9])
def test_quantiles_of_stable_laws(alpha):
    """Exact quantiles of scipy's stable law, symmetric, give the index back, to the grain of the table."""
    levels = np.minimum(np.arange(51, 101) / 100, 0.999)  # every hundredth: those of the table are among them
    upper = levy_stable(alpha, 0.0).ppf(levels)
    quantiles = np.concatenate([-upper[::-1], [0.0], upper])
    assert quantile_fit.estimate(quantiles).index == pytest.approx(alpha, abs=0.03)


def test_quantiles_against_scipy():
    """Scipy starts its fit of a stable law from McCulloch's tables too, skewness and all."""
    x = levy_stable.rvs(1.4, 0.6, size=20_000, random_state=3)
    assert quantile_fit.estimate(x).index == pytest.approx(levy_stable._fitstart(x)[0], abs=0.01)


@pytest.mark.statistics
def test_resampled_quantiles_are_those_of_resampling():
    """Means and deviations of 4000 replicates, against 4000 resamples: within five standard errors."""
    rng = np.random.default_rng(4)
    x = np.sort(rng.standard_exponential(200))
    levels = (0.1, 0.5, 0.9)
    ours = order_statistics.resampled_quantiles(x, levels, 4000, rng)
    rank = np.rint(np.array(levels) * 201).astype(int) - 1
    plain = np.sort(rng.choice(x, (4000, 200)), axis=1)[:, rank]
    error = plain.std(axis=0) / np.sqrt(4000)
    assert np.all(np.abs(ours.mean(axis=0) - plain.mean(axis=0)) < 5 * np.sqrt(2) * error)
    assert np.allclose(ours.std(axis=0), plain.std(axis=0), rtol=0.1)
    assert np.allclose(np.corrcoef(ours.T), np.corrcoef(plain.T), atol=0.09)


@pytest.mark.statistics
@pytest.mark.parametrize("name", [name for name in ALL if name != "pickands"])
def test_intervals_cover_for_a_cauchy_law(name):
    """95 % intervals of 200 samples: 190 expected; below 172 with probability 1e-7 at 95 %, 2 % at 90 %."""
    rng = np.random.default_rng(5)
    found = [ALL[name](rng.standard_cauchy(4000)) for _ in range(200)]
    assert sum(one.low < 1.0 < one.high for one in found) >= 172
    assert np.median([one.high - one.low for one in found]) < 0.9


@pytest.mark.statistics
@pytest.mark.parametrize("index", [1.5, 3.0])
def test_off_a_pareto_law_the_moment_interval_covers_and_hills_does_not(index):
    """Of 60 samples 57 are expected; fewer than 49 have probability 1e-4. Hill's holds scatter, not bias."""
    rng = np.random.default_rng(8)
    law = levy_stable(index, 0) if index < 2 else student_t(index)
    draws = [law.rvs(10_000, random_state=rng) for _ in range(60)]
    covered = [
        sum(one.low < index < one.high for one in map(estimate, draws))
        for estimate in (moment_tail.estimate, hill.estimate)
    ]
    assert covered[0] >= 49
    assert covered[1] <= 40


@pytest.mark.statistics
def test_pickands_interval_covers():
    rng = np.random.default_rng(6)
    found = [pickands.estimate(rng.pareto(1.0, 20_000)) for _ in range(200)]
    assert sum(one.low < 1.0 < one.high for one in found) >= 172


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [1.3, 2.0])
def test_lasting_scale_cancels(alpha):
    """Lognormal levels over decades, the same at four times; the interval holds the index of what is left."""
    rng = np.random.default_rng(7)
    level = rng.lognormal(0.0, 2.0, 3000)
    draws = levy_stable.rvs(alpha, 0.0, size=(4, 3000), random_state=8)
    found = lasting.estimate(level * draws)
    assert abs(found.index - alpha) < 0.1
    assert found.low - 0.02 < alpha < found.high + 0.02
    assert log_moment.estimate((level * draws).ravel()).index < 0.8


def test_a_scale_that_changes_is_not_explained_away():
    """Negative control: with a new level at every time the index stays low."""
    rng = np.random.default_rng(9)
    found = lasting.estimate(rng.lognormal(0.0, 1.0, (4, 3000)) * rng.standard_normal((4, 3000)))
    assert found.high < 1.5


def test_lasting_needs_pairs():
    assert np.isnan(lasting.estimate(np.ones((1, 500))).index)
    assert np.isnan(lasting.estimate(np.full((4, 500), np.nan)).index)


@pytest.mark.parametrize("name", ALL)
def test_design_effect_widens_intervals(name):
    x = np.random.default_rng(10).standard_cauchy(5000)
    plain, wide = ALL[name](x), ALL[name](x, design=4.0)
    assert wide.index == plain.index
    assert wide.low < plain.low < plain.high < wide.high


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("sample", [np.ones(50), np.zeros(500)])
def test_nothing_to_estimate(name, sample):
    assert np.isnan(ALL[name](sample).index)


def test_design_effect_of_unequal_units():
    scores = np.array([1.0, 1.0, -2.0, 3.0, -3.0])
    assert design_effect(scores, np.array([0, 0, 1, 2, 3])) == pytest.approx(26 / 24)
    assert design_effect(scores, np.array([0, 0, 0, 0, 0])) == 1.0


def test_from_gamma_turns_the_interval_over():
    found = from_gamma(0.5, 0.1, 10, level=0.6826894921370859)
    assert (found.low, found.high) == pytest.approx((1 / 0.6, 1 / 0.4))
    assert from_gamma(-0.1, 0.1, 10).index == np.inf
    assert np.isnan(from_gamma(np.nan, 0.1, 10).index)


def test_log_tail_refuses_more_than_there_is():
    with pytest.raises(ValueError, match=r"1\.\.2"):
        log_tail([1.0, 2.0, 3.0], 3)


def test_hill_path_is_hill_at_every_k():
    x = np.random.default_rng(11).standard_t(2, 3000)
    k, (index, low, high) = hill.path(x, 20)
    known = np.isfinite(k)
    assert [hill.hill(x, int(one)) for one in k[known]] == pytest.approx(index[known].tolist())
    assert np.all((low[known] < index[known]) & (index[known] < high[known]))
    assert np.isnan(hill.path(np.ones(30))[0]).all()
