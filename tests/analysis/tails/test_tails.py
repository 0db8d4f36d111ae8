from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import levy_stable

from fastsde.analysis.tails.section import KINDS, gaussian_index, sample_tails
from fastsde.analysis.tails.tail_pool import TailPool, windows


def _pool(snapshots, scales=None, limit=50_000, centre=False):
    pool = TailPool(len(snapshots), limit, centre)
    for number, noise in enumerate(snapshots):
        pool.add(noise, None if scales is None else scales[number])
    return pool


def _tails(*arguments, **options):
    return sample_tails(_pool(*arguments, **options))


@pytest.mark.statistics
def test_elliptical_stable_noise_is_seen_across_trajectories():
    """One clock shared by the coordinates of a step: each mode's index is still that of the clock."""
    rng = np.random.default_rng(0)
    clock = np.abs(
        levy_stable.rvs(
            0.75, 1.0, scale=np.cos(np.pi * 0.375) ** (1 / 0.75), size=(8, 2000, 1), random_state=1
        )
    )
    found = _tails(list(np.sqrt(clock) * rng.standard_normal((8, 2000, 4))))
    hill = found.pooled.estimates["hill"]
    assert np.all(np.abs(hill.index - 1.5) < 0.35)
    assert np.all(hill.high < 2.2)
    assert np.allclose(found.pooled.sums.index, 1.5, atol=0.15)
    assert found.pooled.verdict == ("stable",) * 4


def test_gaussian_noise_shows_what_a_gaussian_sample_shows():
    found = _tails(list(np.random.default_rng(2).standard_normal((10, 1000, 2))))
    assert np.all(found.pooled.estimates["hill"].low > 4)
    assert np.all(np.abs(found.pooled.sums.index - 2) < 0.06)
    assert found.gaussian_window == gaussian_index(1000)
    assert found.gaussian_pooled == gaussian_index(9000)
    assert found.pooled.verdict == ("light", "light")


def test_scales_of_snapshots_do_not_make_a_tail():
    noise = np.random.default_rng(3).standard_normal((10, 500, 1))
    scaled = noise * 10.0 ** np.arange(10)[:, None, None]
    index = [_tails(list(one)).pooled.estimates["hill"].index for one in (scaled, noise)]
    assert np.allclose(*index)


@pytest.mark.statistics
def test_levels_of_trajectories_are_told_as_a_mixture():
    """Trajectories at different saddles: lognormal noise levels, known, at every snapshot."""
    rng = np.random.default_rng(4)
    level = rng.lognormal(0.0, 1.3, (6, 4000))
    noise = level[:, :, None] * rng.standard_normal((6, 4000, 1))
    found = _tails(list(noise), list(level))
    assert found.verdict == ("mixture",)
    assert found.pooled.raw.verdict == ("power",)
    assert all(one == ("light",) for one in found.window_verdict.values())
    assert _tails(list(noise)).verdict == ("power",)


@pytest.mark.statistics
def test_a_level_that_lasts_is_told_as_a_mixture_though_unknown():
    """The level of a trajectory stays from snapshot to snapshot; stable noise on it stays heavy."""
    rng = np.random.default_rng(7)
    level = rng.lognormal(0.0, 1.3, (8000, 1))
    found = _tails(list(level * rng.standard_normal((6, 8000, 1))))
    assert found.pooled.verdict == ("power",)
    assert found.verdict == ("mixture",)
    assert found.lasting.index[0] == pytest.approx(2.0, abs=0.1)
    heavy = levy_stable.rvs(1.6, 0.0, size=(6, 8000, 1), random_state=8)
    found = _tails(list(level * heavy))
    assert found.verdict[0] != "mixture"
    assert found.lasting.index[0] == pytest.approx(1.6, abs=0.06)


def test_scales_may_be_of_each_column():
    rng = np.random.default_rng(9)
    level = rng.lognormal(0.0, 1.3, (4, 4000, 2))
    found = _tails(list(level * rng.standard_normal((4, 4000, 2))), list(level))
    assert found.verdict == ("mixture", "mixture")


def test_what_is_bounded_has_no_tail():
    """Values over decades are heavy to every estimator; the verdict asks for the range first."""
    values = np.random.default_rng(10).standard_cauchy((3, 3000, 1))
    assert sample_tails(_pool(values), np.array([1e9])).verdict == ("bounded",)
    assert sample_tails(_pool(values), np.array([5.0])).verdict == ("stable",)
    assert sample_tails(_pool(0.0 * values), np.array([5.0])).verdict == ("none",)


def test_no_noise_and_diverged_trajectories():
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((6, 300, 2))
    noise[:, :, 1] = 0
    noise[3:, :50] = np.nan
    found = _tails(list(noise))
    assert found.pooled.verdict == ("light", "none")
    assert found.pooled.count.tolist() == [2 * 300 + 3 * 250, 0]
    assert found.window.tolist() == [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]]
    assert np.isfinite(found.path[0]).any()
    assert np.isnan(found.path[1]).all()


def test_everything_diverged():
    found = _tails([np.full((200, 2), np.nan)] * 3)
    assert found.pooled.verdict == ("none", "none")
    assert np.isnan(found.snapshot.index).all()


def test_a_pool_is_bounded():
    found = _tails(list(np.random.default_rng(5).standard_normal((5, 4000, 1))), limit=2500)
    assert found.pooled.count[0] == 4 * 500


@pytest.mark.statistics
def test_repeated_values_widen_intervals():
    """A loss that does not change: five snapshots tell no more than one."""
    loss = np.random.default_rng(6).pareto(2.0, (1000, 1)) + 1
    found = _tails([loss] * 6, centre=True)
    assert found.pooled.design_effect[0] == pytest.approx(5.0, rel=0.1)


def test_increments_and_loss_are_read_as_they_are():
    values = np.arange(24.0).reshape(4, 3, 2) ** 2
    arrays = {"modes": values, "loss": values[:, :, 0]}
    view = SimpleNamespace(step=np.arange(4), read=lambda name, snapshot: arrays[name][snapshot])
    increments = np.stack([one for one, _ in KINDS["increments"][1](view, None)])
    assert np.isnan(increments[0]).all()
    assert np.array_equal(increments[1:], np.diff(values, axis=0))
    assert np.array_equal(np.stack([one for one, _ in KINDS["loss"][1](view, None)])[:, :, 0], arrays["loss"])


def test_windows_cover_all_snapshots_but_the_start():
    cut = windows(1, 64)
    assert len(cut) == 12
    assert [step for a, b in cut for step in range(a, b + 1)] == list(range(1, 64))


def test_the_exact_level_of_each_mode_is_used_where_it_is_recorded():
    arrays = {
        "update_noise": np.ones((1, 3, 2)),
        "mode_diffusion": np.full((1, 3, 2), 4.0),
        "noise_trace": np.full((1, 3), 9.0),
    }
    arrays["mode_diffusion"][0, 0, 0] = 0.0
    sgd = SimpleNamespace(kind="sgd", has_gradient_noise=True)

    def scale(*names):
        view = SimpleNamespace(
            step=np.arange(1), variables=names, read=lambda name, snapshot: arrays[name][snapshot]
        )
        return next(KINDS["noise"][1](view, sgd))[1]

    assert np.isnan(scale("update_noise", "mode_diffusion", "noise_trace")[0, 0])
    assert np.all(scale("update_noise", "mode_diffusion", "noise_trace")[1:] == 2.0)
    assert scale("update_noise", "noise_trace").tolist() == [[3.0], [3.0], [3.0]]
    assert scale("update_noise") is None
