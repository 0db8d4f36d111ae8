"""What a study is said to take, against what it then takes."""

import itertools
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies import study

import fastsde
from fastsde.benchmark import forecast, pilot
from fastsde.benchmark.forecast import array_row, suggested_tasks
from fastsde.benchmark.pilot import Pilot, Speed
from fastsde.run import worker
from fastsde.run.likeness import phase_of, work_of
from fastsde.run.options import Options
from fastsde.run.resources import disk_need, part_count
from fastsde.run.run import run
from fastsde.storage.plan import Shard
from fastsde.system import timings
from fastsde.system.progress import Silent
from fastsde.system.timings import Times, keep

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
    """By processor time of one thread, within a factor of three: others share caches and clocks meanwhile."""
    s = case(trajectories=512, steps=4000)
    s = s.replace(models={"sgd": MODELS["sgd"]})
    run(s.replace(trajectories=8), tmp_path / "warm")
    monkeypatch.setattr(pilot, "time", SimpleNamespace(perf_counter=time.process_time))
    found = forecast.forecast(s, threads=1)
    begun = time.process_time()
    run(s, tmp_path / "run", threads=1)
    real = time.process_time() - begun
    assert 1 / 3 < sum(found.model_seconds.values()) / real < 3


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

    class Known(Pilot):
        def __init__(self, study, name, problem, threads):
            self.name = name
            asked.append((name, study.time.learning_rate, getattr(study.models[name], "batch", None)))

        def prepare(self, progress):
            pass

        def measure(self):
            pass

        def speed(self):
            return SPEEDS["sgd"]

    monkeypatch.setattr(pilot, "Pilot", Known)
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
    assert pilot.pilot_steps(long, "sgd", 32) == 2 * pilot.pilot_steps(long, "sde", 32)
    assert 1 <= pilot.pilot_steps(long, "sde", 32) < 10**6


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


STEP, SNAPSHOT, CALL = 3e-6, 2e-5, 0.01
"""Seconds on the machine of the next tests: of a step and a snapshot of a trajectory, and of any call."""


@pytest.fixture
def machine(monkeypatch):
    """A machine of known speed, on which other work delays some calls; the pilots' calls are returned."""
    now, calls, delays = [0.0], [], itertools.cycle([0.0])

    def integrate(self, count, steps, snapshots):
        seen = len({0, *snapshots, steps})
        calls.append((self.name, count, steps))
        steps *= self._study.models[self.name].substeps
        now[0] += CALL + count * (steps * STEP + seen * SNAPSHOT) + next(found.delays)

    found = SimpleNamespace(calls=calls, delays=delays)
    monkeypatch.setattr(Pilot, "prepare", lambda self, progress: None)
    monkeypatch.setattr(Pilot, "_run", integrate)
    monkeypatch.setattr(pilot, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return found


def measured(s=SMALL):
    return pilot.speeds(s, None, 2, Silent(), {})


def test_pilots_find_the_speed_of_a_machine(machine):
    for speed in measured().values():
        assert speed.step == pytest.approx(STEP)
        assert speed.snapshot == pytest.approx(SNAPSHOT)


def test_what_else_a_machine_does_changes_no_forecast(machine):
    """It delays two of three runs of each kind; 11:45 and 3:36 were once forecast for one study."""
    quiet = measured()
    for delays in ([0.5, 0.0, 9.0], [0.0, 0.3, 4.0]):
        machine.delays = itertools.cycle(delays)
        for name, speed in measured().items():
            assert speed.step == pytest.approx(quiet[name].step)
            assert speed.snapshot == pytest.approx(quiet[name].snapshot)


def test_models_take_turns(machine):
    measured()
    names = [name for name, _ in itertools.groupby(name for name, *_ in machine.calls)]
    assert len(names) >= 2 * pilot.LEAST_ROUNDS
    assert names[:2] == list(MODELS)


def test_the_rounds_end_where_calls_take_long(machine):
    machine.delays = itertools.cycle([10.0])
    measured()
    assert len(machine.calls) == 4 * len(MODELS) * pilot.LEAST_ROUNDS


@pytest.fixture
def past_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(timings, "path", lambda: tmp_path / "timings.json")


def test_a_forecast_is_corrected_by_runs_of_its_kind(timed, past_runs):
    """The first run of a model of a kind corrects the others, each run of the same model itself."""
    before = forecast.forecast(SMALL, threads=2)
    assert before.runs == 0
    row = forecast._trajectory_seconds(SMALL, "sgd", SPEEDS["sgd"])
    keep([Times(phase_of(SMALL, "sgd"), work_of(SMALL, "sgd", 2), measured=3 * row)])
    after = forecast.forecast(SMALL, threads=2)
    assert after.runs == 1
    assert after.model_seconds["sgd"] / before.model_seconds["sgd"] == pytest.approx(3, rel=0.01)
    assert after.model_seconds["sde"] == pytest.approx(before.model_seconds["sde"])
    another = SMALL.replace(time={"steps": 8000})
    factor = forecast.forecast(another, threads=2).model_seconds["sgd"] / after.model_seconds["sgd"]
    assert factor == pytest.approx(2, rel=0.05)


def test_a_finished_run_says_how_long_its_trajectories_took(tmp_path, past_runs):
    """Per trajectory that is computed, and only what one process computed from beginning to end."""
    s = SMALL.replace(trajectories=100)
    session = worker.Session(s, None, tmp_path, Options(threads=2), Silent(), None, None)
    part = SimpleNamespace(model="sgd", count=100)
    rows = forecast.computed_rows(s, 100, 100, 2)
    session._count_time(part, 30.0, session._steps(part))
    session._count_time(part, 15.0, session._steps(part) // 2)
    session._keep_times()
    forecast_of_one = 15.0 / rows
    keep([Times(phase_of(s, "sgd"), work_of(s, "sgd", 2), forecast=forecast_of_one)])
    assert timings.correction(phase_of(s, "sgd")) == pytest.approx((2.0, 1))


def test_short_runs_finished_ones_and_those_that_stop_at_events_say_nothing(tmp_path, past_runs):
    """A part that was stopped after its last step takes time and no steps."""
    stopping = SMALL.replace(events={"loss_below": [1.0], "stop": ["loss_below"]})
    for s, seconds, share in ((SMALL, 0.01, 1), (stopping, 30.0, 1), (SMALL, 30.0, 0)):
        session = worker.Session(s, None, tmp_path, Options(threads=2), Silent(), None, None)
        part = SimpleNamespace(model="sgd", count=100)
        session._count_time(part, seconds, share * session._steps(part))
        session._keep_times()
    assert not (tmp_path / "timings.json").exists()
