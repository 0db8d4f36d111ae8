"""Data sets, teachers and starts of the user's own: from every format, checked, refused when they change."""

import re

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import fastsde
from fastsde.cli import main
from fastsde.system.errors import StudyError

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(12, 3)) + 1.0, RANDOM.normal(size=(12, 2))
XT, YT = RANDOM.normal(size=(7, 3)), RANDOM.normal(size=(7, 2))


def text(data, widths="[3, 4, 2]", init="std = 0.3", record=""):
    return f"""
trajectories = 4
network = {{ widths = {widths}, init = {{ {init} }}, loss = "half" }}
data = {{ {data} }}
time = {{ learning_rate = 0.05, steps = 20, snapshots = {{ count = 3 }} }}
{record}
models.sgd = {{ kind = "sgd", batch = 3 }}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", X=X, Y=Y, X_test=XT, Y_test=YT)
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    np.savetxt(tmp_path / "a.csv", np.hstack([X, Y]), "%.17g", ",", header="a,b,c,d,e", comments="")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train/in"], file["train/out"] = X, Y
    return tmp_path


@pytest.mark.parametrize(
    "data",
    [
        'file = "a.npz"',
        'file = ["x.npy", "y.npy"]',
        'file = "a.csv", columns = [3, 2]',
        'file = "a.h5", arrays = ["train/in", "train/out"]',
    ],
)
def test_every_format_gives_the_same_problem(folder, data):
    study = fastsde.Study.from_toml(text(data))
    problem = fastsde.build_problem(study)
    assert study.data.samples == 12
    assert study.data.columns == (3, 2)
    assert np.allclose(problem.inputs, X, rtol=1e-15)
    assert np.allclose(problem.covariance, X.T @ X / 12)
    assert np.allclose(problem.optimum, np.linalg.lstsq(X, Y, rcond=None)[0].T)
    again = fastsde.Study.from_toml(study.to_toml())
    assert again == study


def test_data_are_centred_and_whitened_by_the_samples_to_train_on(folder):
    data = 'file = "a.npz", test_arrays = ["X_test", "Y_test"], centre = true, whiten = true'
    problem = fastsde.build_problem(fastsde.Study.from_toml(text(data)))
    assert np.allclose(problem.covariance, np.eye(3))
    assert np.allclose(problem.labels.mean(axis=0), 0)
    turn = np.linalg.lstsq(X - X.mean(0), problem.inputs, rcond=None)[0]
    assert np.allclose(problem.test_inputs, (XT - X.mean(0)) @ turn)
    assert np.allclose(problem.test_labels, YT - Y.mean(0))


def test_the_test_loss_is_that_of_its_definition(folder):
    record = 'record.observables = ["loss", "test_loss", "end_to_end"]'
    study = fastsde.Study.from_toml(text('file = "a.npz", test_arrays = ["X_test", "Y_test"]', record=record))
    kept = []
    fastsde.integrate(study, "sgd", 0, 4, on_snapshot=lambda _, values: kept.append(values))
    w = kept[-1]["end_to_end"]
    for name, x, y in (("loss", X, Y), ("test_loss", XT, YT)):
        exact = [((x @ one.T - y) ** 2).sum(1).mean() / 2 for one in w]
        assert np.allclose(kept[-1][name], exact)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('file = "absent.npz"', "a file that exists"),
        ('file = "a.npz", arrays = ["A", "B"]', "arrays of the names A, B"),
        ('file = "a.csv"', r"columns = \[inputs, outputs\]"),
        ('file = "a.npz", teacher = { singular_values = [1.0] }', "remove data.teacher"),
        ("samples = 4, teacher = { singular_values = [1.0] }, centre = true", "only with file"),
        ("samples = 4", "add teacher"),
        ('file = ["x.npy", "short.npy"]', "equally many"),
        ('file = "words.npz"', "real numbers"),
        ('file = "nan.npz"', "not finite"),
    ],
)
def test_what_is_wrong_is_said_in_one_message(folder, data, message):
    np.save("short.npy", Y[:5])
    np.savez("words.npz", X=np.array(["a"] * 12), Y=Y)
    np.savez("nan.npz", X=np.where(X > 2, np.nan, X), Y=Y)
    (folder / "study.toml").write_text(text(data))
    result = CliRunner().invoke(main, ["run", "study.toml", "-o", "run"])
    assert result.exit_code == 2, result.output
    assert re.search(message, result.output), result.output
    assert not list(folder.glob("run/parts/*"))


def test_sizes_are_checked_against_the_widths(folder):
    with pytest.raises(StudyError, match="3 inputs and 2 labels") as caught:
        fastsde.Study.from_toml(text('file = "a.npz"', widths="[4, 5, 2]"))
    assert "4 inputs and 2 labels" in str(caught.value)


def test_a_changed_file_is_refused_by_name(folder):
    (folder / "study.toml").write_text(text('file = "a.npz"'))
    study = fastsde.Study.load("study.toml")
    fastsde.run(study, "run")
    np.savez("a.npz", X=X + 1e-9, Y=Y)
    with pytest.raises(StudyError, match=r"a\.npz.*SHA-256"):
        fastsde.build_problem(study)
    (folder / "study.toml").write_text(text('file = "a.npz"').replace("trajectories = 4", "trajectories = 8"))
    result = CliRunner().invoke(main, ["run", "study.toml", "-o", "run"])
    assert result.exit_code == 2
    assert "sha256" in result.output


def test_a_teacher_from_a_file(folder):
    matrix = RANDOM.normal(size=(2, 3))
    np.save("teacher.npy", matrix)
    study = fastsde.Study.from_toml(text('samples = "population", teacher = { file = "teacher.npy" }'))
    assert np.array_equal(fastsde.build_problem(study).optimum, matrix)
    np.save("teacher.npy", matrix[:, :2])
    with pytest.raises(StudyError, match="other content"):
        fastsde.build_problem(study)
    both = 'samples = 4, teacher = { file = "teacher.npy", singular_values = [1.0] }'
    with pytest.raises(StudyError, match="one of singular_values and file"):
        fastsde.Study.from_toml(text(both))


def test_a_start_from_a_state_dict(folder):
    """Keys of PyTorch in the order of their numbers, whatever their order in the file."""
    first, second = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(2, 4))
    np.savez("net.npz", **{"layers.1.weight": second, "layers.0.weight": first})
    init = 'kind = "file", file = "net.npz"'
    record = 'record.observables = ["parameters"]'
    study = fastsde.Study.from_toml(text('file = "a.npz"', init=init, record=record))
    kept = []
    fastsde.integrate(study, "sgd", 0, 2, on_snapshot=lambda _, values: kept.append(values))
    assert np.array_equal(kept[0]["parameters"][1], np.concatenate([first.ravel(), second.ravel()]))
