"""Ensembles that start from states of another one."""

import numpy as np
import pytest
from studies import study

import fastsde
from fastsde.storage.initial_states import resolve, start_states
from fastsde.storage.layout import STATES_FILE
from fastsde.system.errors import StoreError, StudyError

RECORD = {"observables": ["loss", "modes", "parameters"]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run of twelve trajectories, recorded at every step."""
    directory = tmp_path_factory.mktemp("trained")
    fastsde.run(study(model={"kind": "sgd"}, steps=9, record=RECORD, trajectories=12), directory)
    return directory


def fork(directory, trajectories=12, step=5, branches=3, seed=3, steps=4, **more):
    init = {"kind": "snapshot", "ensemble": str(directory), "model": "m", "branches": branches}
    if step is not None:
        init["step"] = step
    return study(
        model=more.pop("model", {"kind": "sgd"}),
        steps=steps,
        seed=seed,
        record=RECORD,
        trajectories=trajectories,
        network={"init": init | more.pop("init", {})},
        **more,
    )


def test_branches_start_from_the_states(trained, tmp_path):
    fastsde.run(fork(trained), tmp_path)
    with fastsde.open(trained) as source, fastsde.open(tmp_path) as branches:
        states = source["m"].read("parameters", 5)
        begin = branches["m"].read("parameters", 0)
        end = branches["m"].read("parameters", -1)
    np.testing.assert_array_equal(begin, np.repeat(states[:4], 3, axis=0))
    assert len(np.unique(end[:, 0])) == 12


def test_a_branch_does_not_repeat_the_noise_that_led_to_its_state(trained, tmp_path):
    """Trajectory 0 goes on from its own state 0: with its old noise it would follow its old path."""
    fastsde.run(fork(trained, step=0, branches=1), tmp_path)
    with fastsde.open(trained) as source, fastsde.open(tmp_path) as branches:
        old, new = source["m"]["parameters"], branches["m"]["parameters"]
    np.testing.assert_array_equal(old[0], new[0])
    assert not np.isclose(old[4], new[4]).all(axis=1).any()


def test_a_fork_of_a_fork_has_noise_of_its_own(trained, tmp_path):
    fastsde.run(fork(trained, branches=1), tmp_path / "a")
    fastsde.run(fork(tmp_path / "a", branches=1, step=0), tmp_path / "b")
    with fastsde.open(tmp_path / "a") as a, fastsde.open(tmp_path / "b") as b:
        np.testing.assert_array_equal(a["m"]["parameters"][0], b["m"]["parameters"][0])
        assert not np.isclose(a["m"]["parameters"][4], b["m"]["parameters"][4]).all(axis=1).any()


def test_without_noise_a_fork_goes_on_as_its_source(tmp_path):
    gd = {"kind": "gd"}
    fastsde.run(study(model=gd, steps=9, record=RECORD), tmp_path / "source")
    fastsde.run(fork(tmp_path / "source", 8, branches=1, model=gd), tmp_path / "fork")
    with fastsde.open(tmp_path / "source") as source, fastsde.open(tmp_path / "fork") as other:
        np.testing.assert_array_equal(source["m"]["parameters"][5:], other["m"]["parameters"])


def test_parts_and_library_agree(trained, tmp_path):
    s = fork(trained)
    fastsde.run(s, tmp_path, part_size=5)
    outcome = fastsde.integrate(s, "m", 2, 7)
    with fastsde.open(tmp_path) as branches:
        np.testing.assert_array_equal(branches["m"].read("parameters", -1)[2:9], outcome.parameters)


def test_the_run_keeps_its_states_and_goes_on_without_the_source(trained, tmp_path):
    moved = tmp_path / "source"
    fastsde.run(study(model={"kind": "sgd"}, steps=9, record=RECORD, trajectories=12), moved)
    fastsde.run(fork(moved), tmp_path / "fork", part_size=6)
    (tmp_path / "fork" / "parts" / "m-000000000006.h5").unlink()
    moved.rename(tmp_path / "elsewhere")
    fastsde.run(fork(moved), tmp_path / "fork", part_size=6)
    fastsde.run(fork(trained), tmp_path / "other")
    with fastsde.open(tmp_path / "fork") as one, fastsde.open(tmp_path / "other") as two:
        np.testing.assert_array_equal(one["m"]["parameters"], two["m"]["parameters"])


def test_other_states_are_another_study(trained, tmp_path):
    fastsde.run(fork(trained), tmp_path)
    with pytest.raises(StoreError, match=r"network\.init\.step: 5 in the existing files, 6 in this study"):
        fastsde.run(fork(trained, step=6), tmp_path)


def test_more_trajectories_take_more_states(trained, tmp_path):
    fastsde.run(fork(trained, 6), tmp_path / "a")
    fastsde.run(fork(trained, 12), tmp_path / "a")
    fastsde.run(fork(trained, 12), tmp_path / "b")
    with fastsde.open(tmp_path / "a") as a, fastsde.open(tmp_path / "b") as b:
        np.testing.assert_array_equal(a["m"]["parameters"], b["m"]["parameters"])


def test_the_end_of_a_run_needs_no_recorded_parameters(tmp_path):
    source = study(model={"kind": "sgd"}, steps=9, record={"observables": ["loss", "modes"]}, trajectories=9)
    fastsde.run(source, tmp_path / "source", part_size=4, keep_state=True)
    states = start_states(fork(tmp_path / "source", step=None), 0, 12)
    outcome = fastsde.integrate(source, "m", 0, 9)
    np.testing.assert_array_equal(states, np.repeat(outcome.parameters[:4], 3, axis=0))
    with pytest.raises(StudyError, match="parameters"):
        start_states(fork(tmp_path / "source", step=5), 0, 12)


def test_diverged_trajectories_are_passed_over(tmp_path):
    source = study(model={"kind": "gd"}, steps=40, rate=0.55, record=RECORD, trajectories=40)
    fastsde.run(source, tmp_path / "source")
    with fastsde.open(tmp_path / "source") as ensemble:
        gone, last = ensemble["m"].diverged, ensemble["m"].read("parameters", -1)
    assert 0 < gone.sum() < 40
    states = start_states(fork(tmp_path / "source", int((~gone).sum()), branches=1, step=None), 0, 2)
    np.testing.assert_array_equal(states, last[np.flatnonzero(~gone)[:2]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 77}, r"network\.init\.step(.|\n)*that run: 0, 1, 2"),
        ({"init": {"model": "other"}}, r"network\.init\.model(.|\n)*: \"m\""),
        ({"trajectories": 100}, "trajectories that neither diverged nor stopped; it has 12"),
        ({"widths": (3, 5, 2)}, r"network\.widths"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_written(trained, tmp_path, changes, message):
    with pytest.raises(StudyError, match=message):
        start_states(resolve(fork(trained, **changes)), 0, changes.get("trajectories", 12))


def test_the_place_of_known_states_does_not_count(trained):
    one = resolve(fork(trained))
    other = one.replace(network={"init": one.network.init.model_dump(exclude_none=True) | {"ensemble": "x"}})
    assert one.fingerprint() == other.fingerprint()
    assert one.fingerprint() != resolve(fork(trained, step=6)).fingerprint()


def test_only_what_belongs_together_is_allowed(trained):
    with pytest.raises(StudyError, match=r"network\.init\.std"):
        fork(trained, init={"std": 0.1})
    with pytest.raises(StudyError, match=r"network\.init\.branches"):
        study(network={"init": {"std": 0.1, "branches": 2}})
    with pytest.raises(StudyError, match=r"network\.init\.ensemble"):
        study(network={"init": {"kind": "snapshot", "model": "m"}})


def test_states_file_of_another_origin_is_refused(trained, tmp_path):
    fastsde.run(fork(trained), tmp_path / "a")
    fastsde.run(fork(trained, step=6), tmp_path / "b")
    (tmp_path / "b" / STATES_FILE).replace(tmp_path / "a" / STATES_FILE)
    with pytest.raises(StoreError, match="does not hold the states"):
        start_states(resolve(fork(trained)), 0, 3, tmp_path / "a")
