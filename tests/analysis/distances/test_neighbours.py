import numpy as np
import pytest
from scipy.spatial import cKDTree

from fastsde.analysis.distances.neighbours import divergence, relabelled


def _by_tree(x, y, k):
    rho = cKDTree(x).query(x, k + 1)[0][:, k]
    nu = np.reshape(cKDTree(y).query(x, [k])[0], -1)
    return x.shape[1] * np.mean(np.log(nu / rho)) + np.log(len(y) / (len(x) - 1))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_against_a_search_tree(dimension):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, dimension)), rng.normal(0.4, 1.3, size=(60, dimension))
    assert divergence(x, y, 4) == pytest.approx(_by_tree(x, y, 4), rel=1e-10)
    labels = np.arange(140) < 80
    both = relabelled(np.concatenate([x, y]), labels[None], 4)[:, 0]
    assert both == pytest.approx([_by_tree(x, y, 4), _by_tree(y, x, 4)], rel=1e-10)


@pytest.mark.statistics
def test_shifted_normals():
    """KL = shift^2 / 2; the means of six estimates within 0.1 and 0.06, 4 standard errors."""
    rng = np.random.default_rng(1)
    shifted = [divergence(rng.normal(size=(500, 1)), rng.normal(0.7, 1, (500, 1))) for _ in range(6)]
    same = [divergence(rng.normal(size=(500, 1)), rng.normal(size=(500, 1))) for _ in range(6)]
    assert abs(np.mean(shifted) - 0.245) < 0.1
    assert abs(np.mean(same)) < 0.06


def test_coinciding_points_do_not_give_infinities():
    x = np.zeros((20, 2))
    x[10:] = 1.0
    assert np.isfinite(divergence(x, x.copy()))


def test_what_cannot_be_estimated():
    with pytest.raises(ValueError, match="at most 3 dimensions"):
        divergence(np.zeros((9, 4)), np.zeros((9, 4)))
    with pytest.raises(ValueError, match="more than 5 points"):
        divergence(np.zeros((5, 1)), np.zeros((9, 1)))
