import numpy as np
import ot
import pytest

from fastsde.analysis.distances.kinds.exact_wasserstein import exact_wasserstein, relabelled
from fastsde.analysis.distances.wasserstein_1d import wasserstein_1d


def test_against_pot():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(0.5, 2.0, size=(40, 3))
    assert exact_wasserstein(x, y) ** 2 == pytest.approx(ot.emd2([], [], ot.dist(x, y)), rel=1e-9)


def test_on_the_line_it_is_the_sorted_one():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 1)), rng.normal(1, 1, size=(30, 1))
    assert exact_wasserstein(x, y) == pytest.approx(wasserstein_1d(x[:, 0], y[:, 0], 2), rel=1e-12)


def test_relabelled_is_the_distance_of_the_halves():
    rng = np.random.default_rng(2)
    pooled = rng.normal(size=(24, 2))
    labels = np.array([rng.permutation(24) < 12 for _ in range(4)])
    assert np.allclose(relabelled(pooled, labels), [exact_wasserstein(pooled[m], pooled[~m]) for m in labels])


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="one shape"):
        exact_wasserstein(np.zeros((3, 1)), np.zeros((4, 1)))
