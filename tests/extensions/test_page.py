"""The page docs/extending.md: its files, taken from the page, from a study file to a report."""

import dataclasses
import os

import numpy as np
import pytest
from declared import preserved
from pages import shown_files, write_files

import fastsde
from fastsde.analysis.distances.registry import DISTANCES
from fastsde.analysis.sections import SECTIONS
from fastsde.analysis.settings import Settings
from fastsde.analysis.tails.registry import ESTIMATORS
from fastsde.report.spec import FIGURES
from fastsde.study.datasets import DATASETS
from fastsde.study.landscapes import LANDSCAPES
from fastsde.study.models import MODEL_KINDS
from fastsde.study.noise.law import NOISE_LAWS
from fastsde.study.observable import OBSERVABLES
from fastsde.study.study import Study
from fastsde.study.terms.term import TERMS
from fastsde.system.errors import StudyError

FEW = dataclasses.replace(Settings.quickly(), permutations=19, bootstrap=20, quick=False)
PRECISIONS = [("float64", 1e-13)]
if os.environ.get("FASTSDE_TESTS") == "all":
    PRECISIONS.append(("float32", 1e-5))
"""By default one: what `tests/kernels/test_extensions.py` defines in files is computed in both."""
KINDS = (
    DATASETS,
    DISTANCES,
    ESTIMATORS,
    FIGURES,
    LANDSCAPES,
    MODEL_KINDS,
    NOISE_LAWS,
    OBSERVABLES,
    SECTIONS,
    TERMS,
)


@pytest.fixture(scope="module")
def registries():
    """Forget the ingredients of the page after these tests."""
    with pytest.MonkeyPatch.context() as patch:
        preserved(patch, *KINDS)
        yield


