import os

import numpy as np
import pytest

from fastsde.analysis.distances.kinds import sliced_wasserstein as wasserstein


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 5)), rng.normal(0.3, 1.5, size=(60, 5))


def test_against_optimal_transport_library(samples, monkeypatch):
    for backend in ("PYTORCH", "JAX", "CUPY", "TENSORFLOW"):
        monkeypatch.setitem(os.environ, f"POT_BACKEND_DISABLE_{backend}", "1")
    ot = pytest.importorskip("ot")
    x, y = samples
    along = wasserstein.directions(5, 40, seed=3)
    expected = ot.sliced_wasserstein_distance(x, y, projections=along.T)
    assert wasserstein.sliced_wasserstein(x, y, along) == pytest.approx(expected, rel=1e-12)


def test_shift_in_closed_form(samples):
    x, _ = samples
    shift = np.array([1.0, -2.0, 0.5, 0.0, 3.0])
    along = wasserstein.directions(5, 30, seed=1)
    expected = np.sqrt(np.mean((along @ shift) ** 2))
    assert wasserstein.sliced_wasserstein(x, x + shift, along) == pytest.approx(expected, rel=1e-12)


def test_relabelled_is_the_distance_of_the_parts(samples):
    pooled = np.concatenate(samples)
    rng = np.random.default_rng(4)
    labels = np.array([rng.permutation(120) < 60 for _ in range(7)])
    along = wasserstein.directions(5, 12, seed=2)
    expected = [wasserstein.sliced_wasserstein(pooled[mark], pooled[~mark], along) for mark in labels]
    assert np.allclose(wasserstein.relabelled(pooled, labels, along), expected, rtol=1e-12)


def test_directions_are_unit_and_fixed():
    along = wasserstein.directions(4, 9, seed=5)
    assert np.allclose(np.linalg.norm(along, axis=1), 1)
    assert np.array_equal(along, wasserstein.directions(4, 9, seed=5))
    assert not np.array_equal(along, wasserstein.directions(4, 9, seed=6))


def test_sizes_must_agree(samples):
    x, y = samples
    with pytest.raises(ValueError, match="one shape"):
        wasserstein.sliced_wasserstein(x, y[:-1], np.eye(5))
