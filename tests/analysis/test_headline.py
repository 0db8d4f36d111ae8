"""What the headline says where little can be said, of divergence, and of the sampling of SGD."""

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings, analyze, sections
from fastsde.analysis.ranking import ranking
from fastsde.study.study import Study

QUICK = Settings(permutations=99, directions=8, frequencies=32, sliced_limit=60, kernel_limit=60)


@pytest.fixture(autouse=True)
def _no_sections(monkeypatch):
    monkeypatch.setattr(sections, "SECTIONS", {})


def _diverge(view, snapshot, which=slice(None)):
    for name in ("loss", "modes", "update_noise"):
        view.arrays[name][snapshot:, which] = np.nan
    view.arrays["diverged_step"][which] = view.step[snapshot]


def _only(ensemble, snapshot):
    for view in ensemble.views.values():
        chosen = slice(snapshot, snapshot + 1)
        view.arrays = {
            name: one if name.endswith("_step") else one[chosen] for name, one in view.arrays.items()
        }
        view.step, view.time = view.step[chosen], view.time[chosen]
    return ensemble


def test_all_diverged():
    ensemble = fake_ensemble(60, 8, ("sgd", "langevin", "levy"))
    for view in ensemble.views.values():
        _diverge(view, 1)
    found = analyze(ensemble, settings=QUICK)
    wanted = "Undetermined how far langevin and levy are from sgd: all 60 trajectories of sgd diverge."
    assert found.headline() == wanted
    assert {row["verdict"] for row in found.summary()[1:]} == {"undetermined"}
    assert {row["effect"] for row in found.summary()} == {None}


def test_divergence_is_a_difference():
    ensemble = fake_ensemble(100, 8, ("sgd", "sgd_gauss"), shift={})
    _diverge(ensemble.views["sgd_gauss"], 5, slice(0, 100, 3))
    found = analyze(ensemble, settings=QUICK)
    said = found.headline()
    assert "Distinguishable from sgd at 50 trajectories per sample: sgd_gauss" in said
    assert (
        "0 % of the trajectories of sgd diverge, and 34 % of sgd_gauss (p = 4e-12), by Fisher's exact test"
        in said
    )


def test_a_model_that_is_gone_most_of_the_time_has_no_effect_yet_is_distinguishable():
    ensemble = fake_ensemble(60, 8, ("sgd", "langevin", "sgd_gauss"))
    _diverge(ensemble.views["langevin"], 1)
    found = analyze(ensemble, settings=QUICK)
    assert [row["model"] for row in found.summary()] == ["sgd", "sgd_gauss", "langevin"]
    assert found.summary()[2]["effect"] is None
    assert "Distinguishable: langevin" in found.headline()
    assert "100 % of langevin" in found.headline()


def test_one_trajectory():
    found = analyze(fake_ensemble(1, 6, ("sgd", "gd")), settings=QUICK)
    assert found.headline().startswith(
        "Undetermined how far gd is from sgd: 1 trajectory per model is too few"
    )


def test_only_the_start():
    found = analyze(_only(fake_ensemble(60, 8, ("sgd", "langevin")), 0), settings=QUICK)
    assert found.headline().startswith("Undetermined which model is nearest: the only snapshot is the start")
    assert found.summary_rows()


def test_one_snapshot():
    ensemble = _only(fake_ensemble(200, 8, ("sgd", "langevin"), shift={"langevin": 2.0}), 5)
    said = analyze(ensemble, settings=QUICK).headline()
    assert "langevin is nearest to sgd: at its only snapshot, step 737, its modes differ by" in said
    assert "Distinguishable from sgd" in said


def test_models_that_coincide():
    ensemble = fake_ensemble(60, 8, ("sgd", "sgd_gauss"))
    for name in ("modes", "loss"):
        same = np.repeat(ensemble.views["sgd"].arrays[name][:, :1], 60, axis=1)
        ensemble.views["sgd"].arrays[name] = ensemble.views["sgd_gauss"].arrays[name] = same
    said = analyze(ensemble, settings=QUICK).headline()
    assert said.startswith("sgd_gauss coincides with sgd")
    assert "Distinguishable" not in said


def test_differences_at_rounding_are_no_effect():
    """All start at zero: gd and its rounded copy have one point each, a few units of rounding apart."""
    ensemble = fake_ensemble(60, 8, ("sgd", "gd"))
    rng = np.random.default_rng(5)
    for name in ("modes", "loss"):
        same = np.repeat(ensemble.views["sgd"].arrays[name][:, :1], 60, axis=1)
        ensemble.views["sgd"].arrays[name] = same
        ensemble.views["gd"].arrays[name] = same * (1 + 1e-16 * rng.normal(size=same.shape))
    found = analyze(ensemble, settings=QUICK)
    assert found.effects.between("sgd", "gd").mean == 0
    said = found.headline()
    assert said.startswith("gd coincides with sgd: the trajectories of both have the same modes and loss")


