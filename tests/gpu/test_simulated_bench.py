"""The one command that measures and checks a device, with a few trajectories."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench import gpu as bench
from bench import gpu_check, gpu_jobs
from bench.gpu_cases import NETWORKS, SIZES

ROOT = Path(__file__).parents[2]
SHORT = ["--dry", "--no-jax", "--no-first", "--repeats", "1", "--cases", "sgd", "linear", "normals"]


def test_the_dry_run_measures_and_writes_case_by_case(tmp_path, capsys, monkeypatch):
    path = tmp_path / "gpu.json"
    monkeypatch.setattr(gpu_jobs.signal, "signal", lambda *_: None)
    assert bench.main([*SHORT, "--output", str(path)]) == 0
    found = json.loads(path.read_text())
    assert set(found) == {"device", "sgd", "linear", "normals"}
    for name in ("sgd", "linear"):
        assert found[name]["kernel_seconds"] > 0
        assert found[name]["whole_rate"] > 0
        assert found[name]["spent"]["write"] > 0
        assert sum(found[name]["spent"].values()) == pytest.approx(found[name]["whole_seconds"], rel=0.1)
    assert found["linear"]["memory"] == "local"
    assert "goal: 5e9 trajectory-steps/s" in capsys.readouterr().out


def test_when_the_time_is_over_the_rest_is_named(tmp_path, monkeypatch):
    path = tmp_path / "gpu.json"
    monkeypatch.setattr(gpu_jobs.signal, "signal", lambda *_: None)
    assert bench.main([*SHORT, "--limit", "0", "--output", str(path)]) == 1
    assert json.loads(path.read_text())["normals"]["failed"] == "no time left"


def test_a_signal_leaves_what_is_known(tmp_path):
    path = tmp_path / "gpu.json"
    arguments = [
        "-m",
        "bench.gpu",
        "--dry",
        "--no-jax",
        "--no-first",
        "--repeats",
        "1",
        "--output",
        str(path),
    ]
    run = subprocess.Popen([sys.executable, *arguments, "--cases", "linear", "langevin"], cwd=ROOT)
    while not path.exists() and run.poll() is None:
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == 1
    assert json.loads(path.read_text())["stopped"]["signal"] == "SIGTERM"


def test_every_goal_has_a_size_and_every_network_a_case():
    assert set(bench.GOALS) == set(SIZES) >= set(NETWORKS)


@pytest.mark.parametrize(
    ("registers", "threads", "shared", "share"),
    [(32, 128, 0, 1.0), (255, 128, 0, 0.125), (64, 32, 0, 0.5), (64, 32, 13 * 1024, 0.25)],
)
def test_occupancy_of_known_kernels(registers, threads, shared, share):
    assert bench.occupancy(registers, threads, shared) == share


def test_a_case_is_checked_and_its_controls_are_seen():
    found = gpu_check.compare("mlp", "float64", 3)
    assert gpu_check.verdict(found) == ""
    assert found["numbers"] > 50
    assert found["other_seed"] > 1e6 * max(1.0, *found["differences"].values())
    assert gpu_check.line("mlp", found).startswith("ok mlp: parameters")


def test_a_difference_and_an_empty_comparison_are_refused():
    sound = {
        "differences": {"loss": 1.0}, "numbers": 9, "identical": 0.5, "spread": 1.0, "passages": 1,
        "passages_differ": 0, "limit": 100.0, "other_seed": 1e9, "one_unit_off": 2, "others_untouched": True,
    }  # fmt: skip
    assert gpu_check.verdict(sound) == ""
    for key, value, words in (
        ("differences", {"loss": np.inf}, "loss differs"),
        ("differences", {"loss": np.nan}, "loss differs"),
        ("numbers", 0, "nothing was compared"),
        ("spread", 0.0, "nothing was compared"),
        ("passages_differ", 2, "2 first passages differ"),
        ("other_seed", 3.0, "another seed was not seen"),
        ("one_unit_off", 0, "off by one unit was not seen"),
        ("others_untouched", False, "changed another"),
    ):
        assert words in gpu_check.verdict({**sound, key: value})


def test_units_of_the_last_place():
    one = np.array([1.0, -2.0, np.nan], np.float32)
    assert gpu_check.units(one, one) == 0
    assert gpu_check.units(np.nextafter(one, np.float32(0)), one) == 0.5  # of -2: half of its unit upwards
    assert gpu_check.units(np.array([1.0, -2.0, 0.0], np.float32), one) == np.inf
    assert gpu_check.units(np.array([np.inf]), np.array([-np.inf])) == np.inf


def test_processes_are_run_and_the_slow_ones_killed():
    commands = {"sleep": ["timeit", "-n", "1", "import time; time.sleep(30)"], "bad": ["no_such_module"]}
    clock = gpu_jobs.Clock(3.0)
    found = dict(gpu_jobs.results(commands, 2, clock))
    assert found["sleep"] == {"failed": "no time left"}
    assert "no_such_module" in found["bad"]["failed"]
    assert clock.spent < 20
