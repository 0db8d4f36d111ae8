import numpy as np
import pytest
from scipy import stats

from fastsde.analysis.shape.moments import LEVELS, moments


@pytest.fixture
def gaussian():
    return np.random.default_rng(0).multivariate_normal([1.0, -2.0], [[4.0, 1.0], [1.0, 1.0]], 2000)


def test_against_numpy_and_scipy(gaussian):
    found = moments(gaussian)
    assert found.count == 2000
    assert np.allclose(found.mean, gaussian.mean(axis=0))
    assert np.allclose(found.covariance, np.cov(gaussian.T))
    assert np.allclose(found.skewness, stats.skew(gaussian))
    assert np.allclose(found.kurtosis, stats.kurtosis(gaussian))
    assert np.allclose(found.deviation, stats.median_abs_deviation(gaussian))
    assert np.allclose(found.quantiles, np.quantile(gaussian, LEVELS, axis=0))


@pytest.mark.statistics
def test_error_of_the_covariance(gaussian):
    """Of a Gaussian it is root((c_ii c_jj + c_ij^2) / n); of 400 samples the spread agrees within 12 %."""
    found = moments(gaussian)
    c = np.array([[4.0, 1.0], [1.0, 1.0]])
    exact = np.sqrt((np.outer(np.diag(c), np.diag(c)) + c**2) / len(gaussian))
    assert np.allclose(found.covariance_error, exact, rtol=0.1)
    rng = np.random.default_rng(1)
    again = [moments(rng.multivariate_normal([0, 0], c, 300)).covariance for _ in range(400)]
    assert np.allclose(np.std(again, axis=0), exact * np.sqrt(len(gaussian) / 300), rtol=0.12)


@pytest.mark.statistics
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_error_of_the_correlation(correlation):
    """Of a Gaussian it is (1 - r^2) / root(n); of 300 samples the spread agrees within 15 %."""
    rng, c = np.random.default_rng(2), np.array([[1.0, correlation], [correlation, 1.0]])
    found = [moments(rng.multivariate_normal([0, 0], c, 400)) for _ in range(300)]
    again = [one.covariance[0, 1] / np.sqrt(one.covariance[0, 0] * one.covariance[1, 1]) for one in found]
    exact = (1 - correlation**2) / np.sqrt(400)
    assert np.std(again) == pytest.approx(exact, rel=0.15)
    assert np.mean([one.correlation_error[0, 1] for one in found]) == pytest.approx(exact, rel=0.05)
    assert np.allclose([one.correlation_error[0, 0] for one in found], 0, atol=1e-7)


@pytest.mark.statistics
def test_states_widen_the_errors_of_second_moments():
    """100 states of 8 trajectories, 80 % of the variance the states': plain errors are half of the spread."""
    rng, c = np.random.default_rng(3), np.array([[1.0, 0.3], [0.3, 1.0]])
    spread, plain, wide = [], [], []
    for _ in range(200):
        states = rng.multivariate_normal([0, 0], c, 100)
        x = np.sqrt(0.8) * np.repeat(states, 8, axis=0) + np.sqrt(0.2) * rng.multivariate_normal(
            [0, 0], c, 800
        )
        plain.append(moments(x).covariance_error[0, 1])
        found = moments(x, branches=8)
        wide.append(found.covariance_error[0, 1])
        spread.append(found.covariance[0, 1])
    assert np.mean(plain) < 0.6 * np.std(spread)
    assert 0.9 * np.std(spread) < np.mean(wide) < 1.5 * np.std(spread)


def test_robust_shape_in_closed_form():
    """Exact quantiles: of the normal law, Moors' kurtosis 1.233 and no skewness; of the exponential, some."""
    grid = (np.arange(20_000) + 0.5) / 20_000
    found = moments(np.column_stack([stats.norm.ppf(grid), stats.expon.ppf(grid)]))
    assert found.moors[0] == pytest.approx(1.2331, abs=2e-3)
    assert found.quantile_skewness[0] == pytest.approx(0.0, abs=1e-6)
    expected = (np.log(20) + np.log(20 / 19) - 2 * np.log(2)) / np.log(19)
    assert found.quantile_skewness[1] == pytest.approx(expected, abs=2e-3)


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [1.0, 1.3])
def test_heavy_tails_have_no_covariance(alpha):
    """All of 20 samples of 2000 stable values are refused; a robust spread stands in."""
    x = stats.levy_stable.rvs(alpha, 0.0, size=(2000, 20), random_state=1)
    found = moments(x)
    assert np.isnan(np.diag(found.covariance)).all()
    assert np.isnan(found.kurtosis).all()
    assert np.isfinite(found.deviation).all()


@pytest.mark.statistics
def test_light_tails_are_not_refused():
    """Negative control: of 200 Gaussian columns, none is refused a covariance, 95 % keep their kurtosis."""
    found = moments(np.random.default_rng(2).standard_normal((1000, 200)))
    assert np.isfinite(found.covariance).all()
    assert np.isfinite(found.kurtosis).mean() > 0.95


def test_kurtosis_refused_where_variance_is_not():
    found = moments(np.random.default_rng(3).standard_t(2.6, (20_000, 1)))
    assert np.isfinite(found.covariance[0, 0])
    assert np.isnan(found.kurtosis[0])


def test_a_declared_law_is_believed(gaussian):
    found = moments(gaussian, limit=np.array([1.6, np.inf]))
    assert np.isfinite(found.mean).all()
    assert np.isnan(found.covariance[0]).all()
    assert np.isfinite(found.covariance[1, 1])


@pytest.mark.parametrize(("size", "kept"), [(1.0, True), (1e-3, False), (np.nan, False)])
def test_values_within_their_natural_size_deny_no_moment(size, kept):
    """A mode that is spread over six decades on its way to strength 1 has all moments; without a scale, or
    where values lie far beyond it, its small index denies the variance.
    """
    growing = np.geomspace(1e-6, 1, 400)[:, None]
    found = moments(growing, scale=np.array([size]))
    assert found.tail_high[0] < 2
    assert np.isfinite(found.covariance[0, 0]) == kept
    assert np.isinf(found.denied[0]) == kept


def test_diverged_rows_are_left_out_and_not_counted(gaussian):
    broken = gaussian.copy()
    broken[::2, 1] = np.nan
    found, expected = moments(broken), moments(gaussian[1::2])
    assert found.count == 1000
    assert np.array_equal(found.covariance, expected.covariance)


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few(rows):
    found = moments(np.ones((rows, 3)))
    assert found.count == rows
    assert np.isnan(found.mean).all()
    assert found.covariance.shape == (3, 3)


def test_constant_column():
    found = moments(np.ones((200, 1)))
    assert found.covariance[0, 0] == 0
    assert np.isnan(found.skewness[0])
