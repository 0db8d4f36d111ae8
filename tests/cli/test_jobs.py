"""``fastsde run --shard``, ``merge``, ``submit``, ``plan`` and ``status --watch`` at the command line."""

import json
import stat
import subprocess
import threading
import time

import numpy as np
import pytest

from fastsde.run.run import run
from fastsde.storage.ensemble import open_ensemble
from fastsde.storage.plan import Part, Shard
from fastsde.study.study import Study


def test_shards_then_merge(invoke, study_file, integrated, tmp_path):
    for shard in ("2/3", "1/3", "3/3"):
        result = invoke("run", study_file, "-o", tmp_path / "out", "--shard", shard)
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{tmp_path / 'out'}\n"
    result = invoke("merge", tmp_path / "out")
    assert result.stdout == f"{tmp_path / 'out' / 'ensemble.h5'}\n"
    with open_ensemble(tmp_path / "out") as ensemble:
        assert np.isfinite(ensemble["sde"]["loss"]).all()


def test_a_task_of_an_array_finds_its_shard(invoke, study_file, integrated, tmp_path, monkeypatch):
    for name, value in (("ID", 1), ("MIN", 0), ("MAX", 1), ("STEP", 1)):
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
    invoke("run", study_file, "-o", tmp_path / "out", "--shard", "2")
    assert integrated.calls == [("sgd", 5, 5), ("sde", 5, 5)]
    monkeypatch.setenv("SLURM_ARRAY_TASK_MIN", "1")
    result = invoke("run", study_file, "-o", tmp_path / "new", "--shard", "2")
    assert result.exit_code == 2
    assert "--index-from" in result.stderr
    assert not (tmp_path / "new").exists()
    assert invoke("run", study_file, "-o", tmp_path / "new", "--shard", "2", "--index-from", 0).exit_code == 0


