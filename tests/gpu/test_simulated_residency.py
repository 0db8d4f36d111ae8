"""Trajectories that come to the device, go home and come back: nothing of them may depend on it."""

import cases
import numpy as np
import pytest
from landscape_studies import landscape_study
from studies import snapshots

import fastsde
from fastsde.integrate import cuda_ensemble, devices
from fastsde.integrate.cuda_ensemble import Resident
from fastsde.integrate.lowering import lower
from fastsde.kernels import cuda
from fastsde.kernels.gpu import thread
from fastsde.problem.data import build_problem
from fastsde.storage.ensemble import open_ensemble
from fastsde.system.errors import DeviceError, ResourceError

OBSERVED = {"record": {"observables": ["loss", "modes", "update_noise", "parameters"]}}


def studied(name="sgd", **more):
    return cases.case(name, **OBSERVED, **more)


def same(one, other):
    for variable in one:
        np.testing.assert_array_equal(one[variable], other[variable])


def resident_of(monkeypatch, count):
    monkeypatch.setattr(Resident, "_fitting", lambda self: count)


def test_batches_that_come_and_leave_give_the_same_bits(monkeypatch):
    whole, one = snapshots(studied(), 5, device="cuda")
    resident_of(monkeypatch, 2)
    parts, other = snapshots(studied(), 5, device="cuda")
    same(whole, parts)
    np.testing.assert_array_equal(one.checkpoint.parameters, other.checkpoint.parameters)
    for event in one.events:
        np.testing.assert_array_equal(one.events[event], other.events[event])


def test_a_full_memory_halves_what_is_resident(monkeypatch):
    whole, _ = snapshots(studied(steps=2), 4, device="cuda")
    launch, taken = cuda.Program.launch, []

    def full(self, task, count, *rest):
        taken.append(count)
        if count > 2:
            raise RuntimeError("[CUresult.CUDA_ERROR_OUT_OF_MEMORY] Call to cuMemAlloc results in it")
        launch(self, task, count, *rest)

    monkeypatch.setattr(cuda.Program, "launch", full)
    monkeypatch.setattr(cuda_ensemble, "LEAST", 1)
    parts, _ = snapshots(studied(steps=2), 4, device="cuda")
    same(whole, parts)
    assert max(taken) == 4
    assert taken.count(4) == 1

    def never(self, task, count, *rest):
        raise MemoryError("nothing left")

    monkeypatch.setattr(cuda.Program, "launch", never)
    with pytest.raises(ResourceError, match=r"do not fit(.|\n)*Fix"):
        snapshots(studied(steps=2), 4, device="cuda")


def test_other_failures_are_not_taken_for_a_full_memory(monkeypatch):
    def broken(self, task, count, *rest):
        raise RuntimeError("misaligned address")

    monkeypatch.setattr(cuda.Program, "launch", broken)
    with pytest.raises(RuntimeError, match="misaligned"):
        snapshots(studied(steps=2), 4, device="cuda")


def test_a_driver_older_than_the_toolkit_is_told(monkeypatch):
    def refused(self, task, count, *rest):
        raise RuntimeError("[222] Call to cuLinkAddData results in CUDA_ERROR_UNSUPPORTED_PTX_VERSION")

    monkeypatch.setattr(cuda.Program, "launch", refused)
    with pytest.raises(DeviceError, match=r"older than the toolkit(.|\n)*Fix"):
        snapshots(studied(steps=2), 4, device="cuda")


def test_a_slot_is_freed_only_where_nothing_more_can_be_recorded():
    events = lower(studied(), "m", build_problem(studied())).events
    ended = thread._ended
    assert ended(None, np.nan, events)
    assert not ended(None, np.inf, events)
    assert not ended(None, 1.0, events)
    assert not ended(None, np.nan, events._replace(radii=np.ones(1)))


