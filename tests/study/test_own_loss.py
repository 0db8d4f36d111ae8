"""A user's own loss of one sample: the same as a built-in landscape, and its data in files and in runs."""

import os

import numpy as np
import pytest
from landscape_studies import landscape_study, run

import fastsde
from fastsde.problem.objective import objective_of
from fastsde.storage.ensemble import open_ensemble
from fastsde.study.study import Study
from fastsde.system.errors import StoreError, StudyError

PHASES = {"kind": "phase-retrieval", "size": 3, "samples": 7, "noise": 0.3}
BATCH = {"kind": "sgd", "batch": 3}
SDE = {"kind": "sde", "noise": "gradient", "substeps": 2}
MODELS = {
    "epochs": BATCH,
    "distinct": {**BATCH, "sampling": "without-replacement", "label_noise": 0.5},
    "momentum": {**BATCH, "sampling": "replacement", "momentum": 0.9},
    "svag": {"kind": "svag", "batch": 2, "substeps": 2},
    "gradient noise": SDE,
    "tempered": {**SDE, "alpha": 1.5, "tempering": 20.0},
}
SLOW = ("momentum", "svag", "tempered")
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
"""Whether to take those too, which compile a step of their own."""
SEEN = ("loss", "gradient_norm", "noise_trace", "parameters")


def intensity(theta, sample, gradient):
    """``((a . x)^2 - y)^2 / 4``, the samples (a, y)."""
    dot = 0.0
    for k in range(theta.size):
        dot += theta[k] * sample[k]
    miss = dot * dot - sample[-1]
    for k in range(theta.size):
        gradient[k] += miss * dot * sample[k]
    return miss * miss / 4


def rows():
    """The data of the built-in landscape, labels behind."""
    numbers = landscape_study(PHASES, {"kind": "gd"}).landscape.numbers()
    return np.hstack([numbers.inputs, numbers.labels])


def own(**more):
    return {**fastsde.objective(intensity, rows(), parameters=3, labels=1), **more}


@pytest.mark.parametrize("name", [name for name in MODELS if WHOLE or name not in SLOW])
def test_all_that_follows_from_samples_is_that_of_the_built_in_landscape(name):
    """Trajectories, losses, noise traces and update noise to rounding, of one model update noise too."""
    x = np.random.default_rng(0).normal(0, 0.7, (8, 3))
    seen = (*SEEN, "update_noise") if name == "gradient noise" else SEEN
    record = {"observables": list(seen)}
    theirs, ours = (
        run(landscape_study(table, MODELS[name], steps=5, rate=0.05, record=record), 8, start=x)[0]
        for table in (PHASES, own())
    )
    assert np.abs(theirs["parameters"][-1] - x).max() > 1e-2
    for variable in theirs:
        np.testing.assert_allclose(ours[variable], theirs[variable], rtol=1e-10, atol=1e-12, err_msg=variable)


def test_the_objective_knows_each_sample():
    """Gradients of samples, their mean and their covariance; single precision agrees."""
    study = landscape_study(own(), BATCH)
    x = np.random.default_rng(0).normal(0, 0.7, (3, 3))
    table, known = rows(), objective_of(study)
    dots = x @ table[:, :3].T
    exact = ((dots**2 - table[:, 3]) * dots)[:, :, None] * table[:, :3]
    np.testing.assert_allclose(known.sample_gradients(x), exact, rtol=1e-12)
    np.testing.assert_allclose(known.gradient(x), exact.mean(1), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(known.noise_trace(x), exact.var(axis=1).sum(-1), rtol=1e-10)
    single = objective_of(landscape_study(own(), BATCH, dtype="float32"))
    np.testing.assert_allclose(single.gradient(x), exact.mean(1), rtol=1e-4, atol=1e-5)
    words = study.objective.vocabulary
    assert (words.loss, words.mode) == ("loss", "parameter")


MODULE = """
import numpy as np

samples = np.array([[1.0, 0.5], [2.0, -1.0], [0.5, 2.0], [-1.0, 0.0]])


def squared(theta, sample, gradient):
    miss = theta[0] * sample[0] - sample[1]
    gradient[0] += miss * sample[0]
    return miss * miss / 2
"""
TEXT = """
trajectories = {trajectories}
landscape = {{ kind = "samples", function = "regression:squared", data = "{data}", size = 1, labels = 1 }}
time = {{ learning_rate = 0.1, steps = {steps}, snapshots = {{ at = [0, 3, {steps}] }} }}
events = {{ loss_below = [1.0] }}
models.sgd = {{ kind = "sgd", batch = 1 }}
models.sde = {{ kind = "sde", noise = "gradient", substeps = 2 }}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a user's module and the same data in files, and the permission to run it."""
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "regression.py").write_text(MODULE)
    table = np.array([[1.0, 0.5], [2.0, -1.0], [0.5, 2.0], [-1.0, 0.0]])
    np.save(tmp_path / "data.npy", table)
    np.savez(tmp_path / "parts.npz", inputs=table[:, :1], labels=table[:, 1])
    return tmp_path


