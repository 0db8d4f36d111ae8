"""Trajectories that come to the device, go home and come back: nothing of them may depend on it."""

import cases
import numpy as np
import pytest
from landscape_studies import landscape_study
from studies import snapshots

import fastsde
from fastsde.integrate.beginning import Beginning, beginning
from fastsde.integrate.gpu import batches, programs, resident, rows
from fastsde.integrate.gpu.batches import Batches
from fastsde.integrate.gpu.resident import Resident
from fastsde.integrate.lowering import lower
from fastsde.kernels.cpu import Workers
from fastsde.kernels.cuda import Program
from fastsde.kernels.gpu import arrays, streams, target, thread
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
    monkeypatch.setattr(Batches, "_fitting", lambda self: count)


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
    launch, taken = Program.launch, []

    def full(self, task, count, *rest):
        taken.append(count)
        if count > 2:
            raise RuntimeError("[CUresult.CUDA_ERROR_OUT_OF_MEMORY] Call to cuMemAlloc results in it")
        launch(self, task, count, *rest)

    monkeypatch.setattr(Program, "launch", full)
    monkeypatch.setattr(batches, "LEAST", 1)
    parts, _ = snapshots(studied(steps=2), 4, device="cuda")
    same(whole, parts)
    assert max(taken) == 4
    assert taken.count(4) == 1

    def never(self, task, count, *rest):
        raise MemoryError("nothing left")

    monkeypatch.setattr(Program, "launch", never)
    with pytest.raises(ResourceError, match=r"do not fit(.|\n)*Fix"):
        snapshots(studied(steps=2), 4, device="cuda")


def test_other_failures_are_not_taken_for_a_full_memory(monkeypatch):
    def broken(self, task, count, *rest):
        raise RuntimeError("misaligned address")

    monkeypatch.setattr(Program, "launch", broken)
    with pytest.raises(RuntimeError, match="misaligned"):
        snapshots(studied(steps=2), 4, device="cuda")


def test_a_driver_older_than_the_toolkit_is_told(monkeypatch):
    def refused(self, task, count, *rest):
        raise RuntimeError("[222] Call to cuLinkAddData results in CUDA_ERROR_UNSUPPORTED_PTX_VERSION")

    monkeypatch.setattr(Program, "launch", refused)
    with pytest.raises(DeviceError, match=r"older than the toolkit(.|\n)*Fix"):
        snapshots(studied(steps=2), 4, device="cuda")


def test_a_slot_is_freed_only_where_nothing_more_can_be_recorded():
    events = lower(studied(), "m", build_problem(studied())).events
    ended = thread._ended
    assert ended(None, np.nan, 1, events)
    assert ended(None, 1.0, 0, events)
    assert not ended(None, np.inf, 1, events)
    assert not ended(None, 1.0, 1, events)
    assert not ended(None, np.nan, 1, events._replace(radii=np.ones(1)))


