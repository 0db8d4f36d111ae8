import numpy as np
import pytest
from fakes import fake_ensemble, fake_problem

from fastsde.analysis import Analysis, Settings, analyze
from fastsde.analysis.law import log_spaced, moment_limits, plateaus
from fastsde.report.features.text import rank_finding
from fastsde.system.errors import FastsdeError
from fastsde.system.progress import Progress

QUICK = Settings(permutations=199, directions=12, sliced_limit=120, kernel_limit=120)


@pytest.fixture(scope="module")
def analysis():
    return analyze(fake_ensemble(300, 12, seed=1), settings=QUICK)


def _same(first, second):
    """Compare nested records, NaN equal to NaN."""
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second, equal_nan=True)
    if isinstance(first, dict):
        return list(first) == list(second) and all(_same(first[key], second[key]) for key in first)
    if hasattr(first, "__dataclass_fields__"):
        return all(_same(getattr(first, name), getattr(second, name)) for name in first.__dataclass_fields__)
    return first == second or (first != first and second != second)


def test_shifted_models_are_distinguishable_and_the_others_are_not(analysis):
    """Three models have the law of SGD: each gives a false alarm with probability 5 %; the seed is fixed."""
    told = {row["model"]: row["distinguishable"] for row in analysis.summary()}
    assert told == {
        "sgd": False, "gd": True, "langevin": True, "sgd_gauss": False, "levy": False, "tempered": False,
    }  # fmt: skip
    said = analysis.headline()
    assert said.count("Indistinguishable from sgd at 150 trajectories per sample: ") == 1
    told = said.split("Distinguishable: ")[1]
    assert all(f"{name} (p = 0.005, most clearly at step" in told for name in ("gd", "langevin"))


def test_rows_are_ordered_by_distance(analysis):
    rows = analysis.summary()
    assert rows[0]["model"] == "sgd"
    effects = [row["effect"] for row in rows[1:]]
    assert effects == sorted(effects)
    assert all(row["effect_low"] < row["effect"] < row["effect_high"] for row in rows[1:])
    assert rows[-1]["effect"] > 3 * rows[-1]["effect_by_sampling"]
    assert rows[0]["effect"] is None
    assert {row["model"] for row in rows[-2:]} == {"gd", "langevin"}
    heads = {frozenset(row) for row in analysis.summary_rows()}
    assert len(heads) == 1
    assert all(isinstance(cell, str) for row in analysis.summary_rows() for cell in row.values())


def test_stable_models_have_no_covariance_and_no_wasserstein(analysis):
    levy = analysis.models["levy"]
    assert np.isnan(levy.moments.covariance).all()
    assert np.isnan(levy.moments.mean).all()
    assert np.isfinite(levy.moments.median).all()
    assert np.isnan(levy.distances["sliced_wasserstein"].value).all()
    assert np.isfinite(levy.distances["mmd_features"].value).all()
    assert np.isfinite(analysis.models["gd"].distances["sliced_wasserstein"].value).all()


def test_divergences_are_counted(analysis):
    levy = analysis.models["levy"]
    assert levy.diverged > 0
    assert levy.surviving[0] == 300
    assert levy.surviving[-1] == 300 - levy.diverged


def test_tail_indices(analysis):
    noise = {name: one.noise.pooled for name, one in analysis.sections["tails"].models.items()}
    assert np.all(noise["levy"].estimates["hill"].high < 2.2)
    assert np.all(noise["sgd"].estimates["hill"].low > 3.5)
    assert noise["gd"].verdict == ("none",) * 4


def test_learning_times(analysis):
    learned = {name: one.learning for name, one in analysis.models.items()}
    assert learned["gd"].median[0, 0] < learned["sgd"].median[0, 0] < learned["langevin"].median[0, 0]
    assert np.all(learned["gd"].logrank_p[0, :3] < 1e-6)
    assert np.isnan(learned["sgd"].logrank_p).all()
    assert np.all(learned["sgd_gauss"].logrank_p > 1e-3)


def test_round_trip(analysis, tmp_path):
    assert analysis.objective.linear  # what is cached is not saved
    loaded = Analysis.load(analysis.save(tmp_path / "analysis.h5"))
    assert _same(loaded, analysis)
    assert loaded.summary_rows() == analysis.summary_rows()


def test_the_same_twice():
    once, again = (analyze(fake_ensemble(60, 6, ("sgd", "levy"), seed=1), settings=QUICK) for _ in range(2))
    assert _same(again.models, once.models)


def test_a_model_compared_with_its_own_starting_points():
    """Paired models: the same trajectories in both, yet different numbers are compared: nothing is told."""
    ensemble = fake_ensemble(200, 8, ("sgd", "sgd_gauss"))
    ensemble.views["sgd_gauss"].arrays = ensemble.views["sgd"].arrays
    found = analyze(ensemble, settings=QUICK, sections=["distances"])
    own, other = (found.models[name].distances["mmd_features"] for name in ("sgd", "sgd_gauss"))
    assert np.array_equal(own.value, other.value)
    assert not other.distinguishable


