"""The division of a study, and computing what is missing."""

import numpy as np
import pytest

import fastsde
from fastsde.run.options import Options
from fastsde.run.resources import BASE_MEMORY, memory_need, row_bytes
from fastsde.run.run import Part, default_size, missing, plan_parts, run
from fastsde.run.status import status
from fastsde.storage.ensemble import open_ensemble
from fastsde.study.study import Study
from fastsde.system.errors import Interrupted, StoreError
from fastsde.system.progress import Progress


class Recorder(Progress):
    """Keeps what it is told."""

    def __init__(self):
        self.tasks, self.updates = [], []

    def update(self, done, note=""):
        self.updates.append((done, note))

    def _start(self, label, total, unit):
        self.tasks.append((label, total, unit))


def test_plan_covers_every_model(tiny_study):
    plan = plan_parts(tiny_study, 4)
    assert [(part.first, part.count) for part in plan] == [(0, 4), (4, 4), (8, 2)] * 2
    assert [part.model for part in plan] == ["sgd"] * 3 + ["sde"] * 3


def test_default_size_depends_on_the_work_and_the_memory(tiny_study):
    usual = tiny_study.replace(time={"steps": 10_000, "snapshots": {"count": 4, "spacing": "log"}})
    assert default_size(usual, "sgd") == 8192
    long = tiny_study.replace(time={"steps": 10_000_000, "snapshots": {"count": 4, "spacing": "log"}})
    assert default_size(long, "sgd") == 512
    wide = tiny_study.replace(network={"widths": [3, 1000, 1000, 2]})
    assert default_size(wide, "sgd") == 8
    assert default_size(usual.replace(trajectories=2**30), "sgd") == 8192


SCALAR = {
    "trajectories": 1_000_000,
    "network": {"widths": [1, 1], "init": {"std": 0.5}},
    "data": {"samples": "population", "teacher": {"singular_values": [1.0]}},
    "time": {"learning_rate": 0.01, "steps": 100, "snapshots": {"count": 8}},
    "record": {"observables": ["loss", "parameters"]},
    "models": {"m": {"kind": "sde", "noise": "isotropic", "temperature": 0.1, "substeps": 1}},
}


def test_cheap_trajectories_make_large_parts():
    scalar = Study.from_mapping(SCALAR)
    sizes = {
        steps: default_size(scalar.replace(time={"steps": steps}), "m") for steps in (10, 100, 1000, 10_000)
    }
    assert sizes == {10: 2**17, 100: 2**17, 1000: 2**16, 10_000: 2**13}
    assert len(plan_parts(scalar)) == 8
    snapshots = scalar.replace(time={"steps": 10_000, "snapshots": {"count": 10_000, "spacing": "linear"}})
    assert default_size(snapshots, "m") == 2**13


@pytest.mark.parametrize("width", [1, 4, 16, 64])
def test_large_parts_have_little_memory_and_small_files(width):
    s = Study.from_mapping(SCALAR).replace(
        network={"widths": [1, width, 1]}, time={"steps": 10, "snapshots": {"count": 11}}
    )
    size = default_size(s, "m")
    assert size > 8192
    assert memory_need(s.replace(trajectories=size), Options(), 1) < BASE_MEMORY + (300 << 20)
    assert size * row_bytes(s) < 1 << 30


def test_a_run_begun_with_other_parts_keeps_them(stand_in, tmp_path):
    """As one of an earlier version, whose parts had 8192 trajectories whatever they cost."""
    s = Study.from_mapping(SCALAR | {"trajectories": 30_000}).replace(time={"steps": 20})
    run(s, tmp_path / "run", integrate=stand_in, part_size=8192)
    for first in (16384, 24576):
        Part("m", first, 1).path(tmp_path / "run").unlink()
    there = {path: path.read_bytes() for path in (tmp_path / "run" / "parts").iterdir()}
    assert len(there) == 2
    run(s, tmp_path / "run", integrate=stand_in)
    run(s, tmp_path / "whole", integrate=stand_in)
    assert len(list((tmp_path / "whole" / "parts").iterdir())) == 1
    assert {path: path.read_bytes() for path in there} == there
    assert len(list((tmp_path / "run" / "parts").iterdir())) == 3
    with fastsde.open(tmp_path / "run") as one, fastsde.open(tmp_path / "whole") as other:
        for name in s.record.observables:
            np.testing.assert_array_equal(one["m"][name], other["m"][name])


def test_a_rerun_computes_nothing(tiny_study, stand_in, tmp_path):
    run(tiny_study, tmp_path, integrate=stand_in, part_size=4)
    assert missing(tiny_study, tmp_path) == []
    stand_in.calls.clear()
    run(tiny_study, tmp_path, integrate=stand_in, part_size=4)
    assert stand_in.calls == []


def test_only_the_missing_part_is_computed(finished_run, tiny_study, stand_in):
    Part("sde", 4, 4).path(finished_run).unlink()
    stand_in.calls.clear()
    run(tiny_study, finished_run, integrate=stand_in, part_size=4)
    assert stand_in.calls == [("sde", 4, 4)]


def test_gaps_are_cut_at_multiples_of_any_size(finished_run, tiny_study):
    Part("sde", 4, 4).path(finished_run).unlink()
    assert missing(tiny_study, finished_run, 3) == [Part("sde", 4, 2), Part("sde", 6, 2)]


def test_more_trajectories_extend_a_run(finished_run, tiny_study, stand_in):
    stand_in.calls.clear()
    more = tiny_study.replace(trajectories=15)
    run(more, finished_run, integrate=stand_in)
    assert stand_in.calls == [("sgd", 10, 5), ("sde", 10, 5)]
    with open_ensemble(finished_run) as ensemble:
        assert ensemble.study.trajectories == 15
        assert ensemble["sgd"].count == 15
    fewer = tiny_study.replace(trajectories=6)
    run(fewer, finished_run, integrate=stand_in)
    with open_ensemble(finished_run) as ensemble:
        loss = ensemble["sgd"]["loss"]
    np.testing.assert_array_equal(loss[1], stand_in.value(tiny_study, "sgd", "loss", 1, np.arange(6)))


