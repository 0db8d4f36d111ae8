import numpy as np
import ot
import pytest

from fastsde.analysis.distances.kinds.exact_wasserstein import exact_wasserstein
from fastsde.analysis.distances.kinds.sinkhorn import penalty, relabelled, sinkhorn_divergence


def _pot(x, y, epsilon):
    def transport(a, b):
        return ot.solve(ot.dist(a, b), reg=epsilon, reg_type="KL", tol=1e-6, max_iter=50_000).value

    return transport(x, y) - transport(x, x) / 2 - transport(y, y) / 2


@pytest.mark.parametrize("blur", [0.1, 0.5])
def test_against_pot(blur):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(25, 3)), rng.normal(0.5, 1.5, size=(25, 3))
    epsilon = penalty(np.concatenate([x, y]), blur)
    assert sinkhorn_divergence(x, y, epsilon) == pytest.approx(_pot(x, y, epsilon), rel=2e-3)


def test_limits_of_the_penalty():
    """Small: the squared Wasserstein-2 distance; large: the squared difference of means."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 2)), rng.normal(2.0, 1.0, size=(30, 2))
    pooled = np.concatenate([x, y])
    near = sinkhorn_divergence(x, y, penalty(pooled, 0.005))
    assert near == pytest.approx(exact_wasserstein(x, y) ** 2, rel=0.03)
    far = sinkhorn_divergence(x, y, 1e5)
    assert far == pytest.approx(float(((x.mean(0) - y.mean(0)) ** 2).sum()), rel=1e-3)


def test_relabelled_is_the_divergence_of_the_halves():
    rng = np.random.default_rng(2)
    pooled = rng.normal(size=(30, 2))
    labels = np.array([rng.permutation(30) < 15 for _ in range(4)])
    expected = [sinkhorn_divergence(pooled[mark], pooled[~mark], 0.5) for mark in labels]
    assert np.allclose(relabelled(pooled, labels, 0.5), expected, rtol=5e-3, atol=1e-5)


def test_outliers_do_not_underflow():
    x = np.random.default_rng(3).normal(size=(20, 2))
    x[0] = 1e3
    value = sinkhorn_divergence(x, x[::-1] * 0.5, penalty(x, 0.1))
    assert np.isfinite(value)
    assert value > 0


def test_a_sample_and_itself():
    x = np.random.default_rng(4).normal(size=(25, 2))
    assert abs(sinkhorn_divergence(x, x.copy(), 0.3)) < 1e-3
