"""Trajectories that stop at an event: up to there they are those of the run to the horizon."""

from __future__ import annotations

import numpy as np
import pytest
from studies import snapshots, study

import fastsde
from fastsde.integrate import integration, stopping
from fastsde.integrate.stopping import StoppingBlocks
from fastsde.system.errors import Interrupted

COUNT, STEPS = 29, 60
AT = [0, 1, 10, 11, 34, STEPS]
EVENTS = {"every": 2, "loss_below": [0.7, 0.4], "mode_learned": [0.6, 0.8]}
RECORD = {"observables": ["loss", "modes", "update_noise", "parameters"]}
STOPS = (["loss_below[2]"], ["mode_learned[2, 2]", "loss_below"])


def studied(stop=None, steps=STEPS):
    """Without a stop every step is a snapshot, with one they are some segments apart."""
    events = EVENTS if stop is None else EVENTS | {"stop": stop}
    time = {"snapshots": {"at": list(range(steps + 1)) if stop is None else [s for s in AT if s < steps]}}
    return study((3, 4, 2), {"kind": "sgd"}, samples=6, rate=0.02, steps=steps, events=events, record=RECORD,
                 trajectories=COUNT, time=time)  # fmt: skip


@pytest.fixture(scope="module")
def free():
    return snapshots(studied(), COUNT)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    monkeypatch.setattr(stopping, "SEGMENT", 1)
    monkeypatch.setattr(stopping, "LEAST_STEPS", 3)


def differences(found, whole, rows):
    """Count numbers that differ from those of the run to the horizon, up to each trajectory's stop."""
    values, outcome = found
    stopped = outcome.events["stopped_step"]
    over = (stopped >= 0) & (np.array(AT)[:, None] > stopped)
    count = 0
    for name, value in values.items():
        assert np.isnan(value[over]).all()
        count += int((value[~over] != whole[0][name][AT][:, rows][~over]).sum())
    for name in ("diverged_step", "loss_below_step", "mode_learned_step"):
        known = whole[1].events[name][rows]
        last = stopped.reshape(-1, *[1] * (known.ndim - 1))
        known = np.where((last >= 0) & (known > last), -1, known)
        count += int((outcome.events[name] != known).sum())
    states = whole[0]["parameters"][np.where(stopped >= 0, stopped, -1), np.arange(COUNT)[rows]]
    return count + int((outcome.parameters != states).sum())


@pytest.mark.parametrize("stop", STOPS)
def test_up_to_its_stop_a_trajectory_is_that_of_the_run_to_the_horizon(free, stop):
    for first, count, threads in ((0, COUNT, 2), (3, 11, 1)):
        found = snapshots(studied(stop), count, first=first, threads=threads)
        stopped = found[1].events["stopped_step"]
        assert (stopped >= 0).mean() > 0.3
        assert (stopped < 0).any() or count < COUNT or stop is not STOPS[0]
        assert len(np.unique(stopped)) > 4
        assert differences(found, free, slice(first, first + count)) == 0


def test_numbers_by_the_place_in_a_block_would_be_seen(free, monkeypatch):
    """The negative control of the test above: random numbers of whoever had the lane before."""

    class ByPlace:
        def __getitem__(self, rows):
            return np.arange(len(rows), dtype=np.uint64)

    begin = StoppingBlocks.__init__

    def begun(self, *rest):
        begin(self, *rest)
        self._numbers = ByPlace()

    monkeypatch.setattr(StoppingBlocks, "__init__", begun)
    assert differences(snapshots(studied(STOPS[0]), COUNT, threads=1), free, slice(COUNT)) > 0


def test_interrupted_anywhere_it_ends_with_the_same_bits(monkeypatch):
    s = studied(STOPS[1])
    whole, end = snapshots(s, COUNT)
    monkeypatch.setattr(integration, "FIRST_SLICE", 1)  # looks at whether to stop after every few steps
    for calls in (1, 3, 4):
        saved, left = [], iter(range(calls))
        with pytest.raises(Interrupted):
            fastsde.integrate(s, "m", 0, COUNT, on_checkpoint=saved.append,
                              stop=lambda left=left: next(left, None) is None)  # fmt: skip
        values, again = snapshots(s, COUNT, resume=saved[-1])
        np.testing.assert_array_equal(again.parameters, end.parameters)
        for name, steps in end.events.items():
            np.testing.assert_array_equal(again.events[name], steps, err_msg=name)
        for name, value in values.items():
            np.testing.assert_array_equal(value, whole[name][-len(value) :], err_msg=name)


def test_what_is_spared_and_what_is_done_are_all_steps():
    done, spared = [], []
    fastsde.integrate(studied(STOPS[0]), "m", 0, COUNT, on_progress=done.append, on_spared=spared.append)
    assert done[-1] + spared[-1] == COUNT * STEPS
    assert 0.2 < spared[-1] / (COUNT * STEPS) < 0.8
    assert spared == sorted(spared)


def test_files_and_a_longer_run(tmp_path):
    short, longer = studied(STOPS[0], steps=25), studied(STOPS[0])
    fastsde.run(short, tmp_path / "run", part_size=16)
    fastsde.run(longer, tmp_path / "run")
    fastsde.run(longer, tmp_path / "alone")
    with fastsde.open(tmp_path / "run") as run, fastsde.open(tmp_path / "alone") as alone:
        for variable in alone["m"].variables:
            np.testing.assert_array_equal(run["m"][variable], alone["m"][variable], err_msg=variable)
        steps = alone["m"]["stopped_step"]
        np.testing.assert_array_equal(alone["m"].stopped, steps >= 0)
        np.testing.assert_array_equal(
            alone["m"].passage_time("stopped")[steps >= 0], 0.02 * steps[steps >= 0]
        )
        assert not alone["m"].diverged.any()
    fastsde.run(studied(steps=25), tmp_path / "free")
    with fastsde.open(tmp_path / "free") as run:
        assert "stopped_step" not in run["m"].variables
        assert np.isnan(run["m"].passage_time("stopped")).all()