def test_paired_models_with_the_same_trajectories_coincide():
    """Their halves differ by sampling, though each trajectory is the same in both."""
    ensemble = fake_ensemble(60, 8, ("sgd", "gd", "langevin"), shift={"langevin": 2.0})
    ensemble.views["gd"].arrays = dict(ensemble.views["sgd"].arrays)
    found = analyze(ensemble, settings=QUICK)
    assert found.effects.between("sgd", "gd").mean > 0
    assert found.effects.coincides("sgd", "gd")
    assert not found.effects.coincides("sgd", "langevin")
    said = found.headline()
    assert said.startswith("gd coincides with sgd: the trajectories of both have the same modes and loss")
    assert "Farther: langevin" in said


def test_without_reference_and_alone():
    assert (
        analyze(fake_ensemble(60, 6, ("gd", "langevin")), settings=QUICK)
        .headline()
        .startswith("Undetermined")
    )
    assert (
        analyze(fake_ensemble(60, 6, ("sgd",)), settings=QUICK)
        .headline()
        .startswith("Undetermined: sgd is the")
    )


def test_no_reference_with_one_model():
    said = analyze(fake_ensemble(60, 6, ("gd",)), settings=QUICK).headline()
    assert "each other" not in said


def test_the_nearest_is_not_named_where_the_order_is_not_significant():
    models = ("sgd", "langevin", "sgd_gauss", "levy")
    found = analyze(fake_ensemble(300, 8, models, shift={"langevin": 2.0}), settings=QUICK)
    near, next_one = ranking(found)[:2]
    assert found.effects.nearer("sgd", near, next_one) is False
    said = found.headline()
    start = "Nearest to sgd, in an order that is not significant, averaged over the course of learning: "
    assert said.startswith(f"{start}{near} {found.effects.between('sgd', near).mean:.2g} (")
    assert f" ~ {next_one} " in said
    assert "is nearest to" not in said
    assert "Farther: langevin" in said


def _with_control(ensemble, replacement):
    """Make the model ``gd`` of an ensemble an SGD with or without replacement."""
    mapping = ensemble.study.to_mapping()
    sampling = "replacement" if replacement else "epoch"
    mapping["models"]["gd"] = {"kind": "sgd", "batch": 1, "sampling": sampling}
    ensemble.study = Study.from_mapping(mapping)
    return ensemble


def test_how_much_of_a_distance_is_due_to_sampling():
    """The control differs from SGD, and the SDE has its law: not SGD's, but the control's."""
    models, shift = ("sgd", "gd", "sgd_gauss"), {"gd": 0.6, "sgd_gauss": 0.6}
    ensemble = _with_control(fake_ensemble(300, 8, models, shift=shift), True)
    found = analyze(ensemble, settings=QUICK)
    said = found.headline()
    control, sde = (found.effects.between("gd", name).mean for name in ("sgd", "sgd_gauss"))
    assert control > 5 * sde
    assert f"gd, the same SGD sampled with replacement, is {control:.2g} (" in said
    assert f"From gd: sgd_gauss {sde:.2g} (" in said
    assert "can be due to the sampling alone" in said


def test_no_more_than_the_whole_of_a_distance_is_said_to_be_due_to_sampling():
    """The control is farther from SGD than the SDE is."""
    models, shift = ("sgd", "gd", "sgd_gauss"), {"gd": 0.6, "sgd_gauss": 0.9}
    ensemble = _with_control(fake_ensemble(300, 8, models, shift=shift), True)
    found = analyze(ensemble, settings=QUICK)
    said = found.headline()
    assert found.effects.between("sgd", "gd").mean > found.effects.between("sgd", "sgd_gauss").mean
    assert "so much of" not in said
    assert "every SDE" not in said
    assert "distances from sgd up to about that size can be due to the sampling alone. From gd: " in said


def test_a_missing_control_is_told():
    lacking = analyze(fake_ensemble(60, 8, ("sgd", "langevin")), settings=QUICK).headline()
    assert 'add a model with the keys of sgd and sampling = "replacement"' in lacking
    no_control = analyze(
        _with_control(fake_ensemble(60, 8, ("sgd", "gd", "langevin")), False), settings=QUICK
    )
    assert 'sampling = "replacement"' in no_control.headline()
    without_sde = analyze(fake_ensemble(60, 8, ("sgd", "gd")), settings=QUICK).headline()
    assert "replacement" not in without_sde
