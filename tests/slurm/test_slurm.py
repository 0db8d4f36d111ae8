"""A job array on a real Slurm: computed, interrupted, requeued, merged, reported."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

import fastsde
from fastsde.storage.ensemble import open_ensemble
from fastsde.study.study import Study

pytestmark = [pytest.mark.slow, pytest.mark.alone]

STUDY = """
seed = 5
trajectories = 64
[network]
widths = [4, 10, 10, 4]
init = { std = 0.3 }
[data]
samples = 16
teacher = { singular_values = [2.0, 1.0] }
label_noise = 0.3
[time]
learning_rate = 0.0005
steps = STEPS
snapshots = { count = 12, spacing = "log" }
[record]
observables = ["loss"]  # few sections and figures: of the job array only their being there is tested
[models.sgd]
kind = "sgd"
[models.sde]
kind = "sde"
noise = "gradient"
substeps = 2
"""
PATIENCE = 600.0
"""Seconds to wait for jobs beside other tests; alone they take a tenth of it."""


def command(*arguments):
    words = [sys.executable, "-m", "fastsde", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def queue():
    """Return job: state, of what Slurm has."""
    listed = subprocess.run(["squeue", "-h", "-r", "-o", "%i %T"], capture_output=True, text=True, check=True)
    return dict(line.split() for line in listed.stdout.splitlines())


def wait_until(condition):
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + PATIENCE, queue()
        time.sleep(0.1)


def same_numbers(study, directory, elsewhere):
    fastsde.run(study, elsewhere)
    with open_ensemble(directory) as one, open_ensemble(elsewhere) as other:
        for name in other:
            for variable in other[name].variables:
                np.testing.assert_array_equal(one[name][variable], other[name][variable], err_msg=variable)


def test_an_array_is_computed_merged_and_reported(slurm, tmp_path):
    text = STUDY.replace("STEPS", "2000")
    (tmp_path / "tiny.toml").write_text(text)
    run = tmp_path / "run of three"
    printed = command("submit", tmp_path / "tiny.toml", "-o", run, "--tasks", 3, "--time", 5, "--json")
    assert set(json.loads(printed)["jobs"]) == {"array", "merge"}
    wait_until(lambda: not queue())
    log = (run / "logs" / "merge.log").read_text()
    assert (run / "report.html").is_file(), log
    assert sorted(path.name for path in (run / "logs").iterdir()) == ["1.log", "2.log", "3.log", "merge.log"]
    same_numbers(Study.from_toml(text), run, tmp_path / "alone")


def test_a_task_that_is_warned_saves_requeues_and_goes_on(slurm, tmp_path):
    text = STUDY.replace("STEPS", "2_000_000").replace("trajectories = 64", "trajectories = 32")
    (tmp_path / "long.toml").write_text(text)
    run = tmp_path / "run"
    command("submit", tmp_path / "long.toml", "-o", run, "--tasks", 2, "--time", 30)
    wait_until(lambda: list(run.glob("unfinished/*/progress.json")))
    first = min(run.glob("unfinished/*/progress.json")).parent.name.split("-")[1]
    number = 1 if int(first) == 0 else 2
    task = next(job for job in queue() if job.endswith(f"_{number}"))
    subprocess.run(["scancel", "--batch", "--signal=USR1", task], check=True)
    log = run / "logs" / f"{number}.log"
    wait_until(lambda: "REQUEUE" in log.read_text())
    assert "of 2 parts are finished and stored" in log.read_text()
    assert list(run.glob("unfinished/*/state.h5"))
    wait_until(lambda: not queue())
    assert (run / "report.html").is_file(), (run / "logs" / "merge.log").read_text()
    assert not (run / "unfinished").exists()
    same_numbers(Study.from_toml(text), run, tmp_path / "alone")


def test_a_missing_shard_is_told_by_the_merge_job(slurm, tmp_path):
    (tmp_path / "tiny.toml").write_text(STUDY.replace("STEPS", "200"))
    run = tmp_path / "run"
    dry = command("submit", tmp_path / "tiny.toml", "-o", run, "--tasks", 2, "--time", 5, "--dry-run")
    assert not run.exists()
    script = dry.partition("#!/bin/bash")[2].partition("#!/bin/bash")[0]
    run.mkdir()
    (run / "logs").mkdir()
    (run / "study.toml").write_text(Study.load(tmp_path / "tiny.toml").to_toml())
    (run / "array.sh").write_text("#!/bin/bash" + script)
    subprocess.run(["sbatch", "--array=2", run / "array.sh"], check=True, capture_output=True)
    wait_until(lambda: not queue())
    merged = subprocess.run(
        [sys.executable, "-m", "fastsde", "merge", run], capture_output=True, text=True, check=False
    )
    assert merged.returncode == 1
    assert "sgd: 0..31" in merged.stderr
    subprocess.run(["sbatch", "--array=1", run / "array.sh"], check=True, capture_output=True)
    wait_until(lambda: not queue())
    command("merge", run)
