import numpy as np
import pytest

from fastsde.analysis.distances.kinds import mmd
from fastsde.analysis.distances.kinds.mmd_features import block_sums, frequencies, relabelled, squared_mmd


def test_many_frequencies_give_the_kernel():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), rng.normal(0.8, 1.0, size=(50, 3))
    exact = mmd.squared_mmd(x, y, 1.4)
    assert squared_mmd(x, y, frequencies(3, 40_000, seed=1), 1.4) == pytest.approx(exact, abs=0.01)


def test_blocks_are_the_trajectories_in_them():
    rng = np.random.default_rng(1)
    x, y, waves = rng.normal(size=(64, 2)), rng.normal(1, 1, (64, 2)), frequencies(2, 32, seed=2)
    whole = squared_mmd(x, y, waves, 1.0)
    sums = np.concatenate([block_sums(one, waves, 1.0, 8) for one in (x, y)])
    labels = np.arange(16) < 8
    assert relabelled(sums, labels[None])[0] == pytest.approx(whole, rel=1e-5)


def test_diverged_trajectories_are_a_state():
    x = np.random.default_rng(2).normal(size=(200, 2))
    waves = frequencies(2, 256, seed=3)
    gone = x.copy()
    gone[:100] = np.nan
    assert squared_mmd(x, gone, waves, 1.0) > 0.25
    assert abs(squared_mmd(gone[::2], gone[1::2], waves, 1.0)) < 0.05


def test_huge_values_are_far_away():
    x = np.zeros((10, 1))
    assert squared_mmd(x, x + 1e300, frequencies(1, 512, seed=0), 1.0) == pytest.approx(2.0, abs=0.2)


@pytest.mark.statistics
def test_unbiased_under_the_null():
    """Mean of 300 within 4 standard errors: by chance once in 16,000."""
    rng, waves = np.random.default_rng(4), frequencies(2, 64, seed=5)
    values = [squared_mmd(*rng.normal(size=(2, 50, 2)), waves, 1.0) for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)
