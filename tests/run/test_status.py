"""How far a run is, told from its files."""

import json
import os
import time

import pytest

from fastsde.run.run import run
from fastsde.run.status import status
from fastsde.storage.in_progress import Unfinished, folder_of
from fastsde.storage.plan import Part, Shard
from fastsde.system.errors import Interrupted


def test_nothing_then_some_then_all(tiny_study, stand_in, tmp_path):
    with pytest.raises(Interrupted):
        run(tiny_study, tmp_path, integrate=stand_in, part_size=4, stop=lambda: True)
    found = status(tmp_path)
    assert [(m.parts_done, m.parts_missing, m.trajectories_done) for m in found.models] == [(0, 1, 0)] * 2
    run(tiny_study, tmp_path, integrate=stand_in, shard=Shard(1, 2))
    found = status(tmp_path)
    assert [(m.parts_done, m.parts_missing, m.trajectories_done) for m in found.models] == [(1, 1, 5)] * 2
    assert not found.whole
    assert found.seconds_left is None
    run(tiny_study, tmp_path, integrate=stand_in)
    found = status(tmp_path)
    assert found.whole
    assert found.joined
    assert json.dumps(found.to_mapping())


def test_a_running_part_tells_how_far_it_is_and_how_long_is_left(tiny_study, stand_in, tmp_path):
    run(tiny_study, tmp_path, integrate=stand_in, shard=Shard(1, 2))
    unfinished = Unfinished.take(tmp_path, Part("sde", 5, 5))
    unfinished._begun = time.monotonic() - 1000.0
    unfinished.tell(step=40, steps=160, done=20_000, threads=2)
    found = status(tmp_path)
    (running,) = found.running
    assert running.alive
    assert running.done == 0.25
    assert running.process == os.getpid()
    assert running.rate == pytest.approx(20.0, rel=0.05)
    left = 5 * 40 + 5 * 160 * 0.75
    assert found.seconds_left == pytest.approx(left / 20.0, rel=0.05)
    sde = found.models[1]
    assert (sde.parts_done, sde.parts_running, sde.parts_missing) == (1, 1, 0)
    unfinished.release()
    assert status(tmp_path).running == []


def test_a_part_whose_process_is_gone_is_stopped(tiny_study, stand_in, tmp_path):
    run(tiny_study, tmp_path, integrate=stand_in, shard=Shard(1, 2))
    folder = folder_of(tmp_path, Part("sgd", 5, 5))
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "progress.json").write_text('{"step": 20, "rate": 1e6}')
    found = status(tmp_path)
    (stopped,) = found.running
    assert not stopped.alive
    assert stopped.done == 0.0  # it never saved
    assert found.models[0].parts_stopped == 1
    assert found.seconds_left is None
    for rubbish in ("", "[]", "{", "null"):
        (folder / "progress.json").write_text(rubbish)
        assert len(status(tmp_path).running) == 1


def test_strange_things_in_the_folders_are_left_alone(finished_run):
    (finished_run / "unfinished").mkdir()
    (finished_run / "unfinished" / "notes").mkdir()
    (finished_run / "parts" / "notes.h5").write_text("mine")
    (finished_run / "parts" / "other-000000000000.h5").write_text("mine")
    assert status(finished_run).whole
    assert status(finished_run).broken == []


def test_a_part_that_stands_is_not_counted_as_running_too(finished_run):
    """The folder of a part goes after its file has come to stand: whoever looks between sees both."""
    before = status(finished_run)
    unfinished = Unfinished.take(finished_run, Part("sde", 0, 4))
    found = status(finished_run)
    assert found.models == before.models
    assert found.running == []
    assert found.whole
    unfinished.release()