@pytest.fixture(scope="module")
def analysed(tmp_path_factory, registries):
    """Run, analyse and report the study of the page."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTSDE_ALLOW_CODE", "1")
        study = Study.load(write_files(folder))
        fastsde.run(study, folder / "run", threads=1)
        found = fastsde.analyze(
            folder / "run", "gauss", settings=FEW, sections=["distances", "tails", "radii"]
        )
        found.save(folder / "run" / "analysis.h5")
        fastsde.report(folder / "run")
        yield folder / "run", found


def test_the_page_has_a_file_of_each_kind():
    names = [
        "noise",
        "step",
        "drift",
        "memory",
        "observable",
        "landscape",
        "data_set",
        "loss",
        "distance",
        "tail_estimator",
        "section",
    ]
    files = [f"my_{name}.py" for name in names]
    files.insert(names.index("loss") + 1, "my_training.toml")
    assert list(shown_files()) == [*files, "my_study.toml"]


def test_the_loss_is_trained_from_the_study_to_the_report(tmp_path, monkeypatch):
    """A sweep of batches, an event, gradient noise; every model ends near the minimum of the mean loss."""
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    write_files(tmp_path)
    study = Study.load(tmp_path / "my_training.toml")
    fastsde.run(study, tmp_path / "run", threads=1)
    found = fastsde.analyze(tmp_path / "run", settings=FEW, sections=["distances", "shape"])
    found.save(tmp_path / "run" / "analysis.h5")
    page = fastsde.report(tmp_path / "run").read_text()
    assert "Parameters over time" in page
    assert "energy" not in page.replace("energy distance", "").lower()
    with fastsde.open(tmp_path / "run") as ensemble:
        assert list(ensemble) == ["sgd-batch1", "sgd-batch8", "sde"]
        for name in ensemble:
            assert np.median(ensemble[name]["loss"][-1]) < 0.2
            assert (ensemble[name]["loss_below_step"] >= 0).mean() > 0.9


@pytest.mark.slow
def test_the_law_has_its_tails_and_its_covariance(analysed):
    directory, _ = analysed
    with fastsde.open(directory) as ensemble:
        steps = {name: ensemble[name].attributes["noise_scale"] for name in ("gauss", "student")}
        assert steps["student"] == steps["gauss"]
        assert "Student-t" in ensemble["student"].model.summary()
        assert np.isfinite(ensemble["student"]["state_norm"]).all()


def test_the_data_set_is_learned_by_a_network(tmp_path, monkeypatch, registries):
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    data = {"kind": "sine", "samples": 50, "noise": 0.1}
    network = {"kind": "mlp", "widths": [1, 20, 1], "data": data}
    study = Study.load(write_files(tmp_path))
    mapping = study.to_mapping() | {
        "landscape": network,
        "models": {"gd": {"kind": "gd"}},
        "record": {"observables": ["loss", "test_loss"]},
    }
    learner = Study.from_mapping(mapping).landscape.learner
    assert learner.training.inputs.shape == (50, 1)
    assert learner.test.labels[-1] == pytest.approx(np.sin(3.0))
    assert 0.05 < np.std(learner.training.labels - np.sin(3.0 * learner.training.inputs)) < 0.2


@pytest.fixture
def descent(tmp_path, monkeypatch, registries):
    """Return the study of the page with the clipped model alone, without noise, far from the minimum."""
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    start = {"kind": "ring", "height": 2.0, "start": {"points": [[1.6, 0.9], [0.3, -0.2], [0.9, 0.5]]}}
    model = {"kind": "clipped", "limit": 0.2, "substeps": 2}
    time = {"learning_rate": 0.1, "steps": 20, "snapshots": {"at": [0, 10, 20]}}
    return Study.load(write_files(tmp_path)).replace(
        landscape=start, models={"clipped": model}, time=time, trajectories=3
    )


@pytest.mark.parametrize(("dtype", "accuracy"), PRECISIONS)
def test_the_step_is_that_of_numpy(descent, dtype, accuracy):
    at = descent.landscape.origins()
    norms = []
    for _ in range(40):
        gradient = 2.0 * ((at**2).sum(axis=1, keepdims=True) - 1) * at
        norms.append(np.linalg.norm(gradient, axis=1, keepdims=True))
        at = at - 0.05 * gradient * np.minimum(1, 0.2 / norms[-1])
    assert (np.array(norms) > 0.2).any()
    assert (np.array(norms) < 0.2).any()
    ended = fastsde.integrate(descent.replace(dtype=dtype), "clipped", 0, 3, threads=1).parameters
    np.testing.assert_allclose(ended, at, rtol=accuracy)


@pytest.mark.parametrize(("dtype", "accuracy"), PRECISIONS)
def test_the_drift_is_that_of_proximal_descent(descent, dtype, accuracy):
    model = {"kind": "sparse-sde", "noise": "isotropic", "temperature": 0.0, "substeps": 2, "penalty": 0.7}
    study = descent.replace(dtype=dtype, models={"sparse": model})
    at = study.landscape.origins()
    for _ in range(40):
        at = at - 0.05 * 2.0 * ((at**2).sum(axis=1, keepdims=True) - 1) * at
        at = np.sign(at) * np.maximum(np.abs(at) - 0.05 * 0.7, 0)
    ended = fastsde.integrate(study, "sparse", 0, 3, threads=1).parameters
    np.testing.assert_allclose(ended, at, rtol=accuracy)


@pytest.mark.parametrize(("dtype", "accuracy"), PRECISIONS)
def test_the_step_with_memory_is_that_of_numpy(descent, dtype, accuracy):
    model = {"kind": "averaged", "average_weight": 0.3}
    study = descent.replace(dtype=dtype, models={"averaged": model})
    at, average = study.landscape.origins(), 0.0
    for _ in range(20):
        gradient = 2.0 * ((at**2).sum(axis=1, keepdims=True) - 1) * at
        average = average + 0.3 * (gradient - average)
        at = at - 0.1 * average
    ended = fastsde.integrate(study, "averaged", 0, 3, threads=1).parameters
    np.testing.assert_allclose(ended, at, rtol=accuracy)


def test_the_noise_of_the_step_has_its_temperature(analysed):
    with fastsde.open(analysed[0]) as ensemble:
        noise = ensemble["clipped"]["update_noise"][0]  # at the minimum, where the gradient is 0
    np.testing.assert_allclose(np.var(noise, axis=0), 2 * 0.05 * 0.01, rtol=6 * np.sqrt(2 / len(noise)))


def test_the_step_is_bounded_in_a_network_and_its_mode_rates_are_unknown(descent):
    study = Study.from_mapping(
        {
            "trajectories": 3,
            "network": {"widths": [3, 4, 2], "init": {"std": 0.5}},
            "data": {"samples": 8, "teacher": {"singular_values": [2.0, 1.0]}},
            "time": {"learning_rate": 0.1, "steps": 2, "snapshots": {"at": [0, 1, 2]}},
            "record": {"observables": ["mode_drift", "mode_diffusion"]},
            "models": {"clipped": {"kind": "clipped", "limit": 1e-3}},
        }
    )
    first = study.replace(time={"steps": 1, "snapshots": {"at": [0, 1]}})
    rates = []
    ends = [
        fastsde.integrate(one, "clipped", 0, 3, threads=1, on_snapshot=lambda _, values: rates.append(values))
        for one in (first, study)
    ]
    moved = np.linalg.norm(ends[1].parameters - ends[0].parameters, axis=1)
    np.testing.assert_allclose(moved, 0.1 * 1e-3, rtol=1e-9)
    assert all(np.isnan(values[name]).all() for values in rates for name in values)


def test_the_observable_is_that_of_the_recorded_coordinates(analysed):
    with fastsde.open(analysed[0]) as ensemble:
        for name in ensemble:
            radius = np.linalg.norm(ensemble[name]["modes"], axis=-1)
            np.testing.assert_allclose(ensemble[name]["state_norm"], radius, rtol=1e-12)


def test_the_landscape_is_that_of_its_equation(analysed):
    with fastsde.open(analysed[0]) as ensemble:
        radius, loss = ensemble["gauss"]["state_norm"], ensemble["gauss"]["loss"]
        np.testing.assert_allclose(loss, 2.0 * (radius**2 - 1) ** 2 / 4, rtol=1e-10, atol=1e-15)


def test_the_results_hold_distance_estimator_and_section(analysed):
    _, found = analysed
    document = found.document()
    assert "median_shift" in str(document["sections"]["distances"])
    assert "median_of_excesses" in str(document["sections"]["tails"])
    assert set(found.sections["radii"].median) == {"gauss", "student", "clipped", "sparse", "averaged"}


def test_the_page_of_the_report_shows_them(analysed):
    html = (analysed[0] / "report.html").read_text(encoding="utf-8")
    for words in (
        "Student-t",
        "along a clipped gradient",
        "with an L1 penalty of 0.5",
        "along averaged gradients",
        "shift of the medians",
        "median of the excesses",
        "Distance from the origin",
        "The median radius at the end is",
        "Its minima are the unit circle",
    ):
        assert words in html, words
    assert (analysed[0] / "figures" / "radii.png").is_file()


def test_a_wrong_value_of_the_law_is_a_message_of_the_study(tmp_path, monkeypatch, registries):
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    path = write_files(tmp_path)
    path.write_text(path.read_text().replace("nu = 3.0", "nu = 1.5"))
    with pytest.raises(StudyError, match=r"models\.student\.law\.nu(.|\n)*a number above 2"):
        Study.load(path)
