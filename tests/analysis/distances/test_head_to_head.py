import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings, analyze
from fastsde.analysis.distances.head_to_head import compare, document
from fastsde.analysis.distances.nearest import nearest, nearest_when
from fastsde.analysis.ranking import judged
from fastsde.analysis.views import common_views
from fastsde.system.errors import FastsdeError

QUICK = Settings(permutations=99, directions=8, frequencies=32, transport_limit=32)


@pytest.fixture(scope="module")
def ensemble():
    return fake_ensemble(160, 10, ("sgd", "sgd_gauss", "langevin"), seed=5)


@pytest.mark.statistics
def test_the_same_law_and_another(ensemble):
    """One null comparison at level 5 %, seed fixed."""
    same, other, _ = compare(ensemble, ["sgd", "sgd_gauss", "langevin"], snapshots=[7], settings=QUICK)
    assert (same.first, same.second) == ("sgd", "sgd_gauss")
    assert "sgd and sgd_gauss are indistinguishable (p = " in same.sentence(0)
    assert "not significant" in same.sentence(0)
    assert "sgd and langevin are distinguishable (p = 0.01, 160 trajectories per sample)" in other.sentence(0)
    assert {row["alone"] for row in other.distance_rows(0)} == {"significant"}
    assert [row["coordinate"] for row in other.coordinate_rows(0)] == list(other.coordinates)


def test_independent_models_are_compared_whole_and_paired_ones_by_halves(ensemble):
    whole = compare(ensemble, ["sgd", "langevin"], settings=QUICK)[0]
    assert whole.pair.tests["sliced_wasserstein"].count[0] == 160
    paired = fake_ensemble(160, 10, ("sgd", "langevin"))
    paired.study = paired.study.replace(start="paired")
    half = compare(paired, ["sgd", "langevin"], settings=QUICK)[0]
    assert half.pair.tests["sliced_wasserstein"].count[0] == 80


def test_snapshots_by_number_and_step(ensemble):
    steps = ensemble["sgd"].step
    found = compare(ensemble, ["sgd", "langevin"], snapshots=[-1], steps=[steps[3] + 0.2], settings=QUICK)[0]
    assert found.snapshot.tolist() == [3, 9]
    assert found.step.tolist() == [steps[3], steps[9]]
    assert document([found])[0]["pair"]["tests"]["mmd"]["value"][0] == found.pair.tests["mmd"].value[0]


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["sgd"], {}, "two different models"),
        (["sgd", "sgd"], {}, "two different models"),
        (["sgd", "nobody"], {}, "no model 'nobody'"),
        (["sgd", "langevin"], {"snapshots": [10]}, "no snapshot 10: there are 10, numbered 0 to 9"),
    ],
)
def test_what_cannot_be_compared(ensemble, names, options, message):
    with pytest.raises(FastsdeError, match=message):
        compare(ensemble, names, **options)


def test_models_with_some_snapshots_missing(ensemble):
    """Only snapshots that all models have are looked at; each is read from its own place."""
    partial = fake_ensemble(160, 10, ("sgd", "langevin"), seed=5)
    view = partial.views["langevin"]
    kept = [0, 2, 3, 5, 8, 9]
    for name in ("loss", "modes", "update_noise"):
        view.arrays[name] = view.arrays[name][kept]
    view.step, view.time = view.step[kept], view.time[kept]
    views = common_views(partial)
    assert views["sgd"].step.tolist() == view.step.tolist()
    assert np.array_equal(views["sgd"].read("loss", 3), partial["sgd"].arrays["loss"][5])
    assert np.array_equal(views["sgd"]["modes"], partial["sgd"].arrays["modes"][kept])
    assert np.array_equal(views["sgd"]["diverged_step"], partial["sgd"].arrays["diverged_step"])
    found = analyze(partial, settings=QUICK, sections=["snapshots"])
    assert found.step.tolist() == view.step.tolist()
    assert found.models["langevin"].distances["mmd_features"].distinguishable
    view.step = -1 - view.step
    with pytest.raises(FastsdeError, match="no snapshot in common"):
        common_views(partial)


def test_part_of_the_models(ensemble):
    found = analyze(ensemble, models=["langevin", "sgd"], settings=QUICK, sections=["snapshots"])
    assert list(found.models) == ["langevin", "sgd"]
    assert found.reference == "sgd"
    with pytest.raises(FastsdeError, match="no model 'gd'"):
        analyze(ensemble, models=["gd"])
    with pytest.raises(FastsdeError, match="no model 'sgd' to compare"):
        analyze(ensemble, "sgd", models=["langevin"])


def test_the_nearest_is_first_and_verdicts_are_those_of_all_distances(ensemble):
    found = compare(
        ensemble, ["sgd", "langevin", "sgd_gauss"], snapshots=[5, 7], settings=QUICK, every_pair=False
    )
    assert [(one.first, one.second) for one in found] == [("sgd", "langevin"), ("sgd", "sgd_gauss")]
    for at in range(2):
        assert [one.second for one in nearest(found, at)] == ["sgd_gauss", "langevin"]
        for one in found:
            row = one.row(at)
            assert row["verdict"] == judged(float(one.pair.significance.at[at]))
            assert f" are {row['verdict']}" in one.sentence(at)
    step = found[0].step
    said = nearest_when(found)
    assert f"Nearest to sgd: sgd_gauss at steps {step[0]:,.0f} to {step[1]:,.0f}." in said
    assert "sgd_gauss indistinguishable" in said
    assert "langevin distinguishable" in said


def test_the_nearest_is_not_named_where_the_order_is_not_significant():
    """Two models of one law are as near; one of a far law is not among them."""
    ensemble = fake_ensemble(160, 10, ("sgd", "langevin", "sgd_gauss", "levy"), shift={"langevin": 2.0})
    names = ["sgd", "langevin", "sgd_gauss", "levy"]
    found = compare(ensemble, names, snapshots=[7], settings=QUICK, every_pair=False)
    near = " ~ ".join(one.second for one in nearest(found, 0)[:2])
    assert set(near.split(" ~ ")) == {"sgd_gauss", "levy"}
    start = f"Nearest to sgd (~: in an order that is not significant): {near} at step "
    assert nearest_when(found).startswith(start)
    alone = compare(ensemble, ["sgd", "levy"], snapshots=[7], settings=QUICK)
    assert nearest_when(alone).startswith("By all distances at this step: levy indistinguishable")
    few = fake_ensemble(8, 10, ("sgd", "langevin", "levy"))
    unknown = compare(few, ["sgd", "langevin", "levy"], snapshots=[7], settings=QUICK, every_pair=False)
    assert nearest_when(unknown).startswith("By all distances at this step: langevin undetermined, levy und")


def test_the_effect_at_a_step_is_that_of_the_analysis_where_models_are_paired(ensemble):
    """Independent models are compared whole; paired ones by halves, as in an analysis."""
    paired = fake_ensemble(160, 10, ("sgd", "langevin"))
    paired.study = paired.study.replace(start="paired")
    one = compare(paired, ["sgd", "langevin"], snapshots=[7], settings=QUICK)[0]
    assert one.count == 80
    found = analyze(paired, settings=QUICK, sections=["snapshots"])
    assert one.effect.value[0] == found.effects.value[7, 0, 1]
    whole = compare(ensemble, ["sgd", "langevin"], snapshots=[7], settings=QUICK)[0]
    assert whole.count == 160
    assert whole.modes[0] == pytest.approx(one.modes[0], rel=0.5)
    assert np.sign(whole.median_loss[0]) == np.sign(one.median_loss[0]) != 0
