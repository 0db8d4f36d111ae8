import numpy as np
import pytest
from scipy.stats import levy_stable

from fastsde.analysis.tails import TailCollector, gaussian_index


def _tails(snapshots):
    collector = TailCollector(len(snapshots))
    for noise in snapshots:
        collector.add(noise)
    return collector.result()


@pytest.mark.statistics
def test_elliptical_stable_noise_is_seen_across_trajectories():
    """One clock shared by the coordinates of a step: each mode's index is still that of the clock."""
    rng = np.random.default_rng(0)
    clock = np.abs(
        levy_stable.rvs(
            0.75, 1.0, scale=np.cos(np.pi * 0.375) ** (1 / 0.75), size=(8, 2000, 1), random_state=1
        )
    )
    noise = np.sqrt(clock) * rng.standard_normal((8, 2000, 4))
    found = _tails(list(noise))
    assert np.all(np.abs(found.pooled_index - 1.5) < 0.35)
    assert np.all(found.pooled_high < 2.2)
    assert np.allclose(found.stable_index, 1.5, atol=0.15)


def test_gaussian_noise_shows_what_a_gaussian_sample_shows():
    found = _tails(list(np.random.default_rng(2).standard_normal((10, 1000, 2))))
    assert np.all(found.pooled_low > 4)
    assert np.all(np.abs(found.stable_index - 2) < 0.05)
    assert found.gaussian_index == gaussian_index(1000)


def test_scales_of_snapshots_do_not_make_a_tail():
    noise = np.random.default_rng(3).standard_normal((10, 500, 1))
    scaled = noise * 10.0 ** np.arange(10)[:, None, None]
    assert np.allclose(_tails(list(scaled)).pooled_index, _tails(list(noise)).pooled_index)


def test_no_noise_and_exploded_trajectories():
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((6, 300, 2))
    noise[:, :, 1] = 0
    noise[3:, :50] = np.nan
    found = _tails(list(noise))
    assert np.isnan(found.pooled_index[1])
    assert np.isfinite(found.pooled_index[0])
    assert found.pooled_count[0] == 3 * 300 + 3 * 250
    assert found.window.tolist() == [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]]


def test_everything_exploded():
    found = _tails([np.full((200, 2), np.nan)] * 3)
    assert np.isnan(found.pooled_index).all()
    assert np.isnan(found.index).all()
