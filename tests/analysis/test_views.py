import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis.views import FAR, _common_trajectories, common_views
from fastsde.system.errors import RequestError


def _diverging():
    """Trajectory 3 runs away from snapshot 6 on and diverges before snapshot 8; 4 comes back from as far."""
    ensemble = fake_ensemble(40, 10, ("sgd", "langevin"), seed=5)
    arrays = ensemble.views["sgd"].arrays
    for name in ("loss", "modes"):
        arrays[name] = np.array(arrays[name])
    far = 2 * FAR * arrays["loss"][0].max()
    arrays["loss"][4, 3] = far
    arrays["loss"][6:8, 3] = far, 1e200
    arrays["loss"][6, 4] = far
    arrays["loss"][8:, 3] = np.nan
    arrays["modes"][8:, 3] = np.nan
    arrays["diverged_step"] = np.full(40, -1)
    arrays["diverged_step"][3] = int(ensemble["sgd"].step[8])
    return ensemble


def test_a_trajectory_that_diverges_is_left_out_from_where_it_does_not_come_back():
    ensemble = _diverging()
    before = {name: ensemble["sgd"].arrays[name].copy() for name in ("loss", "modes")}
    view = common_views(ensemble)["sgd"]
    for name, values in before.items():
        expected = values.copy()
        expected[6:, 3] = np.nan
        assert np.array_equal(view[name], expected, equal_nan=True)
        assert np.array_equal(view.read(name, -4), expected[6], equal_nan=True)
        assert np.array_equal(view.read(name, 6, slice(3, 5)), expected[6, 3:5], equal_nan=True)
        assert np.array_equal(ensemble["sgd"].arrays[name], values, equal_nan=True)  # what is stored stays
    assert np.isfinite(view.read("loss", 6)[4])  # it came back
    assert np.isfinite(view.read("loss", 4)[3])  # and so did this one, once
    assert view.read("diverged_step")[3] == ensemble["sgd"].step[8]
    assert np.isfinite(view.passage_time("diverged")).sum() == 1


def test_models_that_do_not_diverge_and_landscapes_are_read_as_they_are():
    ensemble = _diverging()
    assert common_views(ensemble)["langevin"] is ensemble["langevin"]
    stable = ensemble["sgd"]
    stable.arrays["diverged_step"][:] = -1
    assert common_views(ensemble)["sgd"] is stable


def test_trajectories_that_some_model_lacks_are_left_out_of_all():
    """Parts are missing in the middle: 0..9 and 20..39 of one model, 5..39 of the other."""
    ensemble = fake_ensemble(40, 6, ("sgd", "langevin"), seed=6)
    whole = {
        name: {key: np.array(one) for key, one in view.arrays.items()}
        for name, view in ensemble.views.items()
    }
    there = {"sgd": np.r_[0:10, 20:40], "langevin": np.r_[5:40]}
    for name, rows in there.items():
        view = ensemble.views[name]
        view.numbers = rows
        for key, values in whole[name].items():
            view.arrays[key] = values[rows] if key.endswith("_step") else values[:, rows]
    shared = np.r_[5:10, 20:40]
    for name, view in common_views(ensemble).items():
        assert view.count == 25
        assert np.array_equal(view["modes"], whole[name]["modes"][:, shared], equal_nan=True)
        assert np.array_equal(view.read("loss", 3, slice(4, 8)), whole[name]["loss"][3, shared[4:8]])
        assert np.array_equal(view.read("diverged_step"), whole[name]["diverged_step"][shared])
        assert view.passage_time("mode_learned").shape[0] == 25
    kept = _common_trajectories(dict(ensemble.views), branches=4)["sgd"]
    assert kept.count == 20  # states of four: 20..39; of 4..7 and 8..11 some are missing
    ensemble.views["sgd"].numbers = np.arange(100, 130)
    with pytest.raises(RequestError, match="no trajectories in common"):
        common_views(ensemble)
    ensemble.views["sgd"].numbers, ensemble.views["langevin"].numbers = np.arange(30), np.arange(35)
    assert common_views(ensemble)["sgd"] is ensemble["sgd"]  # nothing is missing between others
