"""SIGKILL at random instants, in every phase; the long trial is ``python tests/resumption/killing.py``."""

import subprocess
import sys
from pathlib import Path

import pytest
from losses import Losses

SCRIPT = Path(__file__).parent / "killing.py"


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_the_same(tmp_path):
    words = [sys.executable, SCRIPT, tmp_path, "5", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "all runs ended the same" in done.stdout


NEGATIVE = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
import killing
from fastsde.run import worker
def forget(self, item, unfinished):  # goes on from a checkpoint whose numbers are off by the last bit
    import dataclasses, numpy as np
    resume, sources = load(self, item, unfinished)
    if resume is not None:
        resume = dataclasses.replace(resume, parameters=np.nextafter(resume.parameters, 9))
    return resume, sources
load, worker.Session._load = worker.Session._load, forget
killing.main(Path(sys.argv[1]), 30, 1)
"""


@pytest.mark.slow
def test_the_trial_sees_a_checkpoint_that_is_off_by_one_bit(tmp_path):
    words = [sys.executable, "-c", NEGATIVE.format(folder=str(SCRIPT.parent)), tmp_path]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "other numbers than the undisturbed run" in done.stderr


NOTES = """\
begun m-0 1.00
done m-0 9.00
loaded m-0 9.01
begun m-0 9.01
done m-0 9.05
begun m-0 9.05
done m-0 9.08
saved m-0 9.10
begun m-0 9.10
done m-0 9.13
loaded m-16 9.20
begun m-16 9.20
done m-16 9.22
begun m-16 9.22
"""


def test_losses_are_counted_since_what_was_saved_last(tmp_path):
    losses = Losses(interval=0.05)
    (tmp_path / "notes").write_text(NOTES)
    losses.add(tmp_path / "notes")
    losses.add(tmp_path / "nothing")
    assert losses.seconds == pytest.approx([0.05, 0.0])  # compiling, before a part is loaded, is no loss
    assert losses.slices == pytest.approx([0.04, 0.0])


def test_more_than_an_interval_is_seen(tmp_path):
    (tmp_path / "notes").write_text(NOTES.replace("saved m-0 9.10\n", ""))
    with pytest.raises(AssertionError, match="m-0 are lost"):
        Losses(interval=0.05).add(tmp_path / "notes")
