"""Reading a run that goes on: all trajectories that have come to a step."""

import shutil

import numpy as np
import pytest
from studies import study

import fastsde
from fastsde.integrate import integration
from fastsde.run.partial import peek
from fastsde.run.run import run
from fastsde.storage.checksum import broken
from fastsde.system.errors import IncompleteError, Interrupted, StoreError

RECORD = {"observables": ["loss", "modes", "parameters"]}
EVENTS = {"loss_below": [2.0], "mode_learned": [0.2, 0.8]}
GD = {"kind": "sde", "noise": "gradient", "substeps": 2}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a run that was stopped, and with the same one whole; and their study."""
    folder = tmp_path_factory.mktemp("runs")
    s = study(model=GD, steps=40, rate=0.1, record=RECORD, events=EVENTS, trajectories=24)
    run(s, folder / "whole")  # first: compiling asks whether to stop, too
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(integration, "SLICE_SECONDS", 0.0)
        patch.setattr(integration, "FIRST_SLICE", 1)
        with pytest.raises(Interrupted):
            run(s, folder / "run", part_size=8, stop=lambda: asked.append(0) or len(asked) > 160,
                checkpoint_seconds=0.0)  # fmt: skip
    return folder, s


@pytest.fixture
def going_on(runs, tmp_path):
    """A run with one part whole, one in the middle and the rest not begun; and the same one whole."""
    folder, s = runs
    shutil.copytree(folder / "run", tmp_path / "run")
    return tmp_path / "run", folder / "whole", s


def test_all_that_have_come_so_far_are_read(going_on):
    directory, whole, s = going_on
    path = peek(directory, 15)
    assert broken(path) is None
    with fastsde.open(path) as partial, fastsde.open(whole) as other:
        assert partial["m"].count == 16
        assert list(partial["m"].step) == list(range(16))
        for name in RECORD["observables"]:
            np.testing.assert_array_equal(partial["m"][name], other["m"][name][:16, :16])
        for name in ("loss_below_step", "mode_learned_step", "diverged_step"):
            steps = other["m"][name][:16]
            np.testing.assert_array_equal(partial["m"][name], np.where(steps <= 30, steps, -1))
        learned = other["m"]["mode_learned_step"][:16]
        assert ((learned > 30) & (learned <= 80)).any()  # some passages are later, and must not show
    run(s, directory)
    with fastsde.open(path) as partial, fastsde.open(directory) as ends, fastsde.open(whole) as other:
        assert partial["m"].count == 16
        np.testing.assert_array_equal(ends["m"]["parameters"], other["m"]["parameters"])


def test_later_steps_have_fewer(going_on):
    directory, _, _ = going_on
    with fastsde.open(peek(directory, 40)) as partial:
        assert partial["m"].count == 8


def test_what_is_not_there_is_said(going_on, tmp_path):
    directory, _, s = going_on
    with pytest.raises(StoreError, match="snapshots are at 1, 2"):
        peek(directory, 41)
    with pytest.raises(Interrupted):
        run(s, tmp_path / "new", stop=lambda: True)
    with pytest.raises(IncompleteError, match="reached step 5"):
        peek(tmp_path / "new", 5)