@pytest.mark.parametrize(
    "arguments", [["--shard", "4/3"], ["--shard", "x"], ["--shard", "3"], ["--index-from", "0"]]
)
def test_a_wrong_shard_is_bad_input(invoke, study_file, integrated, tmp_path, arguments):
    result = invoke("run", study_file, "-o", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_merge_tells_what_is_missing_or_mixed(invoke, study_file, integrated, tmp_path):
    invoke("run", study_file, "-o", tmp_path / "a", "--shard", "1/2")
    result = invoke("merge", tmp_path / "a")
    assert result.exit_code == 1
    assert "sgd: 5..9" in result.stderr
    study_file.write_text(study_file.read_text().replace("seed = 3", "seed = 4"))
    invoke("run", study_file, "-o", tmp_path / "b", "--shard", "2/2")
    result = invoke("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "c")
    assert result.exit_code == 2
    assert "seed: 3 in" in result.stderr
    assert invoke("merge", tmp_path / "a", tmp_path / "b").exit_code == 2
    assert invoke("merge", tmp_path / "a", "--partial").stdout == f"{tmp_path / 'a' / 'partial.h5'}\n"


def test_a_longer_run_at_the_command_line(invoke, study_file, tmp_path):
    assert invoke("run", study_file, "-o", tmp_path / "out").exit_code == 0
    result = invoke("run", study_file, "-o", tmp_path / "out", "--steps", 60)
    assert result.exit_code == 0, result.output
    with open_ensemble(tmp_path / "out") as ensemble:
        assert list(ensemble["sgd"].step) == [0, 1, 10, 40, 60]
    assert invoke("run", study_file, "-o", tmp_path / "out").exit_code == 2


def test_broken_parts_are_named_and_repaired(invoke, study_file, integrated, tmp_path):
    invoke("run", study_file, "-o", tmp_path / "out")
    path = Part("sgd", 0, 10).path(tmp_path / "out")
    path.write_bytes(path.read_bytes()[:-9])
    assert invoke("status", tmp_path / "out").exit_code == 1
    result = invoke("run", study_file, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "--repair" in result.stderr
    assert invoke("run", study_file, "-o", tmp_path / "out", "--repair").exit_code == 0
    assert invoke("status", tmp_path / "out", "--verify").exit_code == 0


def test_watching_ends_when_the_run_is_whole(invoke, study_file, integrated, tmp_path):
    invoke("run", study_file, "-o", tmp_path / "out", "--shard", "1/2")
    shard = {"integrate": integrated, "shard": Shard(2, 2)}
    rest = threading.Timer(0.5, lambda: run(Study.load(study_file), tmp_path / "out", **shard))
    rest.start()
    begun = time.monotonic()
    looks = invoke("status", tmp_path / "out", "--watch", "--every", 0.2, "--json").stdout
    rest.join()
    assert time.monotonic() - begun < 30
    assert '"whole": false' in looks
    assert '"whole": true' in looks


class TestSubmit:
    def script(self, invoke, study_file, tmp_path, *arguments):
        result = invoke("submit", study_file, "-o", tmp_path / "out", "--dry-run", *arguments)
        assert result.exit_code == 0, result.output
        assert not (tmp_path / "out").exists()
        return result.stdout

    def test_a_dry_run_prints_scripts_that_bash_accepts(self, invoke, study_file, tmp_path):
        text = self.script(
            invoke, study_file, tmp_path, "--tasks", 100, "--time", "4:00:00", "--cpus-per-task", 4,
            "--array-limit", 20, "--partition", "fast", "--mem", "4G", "--extra", "#SBATCH --account=physics",
        )  # fmt: skip
        array, merge = text.split("#!/bin/bash\n")[1:]
        for line in (
            "--array=1-100%20", "--time=4:00:00", "--cpus-per-task=4", "--partition=fast", "--mem=4G",
            "--account=physics", "--signal=B:USR1@120", "--requeue", "--job-name=tiny",
        ):  # fmt: skip
            assert f"#SBATCH {line}\n" in array
        assert '--shard "$SLURM_ARRAY_TASK_ID/100" --threads "$SLURM_CPUS_PER_TASK"' in array
        assert "--account=physics" in merge
        for script in (array, merge):
            subprocess.run(["bash", "-n"], input=script, text=True, check=True)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--extra", "rm -rf /"],
            ["--extra", "#SBATCH --x\nrm -rf /"],
            ["--time", "1; rm -rf /"],
            ["--time", "an-hour"],
            ["--time", "1:2:3:4"],
            ["--partition", "a\nb"],
            ["--mem", "$(id)"],
        ],
    )
    def test_lines_that_are_no_options_are_refused(self, invoke, study_file, tmp_path, arguments):
        result = invoke("submit", study_file, "-o", tmp_path / "out", "--tasks", 2, *arguments)
        assert result.exit_code == 2
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("limit", "warning"),
        [("1", 20), ("3", 60), ("2:30", 50), ("10", 120), ("0-0:01", 20), ("0-0:1:30", 30), ("2-12", 120)],
    )
    def test_a_short_task_is_warned_later(self, invoke, study_file, tmp_path, limit, warning):
        text = self.script(invoke, study_file, tmp_path, "--tasks", 2, "--time", limit)
        assert f"#SBATCH --time={limit}\n" in text
        assert f"#SBATCH --signal=B:USR1@{warning}\n" in text

    def test_strange_names_are_quoted(self, invoke, tmp_path, study_file):
        strange = study_file.with_name("a 'b' $(id).toml")
        study_file.rename(strange)
        result = invoke("submit", strange, "-o", tmp_path / "it's $HOME", "--tasks", 2, "--dry-run")
        array = result.stdout.split("#!/bin/bash\n")[1]
        assert "#SBATCH --job-name=a--b----id-\n" in array
        words = array.replace("&\n", "\n").split("\n\n")[3]
        echo = words.partition("run ")[2].replace("\\\n", " ")
        shown = subprocess.run(
            ["bash", "-c", f"printf '%s|' {echo}"], capture_output=True, text=True, check=True, env={}
        ).stdout
        assert f"{tmp_path}/it's $HOME/study.toml|-o|{tmp_path}/it's $HOME|" in shown
        assert invoke("submit", strange, "-o", tmp_path / "50%", "--tasks", 2, "--dry-run").exit_code == 2

    def test_without_slurm_it_says_so(self, invoke, study_file, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        result = invoke("submit", study_file, "-o", tmp_path / "out", "--tasks", 2)
        assert result.exit_code == 2
        assert "--dry-run" in result.stderr

    def test_the_jobs_follow_one_another(self, invoke, study_file, tmp_path, monkeypatch):
        sbatch = tmp_path / "sbatch"
        sbatch.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\necho "41;cluster"\n')
        sbatch.chmod(sbatch.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        out = tmp_path / "out"
        result = invoke("submit", study_file, "-o", out, "--tasks", 2, "--json")
        assert json.loads(result.stdout)["jobs"] == {"array": "41", "merge": "41"}
        assert (tmp_path / "calls").read_text().splitlines() == [
            f"--parsable {out}/array.sh",
            f"--parsable --dependency=afterany:41 {out}/merge.sh",
        ]
        assert (out / "study.toml").is_file()
        sbatch.write_text("#!/bin/sh\necho 'Invalid account' >&2\nexit 1\n")
        result = invoke("submit", study_file, "-o", out, "--tasks", 2)
        assert result.exit_code == 2
        assert "Invalid account" in result.stderr


def test_plan_writes_nothing_and_says_all(invoke, study_file, tmp_path):
    result = invoke("plan", study_file, "--threads", 1, "--tasks", 3, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["suggested"] == 1
    assert [row["tasks"] for row in found["arrays"]] == [1, 3, 10]
    assert set(found["model_seconds"]) == {"sgd", "sde"}
    text = invoke("plan", study_file).stdout
    for word in ("time", "memory", "disk", "suggested: no job array"):
        assert word in text
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]
