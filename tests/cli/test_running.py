"""``fastsde run``, ``status`` and ``info`` on data, exit codes, and stopping by a signal."""

import json
import os
import signal

import h5py
import numpy as np
import pytest

from fastsde.storage.ensemble import open_ensemble


def test_run_prints_the_ensemble(invoke, study_file, integrated, tmp_path):
    result = invoke("run", study_file, "-o", tmp_path / "out", "--progress", "log")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'out' / 'ensemble.h5'}\n"
    assert "trajectory-steps" in result.stderr
    with open_ensemble(tmp_path / "out") as ensemble:
        assert ensemble["sgd"]["loss"].shape == (4, 10)


def test_run_goes_to_runs_and_the_stem(invoke, study_file, integrated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke("run", study_file, "--progress", "none")
    assert result.stderr.count("note: ") == 1  # of the control that the study lacks
    assert "trajectory-steps" not in result.stderr
    assert (tmp_path / "runs" / "tiny" / "ensemble.h5").is_file()


def test_options_reach_the_integration(invoke, study_file, integrated, tmp_path):
    invoke("run", study_file, "-o", tmp_path / "out", "--trajectories", 6, "--part-size", 4)
    assert integrated.calls == [("sgd", 0, 4), ("sgd", 4, 2), ("sde", 0, 4), ("sde", 4, 2)]


def test_copy_is_one_file(invoke, study_file, integrated, tmp_path):
    invoke("run", study_file, "-o", tmp_path / "out", "--copy")
    alone = (tmp_path / "out" / "ensemble.h5").rename(tmp_path / "alone.h5")
    with open_ensemble(alone) as ensemble:
        assert np.isfinite(ensemble["sde"]["loss"]).all()


def test_bad_study_writes_nothing(invoke, study_file, integrated, tmp_path):
    study_file.write_text(study_file.read_text().replace("steps = 40", "stepz = 40"))
    for command in ("run", "study"):
        result = invoke(command, study_file, "-o", tmp_path / "out")
        assert result.exit_code == 2
        assert "stepz" in result.stderr
        assert "Traceback" not in result.output
        assert result.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


def test_missing_study_is_bad_input(invoke, tmp_path):
    result = invoke("run", tmp_path / "none.toml", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "none.toml" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_directory_of_another_study_is_bad_input(invoke, study_file, integrated, tmp_path):
    invoke("run", study_file, "-o", tmp_path / "out")
    study_file.write_text(study_file.read_text().replace("seed = 3", "seed = 4"))
    result = invoke("run", study_file, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "seed: 3 in" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_keeps_finished_parts(invoke, study_file, integrated, tmp_path, number):
    ordinary = type(integrated).events

    def interrupt(self, study, numbers):
        if len(self.calls) == 1:
            os.kill(os.getpid(), number)
        return ordinary(self, study, numbers)

    integrated.events = interrupt.__get__(integrated)
    before = signal.getsignal(number)
    result = invoke("run", study_file, "-o", tmp_path / "out")
    assert result.exit_code == 75
    assert "1 of 2 parts are finished" in result.stderr
    assert signal.getsignal(number) == before
    assert [path.name for path in (tmp_path / "out" / "parts").iterdir()] == ["sgd-000000000000.h5"]
    models = json.loads(invoke("status", tmp_path / "out", "--json").stdout)["models"]
    assert [model["trajectories_done"] for model in models] == [10, 0]
    assert invoke("run", study_file, "-o", tmp_path / "out").exit_code == 0


def test_a_second_signal_stops_at_once(invoke, study_file, integrated, tmp_path, monkeypatch):
    monkeypatch.setattr("fastsde.cli.signals.INSIST_SECONDS", 0.0)

    def insist(self, study, numbers):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not reached")

    integrated.events = insist.__get__(integrated)
    result = invoke("run", study_file, "-o", tmp_path / "out")
    assert result.exit_code == 75
    assert list((tmp_path / "out" / "parts").iterdir()) == []


def test_status_of_a_whole_run(invoke, finished_run):
    result = invoke("status", finished_run, "--json")
    assert result.exit_code == 0
    status = json.loads(result.stdout)
    assert status["whole"]
    assert status["joined"]
    assert status["models"][1] == {
        "model": "sde",
        "parts_done": 3,
        "parts_running": 0,
        "parts_stopped": 0,
        "parts_unreadable": 0,
        "parts_missing": 0,
        "trajectories_done": 10,
        "trajectories": 10,
    }
    text = invoke("status", finished_run).stdout
    assert "sgd" in text
    assert "all parts are finished" in text


def test_status_without_a_run_is_an_error(invoke, tmp_path):
    result = invoke("status", tmp_path)
    assert result.exit_code == 2
    assert "study.toml" in result.stderr


def test_info_of_the_installation(invoke):
    described = json.loads(invoke("info", "--json").stdout)
    assert described["versions"]["numpy"] == np.__version__
    assert described["threads"] >= 1
    assert described["lanes"]["float32"] == 2 * described["lanes"]["float64"]
    assert "cache" in described
    assert "numpy" in invoke("info").stdout


def test_info_of_an_ensemble(invoke, finished_run):
    described = json.loads(invoke("info", finished_run, "--json").stdout)
    assert described["widths"] == [3, 4, 2]
    assert described["models"]["sde"]["trajectories"] == 10
    assert described["models"]["sde"]["diverged"] == 1
    assert described["models"]["sde"]["temperature"] == 0.25
    with h5py.File(finished_run / "ensemble.h5") as file:
        for name, model in described["models"].items():
            assert "mode_learned_step" in model["variables"]
            assert [one for one in model["variables"] if one not in file[name]] == []
    assert described["format_version"] == [1, 5]
    assert invoke("info", finished_run / "ensemble.h5").exit_code == 0
    assert invoke("info", finished_run / "parts").exit_code == 2
