"""The one command that measures a device, with a few trajectories."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench import gpu as bench


def test_the_dry_run_goes_through_every_case(tmp_path, capsys):
    path = tmp_path / "gpu.json"
    assert bench.main(["--dry", "--no-jax", "--repeats", "1", "--output", str(path)]) == 0
    found = json.loads(path.read_text())
    assert set(found) == {"device", *bench.GOALS}
    for name in ("langevin", "gradient", "sgd", "linear"):
        assert found[name]["kernel_seconds"] > 0
        assert found[name]["whole_rate"] > 0
    assert found["langevin"]["memory"] == found["sgd"]["memory"] == "shared"
    assert found["linear"]["memory"] == "local"
    assert "goal: 20 times JAX" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("registers", "threads", "shared", "share"),
    [(32, 128, 0, 1.0), (255, 128, 0, 0.125), (64, 32, 0, 0.5), (64, 32, 13 * 1024, 0.25)],
)
def test_occupancy_of_known_kernels(registers, threads, shared, share):
    assert bench.occupancy(registers, threads, shared) == share
