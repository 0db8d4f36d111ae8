import numpy as np
import ot
import pytest
from scipy import stats

from fastsde.analysis.distances.wasserstein_1d import relabelled, wasserstein_1d


@pytest.mark.parametrize(("n", "m"), [(40, 40), (40, 23), (7, 100), (1, 5)])
def test_against_scipy_and_pot(n, m):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=n), rng.standard_t(3, size=m) + 0.4
    assert wasserstein_1d(x, y) == pytest.approx(stats.wasserstein_distance(x, y), rel=1e-10)
    assert wasserstein_1d(x, y, 2) ** 2 == pytest.approx(ot.wasserstein_1d(x, y, p=2), rel=1e-10)


@pytest.mark.parametrize("power", [1, 2])
def test_relabelled_is_the_distance_of_the_halves(power):
    rng = np.random.default_rng(1)
    pooled = rng.normal(size=(60, 3))
    labels = np.array([rng.permutation(60) < 30 for _ in range(5)])
    expected = [[wasserstein_1d(c[mark], c[~mark], power) for c in pooled.T] for mark in labels]
    assert np.allclose(relabelled(pooled, labels, power), expected, rtol=1e-10)


@pytest.mark.statistics
def test_normal_laws():
    """W_2^2 = shift^2 + (s1 - s2)^2; 100,000 points a side leave less than 0.01 (more than 4 s.e.)."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=100_000), rng.normal(1.0, 2.0, size=100_000)
    assert abs(wasserstein_1d(x, y, 2) - np.sqrt(2)) < 0.02
    assert wasserstein_1d(x, x[::-1], 2) == 0  # the order of values does not matter
    assert wasserstein_1d(x, x + 0.5, 2) == pytest.approx(0.5)
