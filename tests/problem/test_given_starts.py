"""Starts that are given: layers in the study, states in a file, and what is refused of them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from studies import study

import fastsde
from fastsde.problem.initial_points import start_points
from fastsde.run.run import run
from fastsde.storage.initial_states import resolve, start_states
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

WIDTHS = (3, 4, 2)
SIZE = 20
LAYERS = [np.arange(12.0).reshape(4, 3) / 10, np.arange(8.0).reshape(2, 4) / 5]
FLAT = np.concatenate([layer.ravel() for layer in LAYERS])
GIVEN = {"kind": "values", "layers": [layer.tolist() for layer in LAYERS]}
RECORD = {"observables": ["loss", "parameters"]}


def with_init(init, **more):
    document = study(WIDTHS, {"kind": "gd"}, steps=2, record=RECORD, **more).to_mapping()
    document["network"]["init"] = init
    return Study.from_mapping(document)


def starts(a_study, directory=None, count=4):
    """Return the parameters at the first snapshot."""
    kept = []
    options = {}
    if a_study.starts_from_states:
        a_study = resolve(a_study, directory)
    fastsde.integrate(
        a_study, "m", 0, count, on_snapshot=lambda _, v: kept.append(v["parameters"]), **options
    )
    return kept[0]


def test_given_layers_are_the_start_of_every_trajectory():
    s = with_init(GIVEN)
    np.testing.assert_array_equal(starts(s), np.tile(FLAT, (4, 1)))
    assert Study.from_toml(s.to_toml()) == s


def test_normals_are_added_to_given_layers():
    normals = np.random.default_rng(0).normal(size=(5, SIZE))
    init = with_init({**GIVEN, "std": 0.1}).network.init
    np.testing.assert_allclose(start_points(normals, init, WIDTHS), FLAT + 0.1 * normals)
    assert np.ptp(starts(with_init({**GIVEN, "std": 0.1}))[:, 0]) > 0


@pytest.fixture
def states():
    return np.random.default_rng(1).normal(size=(4, SIZE))


def test_states_of_a_file_start_one_trajectory_each(tmp_path, monkeypatch, states):
    monkeypatch.chdir(tmp_path)
    np.save("start.npy", states)
    first, second = states[:, :12].reshape(4, 4, 3), states[:, 12:].reshape(4, 2, 4)
    np.savez("start.npz", first=first, second=second)
    for file in ("start.npy", "start.npz"):
        np.testing.assert_array_equal(starts(with_init({"kind": "values", "file": file})), states)
    branches = with_init({"kind": "values", "file": "start.npy", "branches": 2})
    np.testing.assert_array_equal(starts(branches, count=8), np.repeat(states, 2, axis=0))


def test_a_single_state_serves_all_trajectories(tmp_path, monkeypatch, states):
    monkeypatch.chdir(tmp_path)
    np.save("one.npy", states[0])
    s = with_init({"kind": "values", "file": "one.npy"}, trajectories=6)
    np.testing.assert_array_equal(starts(s, count=6), np.tile(states[0], (6, 1)))
    run(s, tmp_path / "run", part_size=4)
    with fastsde.open(tmp_path / "run") as ensemble:
        np.testing.assert_array_equal(ensemble["m"]["parameters"][0], np.tile(states[0], (6, 1)))
    run(s.replace(trajectories=9), tmp_path / "run", part_size=4)
    with fastsde.open(tmp_path / "run") as ensemble:
        assert ensemble["m"].count == 9


def test_a_run_keeps_the_states_and_knows_them_by_their_numbers(tmp_path, monkeypatch, states):
    monkeypatch.chdir(tmp_path)
    np.save("start.npy", states)
    s = with_init({"kind": "values", "file": "start.npy"}, trajectories=4)
    run(s, tmp_path / "run")
    with fastsde.open(tmp_path / "run") as ensemble:
        np.testing.assert_array_equal(ensemble["m"]["parameters"][0], states)
        kept = ensemble.study
    (tmp_path / "start.npy").rename(tmp_path / "other.npy")
    run(s, tmp_path / "run")  # the copy is enough
    renamed = resolve(with_init({"kind": "values", "file": "other.npy"}, trajectories=4))
    assert renamed.fingerprint() == kept.fingerprint()
    np.save("start.npy", states + 1)
    assert resolve(s).fingerprint() != kept.fingerprint()


def test_too_few_states_are_refused(tmp_path, monkeypatch, states):
    monkeypatch.chdir(tmp_path)
    np.save("start.npy", states)
    s = resolve(with_init({"kind": "values", "file": "start.npy"}, trajectories=9))
    with pytest.raises(StudyError, match="it has 4"):
        start_states(s, 0, 9)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("bomb.npy", np.array([Bomb()], dtype=object))
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(Bomb()))
    np.savez("bomb.npz", a=np.array([Bomb()], dtype=object), b=np.zeros(8))
    for file in ("bomb.npy", "pickle.npy", "bomb.npz"):
        with pytest.raises(StudyError, match=r"network\.init\.file"):
            resolve(with_init({"kind": "values", "file": file}))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(19), r"shape \(20,\) or \(states, 20\)"),
        (np.zeros((2, 19)), r"\(2, 19\)"),
        (np.zeros((0, 20)), r"\(0, 20\)"),
        (np.full(20, np.nan), "finite"),
        (np.zeros(20, dtype=complex), "real numbers"),
        (np.array(["x"] * 20), "real numbers"),
    ],
)
def test_arrays_of_other_kinds_are_refused(tmp_path, monkeypatch, array, words):
    monkeypatch.chdir(tmp_path)
    np.save("start.npy", array)
    with pytest.raises(StudyError, match=words):
        resolve(with_init({"kind": "values", "file": "start.npy"}))


def test_archives_of_other_layers_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arrays, words in (
        ({"a": np.zeros((4, 3))}, "one array per layer, 2"),
        ({"a": np.zeros((3, 4)), "b": np.zeros((2, 4))}, r"a: an array of shape \(3, 4\)"),
        ({"a": np.zeros((2, 4, 3)), "b": np.zeros((3, 2, 4))}, "as many states"),
    ):
        np.savez("start.npz", **arrays)
        with pytest.raises(StudyError, match=words):
            resolve(with_init({"kind": "values", "file": "start.npz"}))
    with pytest.raises(StudyError, match="looked for"):
        resolve(with_init({"kind": "values", "file": "none.npy"}))
    (tmp_path / "start.txt").write_text("1 2 3")
    with pytest.raises(StudyError, match="one array per layer, 2"):
        resolve(with_init({"kind": "values", "file": "start.txt"}))


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ({"kind": "values"}, "exactly one of layers and file"),
        ({**GIVEN, "file": "x.npy"}, "exactly one of layers and file"),
        (
            {**GIVEN, "gamma": 1.0},
            r'network\.init\.gamma[\s\S]*only with kind = "gaussian" or kind = "balanced"',
        ),
        ({"kind": "gaussian", "std": 1.0, "layers": GIVEN["layers"]}, 'only with kind = "values"'),
        ({"kind": "values", "file": "x.npy", "std": 0.1}, "as they are"),
        ({**GIVEN, "branches": 2}, "branches only with file"),
        ({"kind": "values", "layers": GIVEN["layers"][:1]}, "2 matrices, one per layer"),
        ({"kind": "values", "layers": GIVEN["layers"][::-1]}, r"layers\[0\][\s\S]*4 rows of 3 numbers"),
        ({"kind": "valus", "std": 1.0}, 'did you mean "values"'),
    ],
)
def test_what_makes_no_sense_is_refused(init, words):
    with pytest.raises(StudyError, match=words):
        with_init(init)
