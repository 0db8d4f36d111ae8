"""A Slurm of one node for the tests, installed and started where that is possible."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "one_node.sh"


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """Start Slurm and set SLURM_CONF while the tests run."""
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run([SCRIPT, "start", folder], capture_output=True, text=True, check=False)
    if started.returncode:
        subprocess.run([SCRIPT, "stop", folder], check=False)
        pytest.skip(f"no Slurm: {started.stderr.strip()}")
    os.environ["SLURM_CONF"] = started.stdout.strip()
    yield folder
    del os.environ["SLURM_CONF"]
    subprocess.run([SCRIPT, "stop", folder], check=True)
