import numpy as np
import pytest

from fastsde.analysis.distances import kernel_two_sample
from fastsde.analysis.distances.kinds import mmd


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 3)), rng.normal(0.5, 1.0, size=(40, 3))


def _direct(x, y, bandwidth):
    def kernel(a, b):
        return np.exp(-np.sum((a - b) ** 2) / (2 * bandwidth**2))

    own = np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    other = np.mean([kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    return own + other - 2 * np.mean([kernel(a, b) for a in x for b in y])


def test_against_the_definition(samples):
    assert mmd.squared_mmd(*samples, 1.3) == pytest.approx(_direct(*samples, 1.3), rel=1e-10)


def test_blocks_do_not_matter(samples, monkeypatch):
    whole = mmd.squared_mmd(*samples, 0.8)
    monkeypatch.setattr(kernel_two_sample, "BLOCK", 7)
    assert mmd.squared_mmd(*samples, 0.8) == pytest.approx(whole, rel=1e-12)


def test_relabelled_is_the_discrepancy_of_the_parts(samples):
    pooled = np.concatenate(samples)
    rng = np.random.default_rng(1)
    labels = np.array([rng.permutation(90) < 50 for _ in range(5)])
    expected = [mmd.squared_mmd(pooled[mark], pooled[~mark], 1.0) for mark in labels]
    assert np.allclose(mmd.relabelled(pooled, labels, 1.0), expected, rtol=1e-9)


@pytest.mark.statistics
def test_unbiased_under_the_null_and_in_closed_form_off_it():
    """Means of 400 samples within four standard errors: each fails by chance once in 16,000."""
    rng = np.random.default_rng(2)
    shift, n, h = 1.0, 20, 1.0
    same = [mmd.squared_mmd(rng.normal(size=(n, 1)), rng.normal(size=(n, 1)), h) for _ in range(400)]
    off = [mmd.squared_mmd(rng.normal(size=(n, 1)), rng.normal(shift, 1, (n, 1)), h) for _ in range(400)]
    width = h**2 + 2
    expected = 2 * h / np.sqrt(width) * (1 - np.exp(-(shift**2) / (2 * width)))
    assert abs(np.mean(same)) < 4 * np.std(same) / 20
    assert abs(np.mean(off) - expected) < 4 * np.std(off) / 20


def test_bandwidth_is_the_median():
    x = np.random.default_rng(3).normal(size=(31, 2))
    squares = [np.sum((a - b) ** 2) for i, a in enumerate(x) for b in x[i + 1 :]]
    assert kernel_two_sample.median_bandwidth(x) ** 2 == pytest.approx(np.median(squares) / 2, rel=1e-12)


@pytest.mark.parametrize(("sample", "expected"), [(np.zeros((5, 1)), 1.0), (np.zeros((1, 2)), 1.0)])
def test_bandwidth_of_one_place(sample, expected):
    assert kernel_two_sample.median_bandwidth(sample) == expected


def test_diverged_trajectories_are_a_state():
    finite = np.random.default_rng(4).normal(size=(40, 2))
    gone = finite.copy()
    gone[:20] = np.nan
    first, second = (kernel_two_sample.with_diverged(values, 1.0) for values in (finite, gone))
    assert mmd.squared_mmd(first, second, 1.0) > 0.25
    both = mmd.squared_mmd(second, kernel_two_sample.with_diverged(gone + 0.0, 1.0), 1.0)
    assert abs(both) < 0.06


def test_huge_values_do_not_overflow():
    x = np.array([[1e200], [-1e200], [0.0], [1.0]])
    assert np.isfinite(mmd.squared_mmd(x, np.zeros((4, 1)), 1.0))
