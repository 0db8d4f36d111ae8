"""Trajectories of another program: what fastsde itself computed, given back as a file, is what it was."""

import h5py
import numpy as np
import pytest
from studies import study as study_of

import fastsde
from fastsde.system.errors import StudyError

STEPS = [0, 4, 8, 16]
RECORD = [
    "loss", "gradient_norm", "modes", "singular_values", "balance", "noise_trace", "parameters", "end_to_end",
]  # fmt: skip
COUNT = 6


def make(model, **more):
    return study_of(
        (3, 4, 2), model, steps=16, samples=6,
        time={"snapshots": {"at": STEPS}, "steps": 16, "learning_rate": 0.05},
        record={"observables": RECORD},
        events={"loss_below": [0.5], "mode_learned": [0.5], "radius_above": [2.0]},
        trajectories=COUNT, **more,
    )  # fmt: skip


def ran(a_study, **options):
    kept = []
    outcome = fastsde.integrate(a_study, "m", 0, COUNT, on_snapshot=lambda _, v: kept.append(v), **options)
    return {name: np.stack([one[name] for one in kept]) for name in kept[0]}, outcome


@pytest.fixture(scope="module")
def truth():
    return ran(make({"kind": "sgd", "batch": 2}))


@pytest.fixture
def imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(name, arrays, **table):
        if name.endswith(".npz"):
            np.savez(name, **arrays)
        elif name.endswith(".npy"):
            np.save(name, next(iter(arrays.values())))
        else:
            with h5py.File(name, "w") as file:
                for key, array in arrays.items():
                    file[key] = array
        return ran(make({"kind": "imported", "file": name, **table}))

    return read


def layers(theta):
    """Cut parameters into PyTorch's arrays."""
    shape = theta.shape[:2]
    return {
        "layers.0.weight": theta[..., :12].reshape(*shape, 4, 3),
        "layers.1.weight": theta[..., 12:].reshape(*shape, 2, 4),
    }


@pytest.mark.parametrize("form", ["npz", "layers", "hdf5", "npy"])
def test_parameters_give_back_everything_but_the_noise_of_steps(truth, imported, form):
    theta = truth[0]["parameters"]
    found, _ = {
        "npz": lambda: imported("a.npz", {"parameters": theta, "steps": STEPS}),
        "layers": lambda: imported("a.npz", {**layers(theta), "steps": STEPS}),
        "hdf5": lambda: imported("a.h5", {"parameters": theta, "steps": STEPS}),
        "npy": lambda: imported("a.npy", {"": theta}, steps=STEPS),
    }[form]()
    for name in RECORD:
        assert np.array_equal(found[name], truth[0][name]), name


def test_matrices_give_loss_and_modes_and_leave_the_layers_open(truth, imported):
    found, _ = imported("a.npz", {"end_to_end": truth[0]["end_to_end"], "steps": STEPS})
    for name in ("loss", "modes", "singular_values", "end_to_end"):
        assert np.allclose(found[name], truth[0][name], rtol=1e-9, atol=1e-12), name
    for name in ("gradient_norm", "balance", "noise_trace", "parameters"):
        assert np.isnan(found[name]).all(), name


def test_values_are_taken_as_they_are(truth, imported):
    given = {name: truth[0][name] for name in ("loss", "modes")}
    found, outcome = imported("a.npz", {**given, "steps": STEPS})
    for name, values in given.items():
        assert np.array_equal(found[name], values)
    assert np.isnan(found["parameters"]).all()
    assert (outcome.events["loss_below_step"] >= 0).sum() == (given["loss"].min(axis=0) <= 0.5).sum()


def test_passages_lie_between_the_snapshots_that_enclose_them(truth, imported):
    """Within a snapshot's distance of those found at every step."""
    found = imported("a.npz", {"parameters": truth[0]["parameters"], "steps": STEPS})[1].events
    seen = 0
    for name in ("loss_below_step", "mode_learned_step", "radius_above_step"):
        exact, here = truth[1].events[name].ravel(), found[name].ravel()
        both = (exact >= 0) & (here >= 0)
        seen += both.sum()
        edge = np.array(STEPS)
        span = np.array([edge[np.searchsorted(edge, step)] for step in here[both]])
        assert np.all(here[both] <= span)
        assert np.all(exact[both] <= span)
    assert seen > 4


def test_rows_that_are_not_finite_have_diverged(truth, imported):
    theta = truth[0]["parameters"].copy()
    theta[2:, 1] = np.nan
    found, outcome = imported("a.npz", {"parameters": theta, "steps": STEPS})
    assert outcome.events["diverged_step"].tolist() == [-1, 8, -1, -1, -1, -1]
    assert np.isnan(found["loss"][2:, 1]).all()
    assert np.isfinite(found["loss"][:2]).all()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"parameters": np.zeros((4, COUNT, 20))}, "an array of steps"),
        ({"parameters": np.zeros((4, COUNT, 19)), "steps": STEPS}, "20"),
        ({"parameters": np.zeros((4, 3, 20)), "steps": STEPS}, "at least 6"),
        ({"parameters": np.zeros((3, COUNT, 20)), "steps": [0, 4, 8]}, "missing: 16"),
        ({"parameters": np.zeros((4, COUNT, 20)), "steps": [0, 4, 4, 16]}, "whole numbers that rise"),
        ({"parameters": np.zeros((3, COUNT, 20)), "steps": STEPS}, "4 snapshots"),
        ({"weights": np.zeros((4, COUNT)), "steps": STEPS}, "observables by name"),
        ({"loss": np.array([["a"] * COUNT] * 4), "steps": STEPS}, "real numbers"),
    ],
)
def test_files_that_do_not_fit_are_refused(imported, arrays, message):
    with pytest.raises(StudyError, match=message):
        imported("a.npz", arrays)


def test_a_file_that_is_not_there_or_has_changed_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match="a file that exists"):
        make({"kind": "imported", "file": "absent.npz"})
    np.savez("a.npz", parameters=np.zeros((4, COUNT, 20)), steps=STEPS)
    a_study = make({"kind": "imported", "file": "a.npz"})
    np.savez("a.npz", parameters=np.ones((4, COUNT, 20)), steps=STEPS)
    with pytest.raises(StudyError, match="other content"):
        ran(a_study)
