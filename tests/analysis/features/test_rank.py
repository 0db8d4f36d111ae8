"""Ranks over time and at equal loss, and alignment: on made-up ensembles with known differences."""

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings
from fastsde.analysis.confidence import mean, median, share
from fastsde.analysis.context import Context
from fastsde.analysis.features import alignment, rank, rank_sums
from fastsde.analysis.law import time_weights
from fastsde.analysis.records import plain
from fastsde.system.progress import Silent


def ask(module, ensemble):
    return module.measure(Context(ensemble, ensemble.views, "sgd", Settings(), Silent()))


def with_ranks(shift=0.0, *, delay=1.0, trajectories=400):
    """Modes as singular values; `shift` closes the gap to sgd_gauss's second one, `delay` slows gd down."""
    ensemble = fake_ensemble(trajectories, 24, ("sgd", "gd", "sgd_gauss"), shift={"gd": delay})
    for name, view in ensemble.views.items():
        values = np.sort(np.abs(view.arrays["modes"]), axis=2)[:, :, ::-1].copy()
        gap = values[:, :, 0] - values[:, :, 1]
        values[:, :, 1] += shift * gap if name == "sgd_gauss" else 0.0
        view.arrays["singular_values"] = values
    return ensemble


@pytest.mark.statistics
def test_a_model_of_higher_rank_is_found_and_the_same_law_is_not():
    """The false alarm of each interval is 5 %; the seed is fixed."""
    different = ask(rank, with_ranks(shift=0.3)).models["sgd_gauss"]
    assert float(different.stable.average_difference.high) < 0
    assert float(different.stable.loss_average_difference.high) < 0
    same = ask(rank, with_ranks()).models["sgd_gauss"]
    for one in (same.effective, same.stable):
        assert float(one.average_difference.low) < 0 < float(one.average_difference.high)
        assert float(one.loss_average_difference.low) < 0 < float(one.loss_average_difference.high)
    assert ask(rank, with_ranks()).models["sgd"].effective.difference is None


@pytest.mark.statistics
def test_a_slower_model_has_a_lower_rank_at_one_time_but_not_at_one_loss():
    slow = ask(rank, with_ranks(delay=1.6)).models["gd"].stable
    assert float(slow.average_difference.low) > 0  # sgd is ahead
    found = slow.loss_average_difference
    assert float(found.low) < 0 < float(found.high)


def test_ranks_are_those_of_the_singular_values():
    ensemble = with_ranks(trajectories=50)
    found = ask(rank, ensemble).models["sgd"]
    values = ensemble["sgd"]["singular_values"]
    exact = (values**2).sum(2) / values[:, :, 0] ** 2
    assert np.allclose(found.stable.over_time.value, exact.mean(axis=1))
    weights = time_weights(ensemble["sgd"].step)
    assert np.allclose(found.stable.average.value, (weights @ exact).mean())


@pytest.mark.parametrize("start", ["paired", "independent"])
def test_blocks_of_trajectories_give_the_ranks_of_all(monkeypatch, start):
    """All numbers are sums over trajectories; the average rank is that of whole paths."""
    ensemble = with_ranks(shift=0.3, trajectories=150)
    ensemble.study = ensemble.study.replace(start=start)
    whole = ask(rank, ensemble)
    monkeypatch.setattr(rank_sums, "ROWS", 37)
    blocks = ask(rank, ensemble)
    for name in whole.models:
        one, other = plain(whole.models[name]), plain(blocks.models[name])
        assert np.allclose(
            *(np.array(list(numbers(two)), dtype=float) for two in (one, other)), equal_nan=True
        )
    values = [ensemble[name]["singular_values"] for name in ("sgd", "gd")]
    exact = [(one**2).sum(2) / one[:, :, 0] ** 2 for one in values]
    apart = time_weights(ensemble["sgd"].step) @ (exact[0] - exact[1])
    found = whole.models["gd"].stable.average_difference
    assert float(found.value) == pytest.approx(apart.mean())
    if start == "paired":
        error = apart.std(ddof=1) / np.sqrt(150)
        assert float(found.high - found.value) == pytest.approx(1.959964 * error, rel=1e-5)


def numbers(value):
    """All numbers of a document, in order; None, which stands for what is not finite, is NaN."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)
    else:
        yield np.nan if value is None else value


@pytest.mark.statistics
def test_losses_that_few_trajectories_reach_are_not_compared():
    """One law, six times slower: at the lower losses only the fastest trajectories are there, a choice.

    Over the losses that all reach the interval holds zero (5 % false alarm, the seed is fixed); at those that
    few reach the difference is surely not zero, for no other reason than the choice. One trajectory of 400
    that comes to the least loss changes hardly anything.
    """
    found = []
    for far in (False, True):
        ensemble = with_ranks(delay=6.0)
        if far:
            ensemble["gd"].arrays["loss"][-1, 7] = 0.75
        found.append(ask(rank, ensemble).models["gd"].stable)
        assert (
            float(found[-1].loss_average_difference.low) < 0 < float(found[-1].loss_average_difference.high)
        )
    assert np.nanmax(found[0].difference_at_loss.low) > 0
    assert float(found[1].loss_average_difference.value) == pytest.approx(
        float(found[0].loss_average_difference.value), abs=1e-3
    )


def test_diverged_trajectories_are_left_out_of_ranks():
    ensemble = with_ranks(trajectories=40)
    view = ensemble["gd"]
    view.arrays["diverged_step"][:7] = 50
    view.arrays["singular_values"][10:, :7] = np.nan
    view.arrays["loss"][10:, :7] = np.nan
    found = ask(rank, ensemble).models["gd"]
    assert found.counted == 33
    assert np.isfinite(found.stable.over_time.value).all()


def test_without_ranks_there_is_no_section():
    assert ask(rank, fake_ensemble(20, 6, ("sgd", "gd"))) is None
    assert ask(alignment, fake_ensemble(20, 6, ("sgd", "gd"))) is None


def test_alignment_is_in_quantiles_without_sign():
    ensemble = fake_ensemble(200, 6, ("sgd", "gd"))
    for view in ensemble.views.values():
        view.arrays["mode_alignment"] = np.linspace(-1, 1, 6 * 200 * 4).reshape(6, 200, 4)
    found = ask(alignment, ensemble).models["sgd"].quantiles["mode_alignment"]
    assert found.shape == (3, 6, 4)
    assert np.allclose(found[1, 0], np.median(np.abs(ensemble["sgd"]["mode_alignment"][0]), axis=0))


def test_late_snapshots_weigh_no_more_than_their_time():
    weights = time_weights(np.array([0, 10, 20, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50]))
    assert weights.sum() == pytest.approx(1)
    assert weights[5:].sum() < 0.25


@pytest.mark.statistics
@pytest.mark.parametrize("estimate", [mean, median])
def test_intervals_cover_at_their_level(estimate):
    """1000 samples of 40: cover between 93 and 98 % (95 %, false alarm about 1e-3)."""
    draws = np.random.default_rng(0).normal(size=(40, 1000))
    found = estimate(draws)
    assert 0.925 < np.mean((found.low <= 0) & (found.high >= 0)) < 0.98


def test_wilson_intervals_are_those_of_scipy():
    from scipy.stats import binomtest

    found = share(np.array([0, 3, 9]), np.array([9, 9, 9]))
    for place, count in enumerate((0, 3, 9)):
        exact = binomtest(count, 9).proportion_ci(method="wilson")
        assert (found.low[place], found.high[place]) == pytest.approx((exact.low, exact.high))
