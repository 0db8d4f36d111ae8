import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings, analyze
from fastsde.analysis.distances.compare import compare, document
from fastsde.analysis.views import common_views
from fastsde.errors import FastsdeError

QUICK = Settings(permutations=99, directions=8, frequencies=32, transport_limit=32)


@pytest.fixture(scope="module")
def ensemble():
    return fake_ensemble(160, 10, ("sgd", "sgd_gauss", "langevin"), seed=5)


@pytest.mark.statistics
def test_the_same_law_and_another(ensemble):
    """One null comparison at level 5 %, seed fixed."""
    same, other, _ = compare(ensemble, ["sgd", "sgd_gauss", "langevin"], snapshots=[7], settings=QUICK)
    assert (same.first, same.second) == ("sgd", "sgd_gauss")
    assert "cannot be told apart" in same.sentence(0)
    assert "differ" in other.sentence(0)
    verdicts = {row["distance"]: row["verdict"] for row in other.distance_rows(0)}
    assert set(verdicts.values()) == {"differs"}
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
    assert np.array_equal(views["sgd"]["exploded_step"], partial["sgd"].arrays["exploded_step"])
    found = analyze(partial, settings=QUICK)
    assert found.step.tolist() == view.step.tolist()
    assert found.models["langevin"].distances["mmd_features"].distinguishable
    view.step = -1 - view.step
    with pytest.raises(FastsdeError, match="no snapshot in common"):
        common_views(partial)


def test_part_of_the_models(ensemble):
    found = analyze(ensemble, models=["langevin", "sgd"], settings=QUICK)
    assert list(found.models) == ["langevin", "sgd"]
    assert found.reference == "sgd"
    with pytest.raises(FastsdeError, match="no model 'gd'"):
        analyze(ensemble, models=["gd"])
    with pytest.raises(FastsdeError, match="no model 'sgd' to compare"):
        analyze(ensemble, "sgd", models=["langevin"])