def load(folder, trajectories=12, steps=9, data="data.npy"):
    file = folder / "study.toml"
    file.write_text(TEXT.format(trajectories=trajectories, steps=steps, data=data))
    return Study.load(file)


def test_data_count_by_their_values_not_by_their_place(folder):
    studies = [load(folder, data=data) for data in ("data.npy", "parts.npz", "regression:samples")]
    assert {study.landscape.samples for study in studies} == {4}
    assert len({study.fingerprint() for study in studies}) == 1
    assert Study.from_toml(studies[0].to_toml()) == studies[0]
    np.save(folder / "data.npy", np.ones((4, 2)))
    assert load(folder).fingerprint() != studies[0].fingerprint()


def test_a_run_is_extended_to_the_bit_and_refuses_other_data(folder):
    """More trajectories and steps, in parts; a copy of the data; events; then data that have changed."""
    fastsde.run(load(folder, 5, 6), folder / "run", part_size=5)
    fastsde.run(load(folder), folder / "run")
    fastsde.run(load(folder), folder / "whole")
    with open_ensemble(folder / "run") as one, open_ensemble(folder / "whole") as other:
        for name in ("sgd", "sde"):
            for variable in one[name].variables:
                np.testing.assert_array_equal(one[name][variable], other[name][variable])
    assert (np.load(folder / "run" / "samples.npy") == np.load(folder / "data.npy")).all()
    np.save(folder / "data.npy", np.load(folder / "data.npy") + 1e-12)
    with pytest.raises(StoreError, match="sha256"):
        fastsde.run(load(folder), folder / "run")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("absent.npy", "looked for"),
        ("empty.npy", "real numbers of shape"),
        ("infinite.npy", "finite numbers only"),
        ("words.npy", "cannot be read|real numbers"),
        ("regression:nothing", "a name that"),
        ("unknown", "given to fastsde.objective"),
        ("short.npy", "landscape.labels"),
    ],
)
def test_unusable_data_are_refused_by_name(folder, data, words):
    np.save(folder / "empty.npy", np.ones((0, 2)))
    np.save(folder / "infinite.npy", np.array([[1.0, np.inf]]))
    np.save(folder / "words.npy", np.array(["a", "b"]))
    np.save(folder / "short.npy", np.ones((3, 0)) if data != "short.npy" else np.ones((3, 1)))
    (folder / "study.toml").write_text(
        TEXT.format(trajectories=1, steps=5, data=data).replace("labels = 1", "labels = 2")
    )
    with pytest.raises(StudyError, match=words):
        Study.load(folder / "study.toml")


def test_code_needs_permission_and_must_compile(folder, monkeypatch):
    def bad(theta, sample, gradient):
        return open("anything")

    study = landscape_study(fastsde.objective(bad, np.ones((3, 2)), parameters=1), BATCH)
    with pytest.raises(StudyError, match=r"as loss\(theta, sample, gradient\)"):
        run(study, 1)
    monkeypatch.delenv("FASTSDE_ALLOW_CODE")
    with pytest.raises(StudyError, match="FASTSDE_ALLOW_CODE=1"):
        load(folder, data="regression:samples")
    with pytest.raises(StudyError, match="FASTSDE_ALLOW_CODE=1"):
        fastsde.run(load(folder), folder / "run")
    assert not (folder / "run").exists()
