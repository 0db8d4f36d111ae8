"""What a study is said to take, against what it then takes."""

import itertools
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies import study

import fastsde
from fastsde.benchmark import forecast
from fastsde.benchmark.forecast import Speed, array_row, suggested_tasks
from fastsde.run.options import Options
from fastsde.run.resources import disk_need, part_count
from fastsde.run.run import run
from fastsde.storage.plan import Shard

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
        from fastsde.run.merge import merge

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
    from fastsde.storage.plan import divide, shard_range

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


@pytest.fixture
def timed(monkeypatch):
    """Speeds that are known, in place of measured ones; what was asked for is kept."""
    asked = []

    def measure(study, name, problem, threads):
        asked.append((name, study.time.learning_rate, getattr(study.models[name], "batch", None)))
        return SPEEDS["sgd"]

    monkeypatch.setattr(forecast, "measure", measure)
    return asked


def test_the_parts_of_a_forecast_sum_to_its_total(timed):
    found = forecast.forecast(SMALL, threads=2)
    parts = [*found.model_seconds.values(), *found.analysis_seconds.values()]
    assert found.seconds == pytest.approx(found.start_seconds + sum(parts) + found.report_seconds)
    assert found.analysis_seconds["snapshots"] > 0


@pytest.mark.parametrize("trajectories", [200, 20_000, 2_000_000])
def test_the_lines_of_a_plan_sum_to_its_total(timed, capsys, trajectories):
    """As they are printed: minutes and seconds, or tenths of a second."""
    from fastsde.cli.show import print_forecast

    print_forecast(forecast.forecast(SMALL.replace(trajectories=trajectories), threads=2))
    lines = capsys.readouterr().out.splitlines()
    lines = lines[next(k for k, line in enumerate(lines) if line.startswith("time")) :]
    end = next(k for k, line in enumerate(lines) if line.startswith("memory"))
    total, *rest = [line.split(" on ")[0] for line in lines[:end]]
    groups = [seconds(line) for line in rest if not line.startswith("    ")]
    assert seconds(total) == pytest.approx(sum(groups), abs=1e-6)
    single = {"start-up and parts", "report"}
    within = sum(seconds(line) for line in rest if line.startswith("    "))
    alone = sum(seconds(line) for line in rest if any(line.strip().startswith(name) for name in single))
    assert seconds(total) == pytest.approx(within + alone, abs=1e-6)
    assert any("other sections" in line for line in rest)


def seconds(line):
    """Read a time at the end of a line: 1:02:03, 2:03, 3 s or 3.4 s."""
    words = line.split()
    if words[-1] == "s":
        return float(words[-2])
    value = 0
    for part in words[-1].split(":"):
        value = 60 * value + int(part)
    return value


def test_the_part_size_counts(timed):
    s = SMALL.replace(trajectories=100_000)
    few, many = (forecast.forecast(s, threads=2, part_size=size) for size in (50_000, 100))
    assert few.files == 2 * 2 + 2
    assert many.files == 2 * 1000 + 2
    assert many.start_seconds > few.start_seconds + 50
    assert [row.part_size for row in many.arrays if row.tasks == 1] == [100]


def test_the_length_of_a_pilot_is_a_function_of_the_study():
    """Two forecasts of one study look at the same steps: what they extrapolate from is the same."""
    long = SMALL.replace(time={"steps": 10**7})
    assert forecast.pilot_steps(long, "sgd", 32) == 2 * forecast.pilot_steps(long, "sde", 32)
    assert 1 <= forecast.pilot_steps(long, "sde", 32) < 10**6


def test_cases_of_a_sweep_share_what_was_measured(timed):
    from fastsde.study.sweep import cases_of

    document = SMALL.to_mapping()
    del document["models"]["sde"]["batch"]
    sweep = {"time.learning_rate": [1e-3, 2e-3], "models.sgd.batch": [1, 4]}
    cases = cases_of(document | {"sweep": sweep})
    known = {}
    for case in cases:
        forecast.forecast(case.study, threads=2, known=known)
    assert len(cases) == 4
    assert [(name, batch) for name, _, batch in timed] == [("sgd", 1), ("sde", 1), ("sgd", 4), ("sde", 4)]


@pytest.mark.alone
def test_two_forecasts_agree(monkeypatch):
    """By processor time of one thread; 11:45 and 3:36 were told of one study."""
    from fastsde.problem.data import build_problem

    s = case(trajectories=4000, steps=4000)
    problem = build_problem(s)
    monkeypatch.setattr(forecast, "time", SimpleNamespace(perf_counter=time.process_time))
    speeds = [forecast.measure(s, "sde", problem, 1).step for _ in range(4)]
    assert max(speeds) < 1.5 * min(speeds)