def test_part_sizes_change_nothing(tiny_study, stand_in, tmp_path):
    arrays = []
    for size in (1, 7, None):
        run(tiny_study, tmp_path / str(size), integrate=stand_in, part_size=size)
        with open_ensemble(tmp_path / str(size)) as ensemble:
            arrays.append(ensemble["sde"]["parameters"])
    np.testing.assert_array_equal(arrays[0], arrays[1])
    np.testing.assert_array_equal(arrays[0], arrays[2])


def test_another_study_is_refused_and_named(finished_run, tiny_study, stand_in):
    other = tiny_study.replace(time={"learning_rate": 0.02})
    with pytest.raises(StoreError, match=r"time\.learning_rate: 0\.01 in .*, 0\.02 in "):
        run(other, finished_run, integrate=stand_in)
    (finished_run / "study.toml").unlink()
    with pytest.raises(StoreError, match=r"sgd-000000000000\.h5 belongs to another study"):
        run(other, finished_run, integrate=stand_in)


def test_a_damaged_part_is_named(finished_run, tiny_study):
    Part("sgd", 0, 4).path(finished_run).write_bytes(b"rubbish")
    with pytest.raises(StoreError, match=r"sgd-000000000000\.h5 is damaged"):
        missing(tiny_study, finished_run)


def test_a_renamed_part_is_refused(finished_run, tiny_study):
    Part("sgd", 0, 4).path(finished_run).rename(Part("sgd", 3, 4).path(finished_run))
    with pytest.raises(StoreError, match="wrong name or content"):
        missing(tiny_study, finished_run)


def test_stopping_keeps_finished_parts(tiny_study, stand_in, tmp_path):
    with pytest.raises(Interrupted, match="1 of 6 parts are finished"):
        run(tiny_study, tmp_path, integrate=stand_in, part_size=4, stop=lambda: len(stand_in.calls) == 2)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["sgd-000000000000.h5"]
    assert not (tmp_path / "ensemble.h5").exists()
    sgd, sde = status(tmp_path).models
    assert (sgd.parts_done, sgd.parts_missing, sgd.trajectories_done, sgd.trajectories) == (1, 1, 4, 10)
    assert (sde.parts_done, sde.trajectories_done) == (0, 0)
    stand_in.calls.clear()
    run(tiny_study, tmp_path, integrate=stand_in, part_size=4)
    assert stand_in.calls[0] == ("sgd", 4, 4)


def test_a_failed_integration_leaves_no_part(tiny_study, stand_in, tmp_path):
    stand_in.fail_at = 2
    with pytest.raises(RuntimeError, match="failed"):
        run(tiny_study, tmp_path, integrate=stand_in)
    assert list((tmp_path / "parts").iterdir()) == []


def test_progress_counts_trajectory_steps_of_what_is_missing(tiny_study, stand_in, tmp_path):
    recorder = Recorder()
    run(tiny_study, tmp_path, integrate=stand_in, part_size=4, progress=recorder)
    assert recorder.tasks == [("integrate", 10 * 40 * (1 + 4), "trajectory-steps")]
    done = [update[0] for update in recorder.updates]
    assert done == sorted(done)
    assert recorder.updates[-1] == (2000, "sde")
    Part("sde", 8, 2).path(tmp_path).unlink()
    run(tiny_study, tmp_path, integrate=stand_in, part_size=4, progress=recorder)
    assert recorder.tasks[-1] == ("integrate", 2 * 40 * 4, "trajectory-steps")


def test_progress_of_checksums_is_reported_in_bytes(finished_run):
    recorder = Recorder()
    with open_ensemble(finished_run, verify=True, progress=recorder):
        pass
    size = sum(path.stat().st_size for path in (finished_run / "parts").glob("*.h5"))
    assert recorder.tasks == [("verify checksums", size, "bytes")]
    done = [update[0] for update in recorder.updates]
    assert done == sorted(done)
    assert done[-1] == size
    status(finished_run, verify=True, progress=recorder)
    assert len(recorder.tasks) == 2
    open_ensemble(finished_run, progress=recorder).close()
    assert len(recorder.tasks) == 2, "nothing is verified"


def test_study_file_of_the_directory_is_resolved(finished_run, tiny_study):
    assert tiny_study.load(finished_run / "study.toml") == tiny_study


def test_status_needs_a_run(tmp_path):
    with pytest.raises(StoreError, match="does not contain study"):
        status(tmp_path)


def test_a_part_that_the_disk_refuses_while_the_next_is_computed_is_reported(
    tiny_study, stand_in, tmp_path, monkeypatch
):
    from fastsde.storage import part_writer

    def refuse(temporary, path):
        if path.name == "sgd-000000000003.h5":
            raise OSError("no space left")
        commit(temporary, path)

    commit = part_writer.commit
    monkeypatch.setattr(part_writer, "commit", refuse)
    with pytest.raises(StoreError, match=r"sgd-000000000003.*no space left"):
        run(tiny_study, tmp_path, integrate=stand_in, part_size=3)
    assert not list(tmp_path.rglob("*.tmp"))
    kept = {path.name for path in (tmp_path / "parts").iterdir()}
    assert "sgd-000000000000.h5" in kept
    assert "sgd-000000000003.h5" not in kept
    monkeypatch.setattr(part_writer, "commit", commit)
    run(tiny_study, tmp_path, integrate=stand_in, part_size=3)
