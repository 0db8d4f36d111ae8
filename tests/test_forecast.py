"""What a study is said to take, against what it then takes."""

import itertools
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies import study

import fastsde
from fastsde import forecast
from fastsde.forecast import Speed, array_row, suggested_tasks
from fastsde.parts import Options, run
from fastsde.plan import Shard
from fastsde.resources import disk_need, part_count

MODELS = {"sgd": {"kind": "sgd"}, "sde": {"kind": "sde", "noise": "gradient", "substeps": 2}}


def case(trajectories=2000, steps=4000, **more):
    s = study((4, 10, 10, 4), samples=16, rate=1e-3, trajectories=trajectories, **more)
    time = {"steps": steps, "snapshots": {"count": 20}}
    return fastsde.Study.from_mapping(s.to_mapping() | {"models": MODELS, "time": s.time.model_dump() | time})


@pytest.mark.parametrize(
    ("shards", "size", "copy", "keep"),
    [
        (1, None, False, False),
        (1, None, True, True),
        (1, 64, False, True),
        (1, 64, True, False),
        (3, None, False, True),
        (5, 40, True, False),
        (5, 40, False, False),
    ],
)
def test_disk_and_files(tmp_path, copy, keep, shards, size):
    s = case(trajectories=600, steps=50)
    for number in range(1, shards + 1):
        shard = Shard(number, shards) if shards > 1 else None
        run(s, tmp_path, shard=shard, part_size=size, keep_state=keep, copy=copy)
    if shards > 1:
        from fastsde.merge import merge

        merge([tmp_path], copy=copy)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    need = disk_need(s, Options(part_size=size, keep_state=keep, copy=copy, shard=Shard(1, shards)))
    real = sum(path.stat().st_size for path in files)
    assert 1 / 1.5 < need.bytes / real < 1.5
    assert 1 / 1.1 < need.files / len(files) < 1.1


@pytest.mark.alone
def test_time(tmp_path, monkeypatch):
    """By processor time, forecast and real, of one thread: others use the machine meanwhile."""
    s = case(trajectories=4000, steps=4000)
    run(s.replace(trajectories=8), tmp_path / "warm")
    monkeypatch.setattr(forecast, "time", SimpleNamespace(perf_counter=time.process_time))
    found = forecast.forecast(s, threads=1)
    begun = time.process_time()
    run(s, tmp_path / "run", threads=1)
    real = time.process_time() - begun
    assert 1 / 1.5 < sum(found.model_seconds.values()) / real < 1.5


@given(st.integers(1, 10**7), st.integers(1, 10_000))
def test_parts_are_counted_as_they_are_divided(trajectories, shards):
    from fastsde.plan import divide, shard_range

    s = SMALL.replace(trajectories=trajectories)
    said = part_count(s, "sgd", Options(shard=Shard(1, shards)))
    edges = [shard_range(trajectories, Shard(i, shards)) for i in range(1, min(shards, 50) + 1)]
    real = sum(len(divide(s, "sgd", r.start, r.stop, None)) for r in edges if len(r))
    said *= min(shards, 50) / shards
    assert said == pytest.approx(real, rel=0.5, abs=2)


SMALL = case()
SPEEDS = {name: Speed(step=1e-6, snapshot=1e-5, share=1.0) for name in MODELS}


def test_more_tasks_take_less_time_and_are_less_efficient():
    s = SMALL.replace(trajectories=100_000)
    rows = [array_row(s, SPEEDS, 4, tasks) for tasks in (1, 10, 100, 1000)]
    assert all(a.seconds > b.seconds for a, b in itertools.pairwise(rows))
    assert all(a.efficiency > b.efficiency for a, b in itertools.pairwise(rows))
    assert 0.99 < rows[0].efficiency <= 1
    assert rows[-1].seconds > forecast.START_SECONDS


def test_the_time_of_one_task_is_trajectories_times_cost():
    s = SMALL.replace(trajectories=8192)
    row = array_row(s, SPEEDS, 1, 1)
    steps, snapshots = s.time.steps * (1 + 2), len(s.time.snapshot_steps())
    cost = 8192 * (steps * 1e-6 + 2 * snapshots * 1e-5)
    assert row.seconds - cost == pytest.approx(forecast.START_SECONDS, abs=0.5)


def test_suggested_tasks_take_about_half_an_hour():
    s = SMALL.replace(trajectories=10**6)
    assert suggested_tasks(s, 600, 2) == 1
    assert suggested_tasks(s, 36_000, 2) == 20
    assert suggested_tasks(s.replace(trajectories=100), 36_000, 2) == 3
    assert suggested_tasks(s.replace(trajectories=10**9), 1e12, 2) == 10_000
