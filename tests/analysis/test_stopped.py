"""Trajectories that an event stopped: what stopped them is untouched, and they did not diverge."""

import os

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings, analyze
from fastsde.analysis.context import Context
from fastsde.analysis.escape import section as escape
from fastsde.analysis.escape.passages import passages
from fastsde.analysis.late_window import last_seen, only_diverges, survivors
from fastsde.study.stops import forget_later, stopped_steps
from fastsde.system.progress import Silent

MODELS = ("sgd", "gd", "levy")


def stop(ensemble, modes):
    """End each trajectory when it has learned all of some modes."""
    for view in ensemble.views.values():
        learned = view.arrays["mode_learned_step"][:, 0]
        stopped = stopped_steps(learned, np.isin(np.arange(4), modes)[None])
        forget_later(stopped, view.arrays["diverged_step"], learned)
        view.arrays["stopped_step"] = stopped
        over = (stopped >= 0) & (view.step[:, None] > stopped)
        for values in view.arrays.values():
            if values.shape[:2] == over.shape:
                values[over] = np.nan
    return ensemble


def measured(ensemble):
    return escape.measure(Context(ensemble, dict(ensemble.views), "sgd", Settings(), Silent())).models


def test_the_passage_that_stops_has_the_curves_of_the_run_to_the_end():
    """Stopped when all four are learned, the stays between the passages are all there are."""
    whole, stopped = (
        fake_ensemble(100, 12, MODELS, seed=2),
        stop(fake_ensemble(100, 12, MODELS, seed=2), range(4)),
    )
    for name, one in measured(whole).items():
        other = measured(stopped)[name]
        for value in ("survival", "median", "hazard", "escaped", "diverged", "arrived"):
            np.testing.assert_array_equal(getattr(one, value), getattr(other, value), err_msg=value)
    assert stopped["levy"].diverged.sum() > 0


def test_what_a_stop_leaves_unseen_is_censored_there():
    ensemble = stop(fake_ensemble(100, 12, MODELS, seed=2), [0])
    found, view = measured(ensemble)["sgd"], ensemble["sgd"]
    assert found.escaped[0] == found.arrived[0] == 100
    assert found.arrived[1] == 100
    assert found.escaped[1] + found.censored[1] == 100
    assert last_seen(view).max() < view.time[-1]
    second = passages(
        view.passage_time("mode_learned")[:, 0, 1], view.passage_time("diverged"), last_seen(view)
    )
    np.testing.assert_array_less(second.time, last_seen(view) + 1e-9)


def test_stopped_trajectories_have_not_diverged_and_are_not_there_to_the_end():
    ensemble = stop(fake_ensemble(60, 8, MODELS, seed=2), [0])
    for view in ensemble.views.values():
        stopped = int((view["stopped_step"] >= 0).sum())
        assert stopped > 40
        assert not only_diverges(view, ensemble.study)
        assert survivors(view).sum() == 60 - view.diverged.sum() - stopped


@pytest.mark.skipif(os.environ.get("FASTSDE_TESTS") != "all", reason="a whole analysis: FASTSDE_TESTS=all")
@pytest.mark.filterwarnings("error")
def test_an_analysis_counts_stopped_trajectories_and_not_as_diverged():
    ensemble = stop(fake_ensemble(60, 8, MODELS, seed=2), [0])
    settings = Settings(permutations=99, directions=4, sliced_limit=60, kernel_limit=60)
    found = analyze(ensemble, settings=settings)
    for row in found.summary():
        view = ensemble[row["model"]]
        assert row["diverged"] == view.diverged.sum()
        assert row["stopped"] == (view["stopped_step"] >= 0).sum()
    assert "diverge" not in found.headline()
    assert found.models["sgd"].learning.learned[0, 0] == found.models["sgd"].stopped
