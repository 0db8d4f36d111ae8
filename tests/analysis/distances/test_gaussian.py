import numpy as np
import ot
import pytest

from fastsde.analysis.distances import gaussian
from fastsde.analysis.distances.kinds import gaussian_w2


def _law(rng, d):
    root = rng.normal(size=(d, d))
    return rng.normal(size=d), root @ root.T


def test_bures_against_pot():
    rng = np.random.default_rng(0)
    (m1, s1), (m2, s2) = _law(rng, 4), _law(rng, 4)
    expected = float(np.asarray(ot.gaussian.bures_wasserstein_distance(m1, m2, s1, s2))) ** 2
    assert float(gaussian.bures((m1, s1), (m2, s2))) == pytest.approx(expected, rel=1e-7)


def test_bures_of_singular_laws():
    line, point = np.diag([1.0, 0.0]), np.zeros((2, 2))
    assert float(gaussian.bures((np.zeros(2), line), (np.zeros(2), point))) == pytest.approx(1.0)
    assert float(gaussian.bures((np.zeros(2), line), (np.zeros(2), line))) == pytest.approx(0.0, abs=1e-12)


def test_divergence_against_integration():
    rng = np.random.default_rng(1)
    first, second = _law(rng, 2), _law(rng, 2)
    x = rng.multivariate_normal(*first, size=400_000)

    def log_density(law):
        z = np.linalg.solve(np.linalg.cholesky(law[1]), (x - law[0]).T)
        return -0.5 * (z**2).sum(0) - 0.5 * np.linalg.slogdet(2 * np.pi * law[1])[1]

    ratio = log_density(first) - log_density(second)
    assert abs(float(gaussian.divergence(first, second)) - ratio.mean()) < 5 * ratio.std() / np.sqrt(len(x))


def test_divergence_from_a_singular_law_is_infinite():
    regular, singular = (np.zeros(2), np.eye(2)), (np.zeros(2), np.diag([1.0, 0.0]))
    assert np.isinf(gaussian.divergence(regular, singular))


def test_fitted_is_numpy():
    rng = np.random.default_rng(2)
    pooled = rng.normal(5.0, 1.0, size=(30, 3))
    labels = np.array([rng.permutation(30) < 12 for _ in range(4)])
    mean, covariance = gaussian.fitted(pooled, labels)
    assert np.allclose(mean, [pooled[mark].mean(axis=0) for mark in labels])
    assert np.allclose(covariance, [np.cov(pooled[mark].T) for mark in labels])


@pytest.mark.statistics
def test_halves_take_the_bias_away():
    """The plain estimate is off by 2p/n + p(p+1)/(2n); means of 100 within 5 standard errors."""
    rng = np.random.default_rng(3)
    p, n = 10, 200
    labels = np.arange(2 * n) < n
    for shift in (0.0, 0.5):
        pairs = [np.concatenate([rng.normal(size=(n, p)), rng.normal(shift, 1, (n, p))]) for _ in range(100)]
        plain = [
            float(gaussian.bures(gaussian.fitted(x, labels[None]), gaussian.fitted(x, ~labels[None]))[0])
            for x in pairs
        ]
        debiased = [gaussian_w2.squared_wasserstein(x[:n], x[n:]) for x in pairs]
        bias = 2 * p / n + p * (p + 1) / (2 * n)
        assert np.mean(plain) - p * shift**2 > 0.8 * bias
        assert abs(np.mean(debiased) - p * shift**2) < 5 * np.std(debiased) / 10 + 0.03 * bias
