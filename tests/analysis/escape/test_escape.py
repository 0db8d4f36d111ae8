"""Escape from saddles and the effect of settings on it, where both are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings
from fastsde.analysis.context import Context
from fastsde.analysis.escape import places
from fastsde.analysis.escape import section as escape
from fastsde.analysis.escape.effects import Group, effect, families, level
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.survival import count, quantile
from fastsde.report.escape import text
from fastsde.study.study import Study
from fastsde.system.progress import Silent


def context(found, reference="sgd"):
    return Context(found, dict(found.views), reference, Settings(), Silent())


@pytest.fixture(scope="module")
def found():
    return escape.measure(
        context(fake_ensemble(400, 40, ("sgd", "gd", "langevin", "sgd_gauss", "levy"), seed=3))
    )


def test_stays_are_between_the_times_at_which_modes_are_learned(found):
    ensemble = fake_ensemble(400, 40, ("sgd", "gd", "langevin", "sgd_gauss", "levy"), seed=3)
    learned = np.sort(ensemble.views["sgd"].passage_time("mode_learned")[:, 0], axis=1)
    ours = found.models["sgd"]
    assert ours.arrived.tolist() == [400, *np.isfinite(learned[:, :3]).sum(axis=0)]
    assert ours.escaped.tolist() == np.isfinite(learned).sum(axis=0).tolist()
    assert ours.median[0] == pytest.approx(np.median(learned[:, 0]), abs=1e-4)
    assert ours.median[1] == pytest.approx(np.median(learned[:, 1] - learned[:, 0]), abs=1e-3)
    assert np.all(ours.arrived == ours.escaped + ours.diverged + ours.censored)


def test_a_model_that_learns_sooner_escapes_sooner_and_one_of_the_same_law_does_not(found):
    """`gd` learns at 0.75 of the times of SGD, `langevin` at 1.25; the others have its law (fixed seed)."""
    fast, slow, same = (found.models[name] for name in ("gd", "langevin", "sgd_gauss"))
    assert fast.median_ratio_low[0] < 0.75 < fast.median_ratio_high[0]
    assert slow.median_ratio_low[0] < 1.25 < slow.median_ratio_high[0]
    assert same.median_ratio_low[0] < 1 < same.median_ratio_high[0]
    assert fast.logrank_p[0] < 1e-6
    assert slow.hazard_ratio_high[0] < 1 < fast.hazard_ratio_low[0]
    assert same.logrank_p[0] > 0.01
    assert np.isnan(found.models["sgd"].logrank_p).all()


def started_at_a_saddle():
    """The fake ensemble as if it had started with modes 2 and 1 learned, and left when mode 3 is."""
    ensemble = fake_ensemble(200, 24, ("sgd", "gd"), seed=3)
    init = {"kind": "saddle", "rank": 2, "perturbation": 0.1}
    ensemble.study = Study.from_mapping({
        **ensemble.study.to_mapping(),
        "network": {"widths": [4, 10, 10, 10, 4], "init": init},
        "events": {"escaped": [0.5], "mode_learned": [0.5]},
    })  # fmt: skip
    for view in ensemble.views.values():
        view.arrays["mode_learned_step"][:, :, :2] = 0
        view.arrays["escaped_step"] = view.arrays["mode_learned_step"][:, :, 2].copy()
    return ensemble


def test_starts_at_a_saddle_escape_from_there(monkeypatch):
    """Stays begin at the rank of the saddle: nothing is said of ranks below, which nobody was at."""
    ensemble = started_at_a_saddle()
    found = escape.measure(context(ensemble))
    assert found.places == ("distance 0.5 from the saddle", "rank 2", "rank 3")
    ours, times = found.models["sgd"], ensemble.views["sgd"].passage_time("escaped")[:, 0]
    assert ours.median[0] == pytest.approx(np.nanmedian(times), rel=0.02)
    assert ours.arrived[:2].tolist() == [200, 200]
    analysis = SimpleNamespace(sections={"escape": found}, models=dict(ensemble.views), reference="sgd")
    monkeypatch.setattr(text, "ordered", lambda _: list(ensemble.views))
    said = text.finding(analysis)
    assert said.startswith("Median time to reach distance 0.5 from the saddle differs from sgd's: gd 0.7")
    ensemble.study = ensemble.study.replace(events={"escaped": None})
    for view in ensemble.views.values():
        del view.arrays["escaped_step"]
    assert escape.measure(context(ensemble)).places == ("rank 2", "rank 3")


def test_divergences_compete(found):
    levy = found.models["levy"]
    assert levy.diverged.sum() > 0
    last = levy.incidence[:, -1] + levy.divergence[:, -1]
    assert np.all(last <= 1 + 1e-12)
    assert np.all(levy.divergence[:, -1] <= levy.diverged / levy.arrived + 1e-12)
    assert np.all(found.models["sgd"].divergence == 0)


def test_without_events_the_snapshots_say_when_modes_are_learned():
    events, modes, losses = (fake_ensemble(200, 60, ("sgd", "gd"), seed=3) for _ in range(3))
    for view in modes.views.values():
        del view.arrays["mode_learned_step"]
    for view in losses.views.values():
        del view.arrays["mode_learned_step"], view.arrays["modes"]
    one, two, three = (escape.measure(context(e)) for e in (events, modes, losses))
    assert (one.source, two.source, three.source) == (places.EVENTS, places.MODES, places.LOSSES)
    assert np.allclose(one.models["sgd"].median, two.models["sgd"].median, rtol=0.25)
    assert np.allclose(two.models["sgd"].median[:1], three.models["sgd"].median[:1], rtol=0.25)
    for view in losses.views.values():
        del view.arrays["loss"]
    assert escape.measure(context(losses)) is None


def test_a_model_that_never_arrives_has_no_numbers():
    ensemble = fake_ensemble(50, 20, ("sgd", "gd"))
    ensemble.views["gd"].arrays["mode_learned_step"][:] = -1
    gd = escape.measure(context(ensemble)).models["gd"]
    assert gd.arrived.tolist() == [50, 0, 0, 0]
    assert np.isinf(gd.median[0])
    assert np.isnan(gd.median[1:]).all()
    assert np.all(gd.survival[0] == 1)


def draws(rng, scale, n=400, cut=30.0):
    times = scale * rng.lognormal(0.0, 0.5, n)
    return Passages(np.minimum(times, cut), times <= cut, np.zeros(n, bool))


SDE = {"kind": "sde", "noise": "gradient", "substeps": 8}


@pytest.mark.statistics
def test_an_effect_that_is_there_has_its_size():
    """Times proportional to exp(alpha): slope 1, ratio e between 1 and 2; intervals hold it (fixed seed)."""
    rng = np.random.default_rng(0)
    groups = [Group(f"a{a}", {**SDE, "alpha": a}, 0, draws(rng, np.exp(a))) for a in (1.0, 1.5, 2.0)]
    (family,) = families(groups, "alpha")
    found = effect(family, "alpha")
    assert found.value.tolist() == [1.0, 1.5, 2.0]
    assert found.slope_low < 1 < found.slope_high
    assert found.ratio_low < np.e < found.ratio_high
    assert found.ratio_low > 1.5
    assert found.hazard_low > 2
    assert found.p < 1e-10
    assert (found.unit, found.units, found.share) == ("trajectory", 400, 0.5)


@pytest.mark.statistics
def test_an_effect_that_is_not_there_is_not_found():
    """Of 60 intervals of 95 % three miss one on average, more than nine with probability 5e-4."""
    rng = np.random.default_rng(1)
    missed = 0
    for seed in range(60):
        groups = [Group(str(a), {**SDE, "alpha": a}, 0, draws(rng, 1.0, 120)) for a in (1.2, 2.0)]
        found = effect(groups, "alpha", seed)
        missed += not found.ratio_low <= 1 <= found.ratio_high
    assert missed <= 9


@pytest.mark.statistics
def test_data_sets_are_the_unit_where_they_vary():
    """What one data set shows is none over ten: the interval of these is the wider one by far."""
    rng = np.random.default_rng(2)
    groups = [
        Group(f"{a} {d}", {**SDE, "alpha": a}, d, draws(rng, np.exp((a - 1.5) * rng.normal(0, 2.0))))
        for d in range(10)
        for a in (1.0, 2.0)
    ]
    found = effect(groups, "alpha")
    assert (found.unit, found.units) == ("data set", 10)
    one = effect([g for g in groups if g.dataset == 0], "alpha")
    assert one.unit == "trajectory"
    assert np.log(found.ratio_high / found.ratio_low) > 2 * np.log(one.ratio_high / one.ratio_low)


def of_data_sets(rng, number, log_ratio=0.0, spread=0.3, n=64):
    """Two levels on each of several data sets, whose log time ratios are spread about a mean."""
    groups = []
    for data in range(number):
        base, here = rng.normal(0, 0.5), rng.normal(log_ratio, spread)
        scales = ((1.2, np.exp(base)), (2.0, np.exp(base + here)))
        groups += [Group(f"{a}", {**SDE, "alpha": a}, data, draws(rng, s, n, cut=60.0)) for a, s in scales]
    return groups


@pytest.mark.statistics
@pytest.mark.parametrize("log_ratio", [0.0, np.log(2)])
@pytest.mark.parametrize("number", [2, 3, 10])
def test_intervals_over_data_sets_hold_the_mean_effect(number, log_ratio):
    """120 repeats of 95 % intervals miss 6 times on average, 16 or more with probability 3e-4 a count.

    Of the hazard ratio no truth is stated but that of no effect, where its p-value is below 5 % as often.
    """
    rng = np.random.default_rng([number, int(100 * log_ratio)])
    repeats = [effect(of_data_sets(rng, number, log_ratio), "alpha") for _ in range(120)]
    assert all((one.unit, one.units) == ("data set", number) for one in repeats)
    truth, slope = np.exp(log_ratio), log_ratio / 0.8
    assert sum(not one.ratio_low <= truth <= one.ratio_high for one in repeats) < 16
    assert sum(not one.slope_low <= slope <= one.slope_high for one in repeats) < 16
    if log_ratio == 0:
        assert sum(one.p < 0.05 for one in repeats) < 16
        assert sum(not one.hazard_low <= 1 <= one.hazard_high for one in repeats) < 16
    elif number == 10:
        assert np.mean([one.ratio_low > 1 for one in repeats]) > 0.95


@pytest.mark.statistics
def test_taken_for_the_unit_trajectories_would_alarm_falsely():
    """Negative control: on one data set each, the same numbers deny a ratio of 1 far too often."""
    rng = np.random.default_rng(5)
    alone = [effect(of_data_sets(rng, 1), "alpha", seed) for seed in range(60)]
    assert sum(not one.ratio_low <= 1 <= one.ratio_high for one in alone) > 15
    assert sum(one.p < 0.05 for one in alone) > 15


def test_only_data_sets_that_all_levels_have_are_compared():
    groups = of_data_sets(np.random.default_rng(6), 4)
    lacking = effect([g for g in groups if (g.name, g.dataset) != ("2.0", 3)], "alpha")
    exact = effect([g for g in groups if g.dataset != 3], "alpha")
    assert (lacking.unit, lacking.units, lacking.ratio) == ("data set", 3, exact.ratio)
    assert lacking.arrived.tolist() == [3 * 64, 3 * 64]
    alone = effect([g for g in groups if g.name == "1.2" or g.dataset == 0], "alpha")
    assert (alone.unit, alone.units) == ("trajectory of one data set", 64)
    apart = [g for g in groups if (g.name == "1.2") == (g.dataset < 2)]
    assert effect(apart, "alpha") is None


def diverging(rng, scale, share, n=500):
    """Escape times of one law, of which a share of those after the median diverge first, at a random time."""
    times = scale * rng.lognormal(0.0, 0.5, n)
    gone = (times > np.median(times)) & (rng.random(n) < share)
    return Passages(np.where(gone, times * rng.random(n), times), ~gone, gone)


@pytest.mark.statistics
def test_divergences_are_no_effect_on_the_time_of_escape_and_hide_none():
    """Half of the late trajectories of one level diverge first (fixed seed).

    Taken for censored they would move the median. Of 40 intervals of 95 % two miss one on average, more than
    seven with probability 1e-3.
    """
    rng = np.random.default_rng(8)
    missed, moved = 0, []
    for seed in range(40):
        stays = [diverging(rng, 1.0, share) for share in (0.0, 0.5)]
        groups = [Group(str(a), {**SDE, "alpha": a}, 0, s) for a, s in zip((1.2, 2.0), stays, strict=True)]
        found = effect(groups, "alpha", seed)
        missed += not found.ratio_low <= 1 <= found.ratio_high
        net = [float(quantile(count(s), 0.5)) for s in stays]
        moved.append(np.log(net[1] / net[0]))
    assert missed <= 7
    assert abs(np.mean(moved)) > 0.03
    assert found.share == 0.5
    assert found.diverged[0] == 0
    assert found.diverged[1] == pytest.approx(125, abs=50)
    groups[1] = Group("2.0", groups[1].settings, 0, diverging(rng, 1.4, 0.5))
    assert effect(groups, "alpha").ratio_low > 1.15


def test_a_quantile_that_all_reach_stands_in_for_a_median_that_some_do_not():
    rng = np.random.default_rng(3)
    groups = [
        Group(str(a), {**SDE, "alpha": a}, 0, draws(rng, s, cut=1.0)) for a, s in ((1.0, 0.8), (2.0, 1.3))
    ]
    assert effect(groups, "alpha").share == 0.25
    groups[1] = Group("2.0", {**SDE, "alpha": 2.0}, 0, draws(rng, 50.0, cut=1.0))
    assert effect(groups, "alpha") is None


def test_families_differ_in_one_setting_only():
    none = draws(np.random.default_rng(4), 1.0, 5)

    def group(name, **settings):
        return Group(name, {**SDE, "alpha": 2.0, **settings}, 0, none)

    groups = [
        group("gauss"), group("levy", alpha=1.5), group("levy1", alpha=1.2, substeps=4),
        group("tempered", alpha=1.5, tempering=3.0), group("tempered2", alpha=1.5, tempering=9.0),
        group("langevin", noise="isotropic", temperature="matched", match_at="minimum"),
        group("cold", noise="isotropic", temperature=0.1), group("fine", substeps=16),
        Group("sgd", {"kind": "sgd", "batch": 1}, 0, none),
    ]  # fmt: skip
    names = {
        c: sorted(sorted(g.name for g in f) for f in families(groups, c))
        for c in ("alpha", "noise", "tempering", "substeps")
    }
    assert names["alpha"] == [["gauss", "levy"], ["gauss", "tempered"], ["gauss", "tempered2"]]
    assert names["noise"] == [["gauss", "langevin"]]
    assert names["tempering"] == [["tempered", "tempered2"]]
    assert names["substeps"] == [["fine", "gauss"]]
    assert level(groups[5], "noise") == 0
    assert np.isnan(level(groups[-1], "alpha"))