@pytest.mark.parametrize(("before", "behind"), [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_a_checkpoint_goes_on_elsewhere(before, behind):
    a_study = studied("underdamped")  # with velocities
    _, straight = snapshots(a_study, 3, device="cpu")
    kept = []
    with pytest.raises(fastsde.system.errors.Interrupted):
        fastsde.integrate(a_study, "m", 0, 3, device=before, stop=lambda: True, on_checkpoint=kept.append)
    assert 0 < kept[-1].step < 12  # two substeps each
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
    first, one = snapshots(studied(name, steps=2), 3, device="cuda")
    chosen = one.attributes["device"].split()[-1]
    assert chosen == ("lane" if name == "sgd" else "shared")
    for where in {"local", "shared", "block", "team", "global"} - {chosen}:
        monkeypatch.setattr(resident, "memory_class", lambda lowered, dtype, where=where: where)
        again, other = snapshots(studied(name, steps=2), 3, device="cuda")
        assert other.attributes["device"].endswith(where)
        for variable in first:
            np.testing.assert_allclose(again[variable], first[variable], rtol=1e-12, atol=1e-12)
        for event in one.events:
            np.testing.assert_array_equal(one.events[event], other.events[event])


@pytest.mark.skipif(not cases.WHOLE, reason="compiling takes a minute; FASTSDE_TESTS=all")
def test_what_is_kept_of_paths_is_the_same_in_all_classes_of_memory(monkeypatch):
    names = ["loss", "running_average", "running_average_loss", "path_length", "displacement"]
    record = {"record": {"observables": names}}
    here, _ = snapshots(cases.case("sgd batch", steps=3, **record), 3)
    assert here["path_length"][-1].min() > 0
    for where in ("local", "shared", "block", "team", "global"):
        monkeypatch.setattr(resident, "memory_class", lambda lowered, dtype, where=where: where)
        there, _ = snapshots(cases.case("sgd batch", steps=3, **record), 3, device="cuda")
        for name in names:
            np.testing.assert_allclose(there[name], here[name], rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("lanes", [1, 4])
def test_any_number_of_threads_computes_the_same(lanes, monkeypatch):
    """Three trajectories: with one thread each, the last warp has one that is not there."""
    two, one = snapshots(studied("gradient stable", steps=2), 3, device="cuda")
    monkeypatch.setattr(programs, "_PROGRAMS", {})
    monkeypatch.setattr(target, "LANES", lanes)
    again, other = snapshots(studied("gradient stable", steps=2), 3, device="cuda")
    for variable in two:
        np.testing.assert_allclose(again[variable], two[variable], rtol=1e-12, atol=1e-12)
    for event in one.events:
        np.testing.assert_array_equal(one.events[event], other.events[event])


GIVEN = [[[1.0, 2.0, 3.0]] * 4, [[0.5, 0.0, 1.0, 0.0]] * 2]
TURNS = {"points": [[1.0, 0.0], [0.0, -1.0], [3.0, 4.0]], "std": 0.1}
STARTS = {
    "gaussian": studied("sgd label noise", network={"init": {"gamma": 2.0}}, dtype="float32"),
    "given": studied("sgd", network={"init": {"kind": "values", "layers": GIVEN, "std": 0.1}}),
    "balanced": studied("sgd", network={"init": {"kind": "balanced", "std": 0.3}}),
    "in turn": landscape_study({"kind": "monkey-saddle", "start": TURNS}, {"kind": "gd"}),
}


@pytest.fixture
def traffic(monkeypatch):
    """Bytes that the host sends to the device and gets from there."""
    bytes_of = {"sent": 0, "got": 0}
    array = type(arrays.array((1,), np.float64))
    send, get = array.copy_to_device, array.copy_to_host

    def sent(self, other, *rest, **more):
        bytes_of["sent"] += other.nbytes if isinstance(other, np.ndarray) else 0
        return send(self, other, *rest, **more)

    def got(self, *rest, **more):
        bytes_of["got"] += self.nbytes
        return get(self, *rest, **more)

    monkeypatch.setattr(array, "copy_to_device", sent)
    monkeypatch.setattr(array, "copy_to_host", got)
    return bytes_of


@pytest.mark.parametrize("name", STARTS)
def test_starting_points_are_those_of_processors_and_are_not_sent(name, traffic):
    a_study = STARTS[name]
    low = lower(a_study, "m", build_problem(a_study))
    expected = beginning(a_study, low, 7, 5, None)
    with Resident(a_study, low, 1, 7, 5, Beginning(a_study, low, 7, 5)) as there:
        there._batches.each(lambda batch: None)
        sent = traffic["sent"]
        found = there.checkpoint(0)
    tight = 1e-13 if a_study.dtype == "float64" else 1e-5
    assert np.ptp(expected.parameters[:, : low.network.parameters], axis=0).min() > 0
    np.testing.assert_allclose(found.parameters, expected.parameters, rtol=tight, atol=tight)
    np.testing.assert_array_equal(found.diverged, expected.diverged)
    np.testing.assert_array_equal(found.passed, expected.passed)
    numbers = 5 * np.dtype(np.int64).itemsize  # which trajectories a launch has
    assert (sent > numbers) == (name == "balanced")


def test_only_what_is_recorded_leaves_the_device(traffic):
    """A loss, a step of divergence and at the end the state and the passages of each trajectory."""
    a_study = studied("sgd", steps=2).replace(record={"observables": ["loss"]})
    _, outcome = snapshots(a_study, 5, device="cuda")
    state, passages = outcome.parameters.nbytes, sum(one.nbytes for one in outcome.events.values())
    assert traffic["got"] <= 3 * 5 * 16 + state + 2 * passages
    got = traffic["got"]
    snapshots(a_study.replace(record={"observables": ["loss", "parameters"]}), 5, device="cuda")
    assert traffic["got"] - got == got + 3 * state


def test_rows_go_to_the_device_and_back_in_chunks(monkeypatch):
    monkeypatch.setattr(rows, "CHUNK_BYTES", 7 * 5 * 8)
    buffers, (stream, _) = rows.Buffers(), streams.streams()
    with Workers(2, 1, 1, np.float64) as workers:
        moving = rows.Rows(buffers, stream, workers)
        points = np.arange(45 * 5.0).reshape(45, 5)
        there, back = arrays.array((45, 7), np.float64), np.full((45, 7), np.nan)
        moving.send(points, there)
        moving.bring(there, back)
    np.testing.assert_array_equal(back[:, :5], points)
    assert (back[:, 5:] == 0).all()
    buffers.keep()
    assert rows.Buffers().on_host("chunk 0 of float64", (2, 2), np.float64).base is not None


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


def test_those_that_have_stopped_are_left_out_of_launches(monkeypatch):
    """Trajectories share a warp: some go along to the end of a launch after they have stopped."""
    a_study = cases.case("svag", steps=3, record={"observables": ["loss", "parameters"]})
    a_study = a_study.replace(events=cases.EVENTS | {"stop": ["mode_learned[1, 1]"]})
    a_study = a_study.replace(time={"snapshots": {"at": [0, 1, 3]}})
    here, one = snapshots(a_study, 3)
    launch, counts = Program.launch, []

    def counted(self, task, count, *rest):
        counts.extend([count] if task in ("advance", "look") else [])
        launch(self, task, count, *rest)

    monkeypatch.setattr(Program, "launch", counted)
    monkeypatch.setattr(resident, "SEGMENT", 1)
    monkeypatch.setattr(resident, "LEAST_STEPS", 3)
    there, other = snapshots(a_study, 3, device="cuda")
    assert set(counts) == {3, 1}  # two of them stop at step 4; how many launches there are depends on time
    assert counts == sorted(counts, reverse=True)
    for event in one.events:
        np.testing.assert_array_equal(other.events[event], one.events[event], err_msg=event)
    for variable in there:
        np.testing.assert_allclose(there[variable], here[variable], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(other.parameters, one.parameters, rtol=1e-11, atol=1e-11)
