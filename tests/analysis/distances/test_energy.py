import numpy as np
import pytest
from scipy import stats

from fastsde.analysis.distances.kinds import energy


def _direct(x, y, q):
    def mean(a, b, skip):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (skip and i == j)]
        return np.mean([np.linalg.norm(a[i] - b[j]) ** q for i, j in pairs])

    return 2 * mean(x, y, False) - mean(x, x, True) - mean(y, y, True)


@pytest.mark.parametrize("q", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("dimension", [1, 3])
def test_against_the_definition(q, dimension):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(23, dimension)), rng.normal(0.7, 2.0, size=(31, dimension))
    assert energy.energy_distance(x, y, q) == pytest.approx(_direct(x, y, q), rel=1e-10)


def test_against_scipy():
    """Scipy's is the root of half the biased one: with the zero distances of each point to itself."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=200), rng.normal(0.3, 1.5, size=200)
    own = [np.abs(a[:, None] - a).sum() for a in (x, y)]
    bias = sum(total / (200 * 199) - total / 200**2 for total in own)
    unbiased = energy.energy_distance(x[:, None], y[:, None])
    assert unbiased + bias == pytest.approx(stats.energy_distance(x, y) ** 2, rel=1e-9)


def test_relabelled_is_the_distance_of_the_parts():
    rng = np.random.default_rng(2)
    labels = np.array([rng.permutation(40) < 15 for _ in range(6)])
    for pooled in (rng.normal(size=(40, 1)), rng.normal(size=(40, 4))):
        expected = [energy.energy_distance(pooled[mark], pooled[~mark]) for mark in labels]
        assert np.allclose(energy.relabelled(pooled, labels), expected, rtol=1e-9)


@pytest.mark.statistics
def test_unbiased_and_in_closed_form():
    """Shifted normals: 2 E|X-Y| - 2 E|X-X'| by the folded normal; 4 standard errors (1 in 16,000)."""
    rng = np.random.default_rng(3)
    values = [energy.energy_distance(rng.normal(size=(40, 1)), rng.normal(1, 1, (40, 1))) for _ in range(400)]
    folded = 2 / np.sqrt(np.pi) * np.exp(-0.25) + (1 - 2 * stats.norm.cdf(-1 / np.sqrt(2)))
    expected = 2 * folded - 2 * 2 / np.sqrt(np.pi)
    assert abs(np.mean(values) - expected) < 4 * np.std(values) / 20
    null = [energy.energy_distance(rng.normal(size=(40, 2)), rng.normal(size=(40, 2))) for _ in range(400)]
    assert abs(np.mean(null)) < 4 * np.std(null) / 20


@pytest.mark.parametrize("exponent", [0.0, 2.0, -1.0])
def test_exponents_that_tell_nothing(exponent):
    with pytest.raises(ValueError, match="between 0 and 2"):
        energy.energy_distance(np.zeros((3, 1)), np.zeros((3, 1)), exponent)
