import numpy as np
import pytest
from scipy.stats import levy_stable

from fastsde.analysis.tails import stability


def _indices(x):
    return np.array([one.index for one in stability.indices_of_sums(x)])


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [1.2, 1.6, 2.0])
def test_sums_of_stable_values_keep_their_index(alpha):
    """The sd of the slope of 5000 sums is below 0.02: 0.1 is five of them, for each of nine numbers."""
    x = levy_stable.rvs(alpha, 0.0, size=80_000, random_state=0)
    assert np.allclose(_indices(x), alpha, atol=0.1)


@pytest.mark.statistics
def test_sums_of_student_values_rise_to_two():
    x = np.random.default_rng(1).standard_t(3, 160_000)
    one, four, sixteen = _indices(x)
    assert one < 1.75 < four < sixteen
    assert sixteen > 1.88


def test_sums_against_a_loop():
    x = np.random.default_rng(2).standard_normal(83)
    assert np.allclose(stability.sums(x, 4), [x[i : i + 4].sum() for i in range(0, 80, 4)])


@pytest.mark.parametrize("sample", [np.ones(99), np.zeros(1000)])
def test_unknown(sample):
    assert np.isnan(_indices(sample)).all()
