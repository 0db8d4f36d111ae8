"""SIGKILL at random instants, in every phase; the long trial is ``python tests/resumption/killing.py``."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "killing.py"


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_the_same(tmp_path):
    words = [sys.executable, SCRIPT, tmp_path, "12", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "all runs ended the same" in done.stdout


NEGATIVE = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
import killing
from fastsde import session
def forget(self, item, unfinished):  # goes on from a checkpoint whose numbers are off by the last bit
    import dataclasses, numpy as np
    resume, sources = load(self, item, unfinished)
    if resume is not None:
        resume = dataclasses.replace(resume, parameters=np.nextafter(resume.parameters, 9))
    return resume, sources
load, session.Session._load = session.Session._load, forget
killing.main(Path(sys.argv[1]), 30, 1)
"""


@pytest.mark.slow
def test_the_trial_sees_a_checkpoint_that_is_off_by_one_bit(tmp_path):
    words = [sys.executable, "-c", NEGATIVE.format(folder=str(SCRIPT.parent)), tmp_path]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "other numbers than the undisturbed run" in done.stderr