@pytest.mark.parametrize(("before", "behind"), [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_a_checkpoint_goes_on_elsewhere(before, behind):
    a_study = studied("sgd label noise")
    _, straight = snapshots(a_study, 3, device="cpu")
    kept = []
    with pytest.raises(fastsde.system.errors.Interrupted):
        fastsde.integrate(a_study, "m", 0, 3, device=before, stop=lambda: True, on_checkpoint=kept.append)
    assert 0 < kept[-1].step < 6
    resumed = fastsde.integrate(a_study, "m", 0, 3, device=behind, resume=kept[-1])
    np.testing.assert_allclose(resumed.parameters, straight.parameters, rtol=1e-12)
    for event in straight.events:
        np.testing.assert_array_equal(resumed.events[event], straight.events[event])


def test_diverged_trajectories_are_marked_at_the_same_step():
    a_study = cases.case("gd", steps=30, time={"learning_rate": 3.0}, **OBSERVED)
    here, one = snapshots(a_study, 3)
    there, other = snapshots(a_study, 3, device="cuda")
    assert (one.events["diverged_step"] > 0).all()
    np.testing.assert_array_equal(one.events["diverged_step"], other.events["diverged_step"])
    np.testing.assert_array_equal(np.isnan(here["loss"]), np.isnan(there["loss"]))


@pytest.mark.parametrize("name", cases.TEAMS)
def test_all_classes_of_memory_compute_the_same(name, monkeypatch):
    first, one = snapshots(studied(name, steps=3), 3, device="cuda")
    chosen = one.attributes["device"].split()[-1]
    assert chosen == ("lane" if name == "sgd" else "shared")
    for where in {"local", "shared", "block", "team", "global"} - {chosen}:
        monkeypatch.setattr(devices, "memory_class", lambda lowered, dtype, where=where: where)
        again, other = snapshots(studied(name, steps=3), 3, device="cuda")
        assert other.attributes["device"].endswith(where)
        for variable in first:
            np.testing.assert_allclose(again[variable], first[variable], rtol=1e-12, atol=1e-12)
        for event in one.events:
            np.testing.assert_array_equal(one.events[event], other.events[event])


@pytest.mark.parametrize("lanes", [1, 4])
def test_any_number_of_threads_computes_the_same(lanes, monkeypatch):
    """Three trajectories: with one thread each, the last warp has one that is not there."""
    two, one = snapshots(studied("gradient stable", steps=2), 3, device="cuda")
    monkeypatch.setattr(devices, "_PROGRAMS", {})
    monkeypatch.setattr(cuda, "LANES", lanes)
    again, other = snapshots(studied("gradient stable", steps=2), 3, device="cuda")
    for variable in two:
        np.testing.assert_allclose(again[variable], two[variable], rtol=1e-12, atol=1e-12)
    for event in one.events:
        np.testing.assert_array_equal(one.events[event], other.events[event])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"network": {"init": {"gamma": 2.0}}, "dtype": "float32"},
        {"network": {"init": {"kind": "values", "layers": [[[1.0, 2.0, 3.0]] * 4, [[0.5, 0.0, 1.0, 0.0]] * 2], "std": 0.1}}},
        {"network": {"init": {"kind": "balanced", "std": 0.3}}},
    ],
)
def test_starting_points_are_those_of_processors(more):
    a_study = studied(steps=1, **more)
    first, _ = snapshots(a_study, 5, first=7)
    there, _ = snapshots(a_study, 5, first=7, device="cuda")
    assert np.abs(first["parameters"][0]).max() > 0.01
    tight = 1e-13 if a_study.dtype == "float64" else 1e-6
    np.testing.assert_allclose(there["parameters"][0], first["parameters"][0], rtol=tight)


def test_starting_points_in_turn_are_those_of_processors():
    turns = {"start": {"points": [[1.0, 0.0], [0.0, -1.0], [3.0, 4.0]], "std": 0.1}}
    a_study = landscape_study({"kind": "monkey-saddle", **turns}, {"kind": "gd"}, steps=1)
    one, other = (fastsde.integrate(a_study, "m", 4, 5, device=device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-12)


def test_a_run_on_the_device_makes_the_same_files(tmp_path):
    a_study = studied(steps=2)
    for device in ("cpu", "cuda"):
        fastsde.run(a_study, tmp_path / device, device=device, part_size=4, threads=1)
    with (
        open_ensemble(tmp_path / "cpu") as one,
        open_ensemble(tmp_path / "cuda") as other,
    ):
        np.testing.assert_allclose(other["m"]["loss"], one["m"]["loss"], rtol=1e-12)
        assert list(one["m"].variables) == list(other["m"].variables)