def test_without_sgd_there_are_no_distances(tmp_path):
    found = analyze(fake_ensemble(120, 6, ("gd", "langevin")), settings=QUICK)
    assert found.reference == ""
    assert found.models["gd"].distances == {}
    assert np.isfinite(found.models["gd"].moments.median).all()
    assert "no SGD" in found.headline()
    assert [row["model"] for row in found.summary()] == ["gd", "langevin"]
    assert _same(Analysis.load(found.save(tmp_path / "a.h5")), found)


def test_a_reference_whose_halves_are_equal():
    """Deterministic descent from one start: nothing is due to sampling of it."""
    ensemble = fake_ensemble(120, 6, ("gd", "sgd"))
    arrays = ensemble.views["gd"].arrays
    for name in ("modes", "loss"):
        arrays[name] = np.repeat(arrays[name][:, :1], 120, axis=1)
    found = analyze(ensemble, reference="gd", settings=QUICK, sections=["distances"])
    assert "nan" not in found.headline()
    assert "sampling alone gives 0)" in found.headline()
    assert "Distinguishable from gd at 60 trajectories per sample: sgd (p = 0.005" in found.headline()


def test_ranks_are_not_judged_by_models_that_are_gone():
    ensemble = fake_ensemble(60, 8, ("sgd", "langevin"))
    for view in ensemble.views.values():
        view.arrays["singular_values"] = np.sort(np.abs(view.arrays["modes"]), axis=2)[..., ::-1]
    gone = ensemble.views["langevin"].arrays
    for name in ("modes", "loss", "singular_values"):
        gone[name][3:] = np.nan
    gone["diverged_step"] = np.full(60, int(ensemble["sgd"].step[3]))
    said = rank_finding(analyze(ensemble, settings=QUICK, sections=["rank"]))
    assert "does not have a lower rank" not in said


def test_another_reference():
    ensemble = fake_ensemble(120, 6, ("sgd", "gd"))
    found = analyze(ensemble, reference="gd", settings=QUICK, sections=["distances"])
    assert found.reference == "gd"
    assert found.models["sgd"].distances["mmd_features"].distinguishable
    with pytest.raises(FastsdeError, match="no model 'nobody'"):
        analyze(fake_ensemble(120, 6, ("sgd",)), reference="nobody")


def test_few_trajectories_and_little_recorded():
    ensemble = fake_ensemble(6, 6, ("sgd", "gd"))
    for view in ensemble.views.values():
        del view.arrays["update_noise"], view.arrays["modes"], view.arrays["mode_learned_step"]
    found = analyze(ensemble, settings=QUICK)
    assert found.quantities == ("loss",)
    assert found.sections["tails"].models["gd"].noise is None
    assert found.models["gd"].learning is None
    assert found.headline().startswith("Undetermined how far gd is from sgd: ")
    for view in ensemble.views.values():
        del view.arrays["loss"]
    with pytest.raises(FastsdeError, match="neither"):
        analyze(ensemble)


def test_a_model_that_diverges_whole():
    ensemble = fake_ensemble(120, 8, ("sgd", "levy"))
    view = ensemble.views["levy"]
    for name in ("loss", "modes", "update_noise"):
        view.arrays[name][3:] = np.nan
    view.arrays["diverged_step"][:] = view.step[3]
    view.arrays["mode_learned_step"][:] = -1
    found = analyze(ensemble, settings=QUICK, sections=["distances"])
    assert found.models["levy"].diverged == 120
    assert found.models["levy"].distances["mmd_features"].value[-1] > 1
    assert found.models["levy"].distances["mmd_features"].distinguishable
    assert found.summary()[1]["final_loss"] is None


def test_progress_is_told():
    class Told(Progress):
        done = ()

        def update(self, done, note=""):
            self.done = (*self.done, done)

    told = Told()
    analyze(fake_ensemble(40, 6, ("sgd",)), settings=QUICK, sections=["snapshots"], progress=told)
    assert told.done[:6] == (1, 2, 3, 4, 5, 6)


def test_moment_limits_follow_depth_and_tempering():
    ensemble = fake_ensemble(10, 4)
    models = ensemble.study.models
    assert moment_limits(models["levy"], 4, 2, True).tolist() == pytest.approx([0.4, 0.4, 0.2])
    for name in ("sgd", "gd", "tempered", "langevin", "sgd_gauss"):
        assert np.isinf(moment_limits(models[name], 4, 2, True)).all()


def test_plateaus_are_the_saddles():
    problem = fake_problem()
    squares = 0.25 * np.array([100.0, 90.0, 80.0, 70.0]) ** 2
    assert np.allclose(plateaus(problem) - 0.75, [squares[rank:].sum() for rank in range(5)])
    problem.covariance = 2 * np.eye(4)
    assert plateaus(problem).size == 0


def test_spacing():
    assert log_spaced(np.array([0, 1, 10, 100, 1000]))
    assert not log_spaced(np.linspace(0, 1000, 20))


@pytest.mark.parametrize("content", [None, b"not HDF5"])
def test_what_is_not_an_analysis(tmp_path, content):
    path = tmp_path / "analysis.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FastsdeError, match=r"analysis\.h5"):
        Analysis.load(path)


def test_the_file_of_something_else(tmp_path):
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.attrs["format"] = "else"
    with pytest.raises(FastsdeError, match="not a fastsde-analysis"):
        Analysis.load(tmp_path / "other.h5")
