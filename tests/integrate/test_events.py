"""Events of landscapes and networks: thresholds of any size, intervals, and several starting points."""

from __future__ import annotations

import numpy as np
import pytest
from landscape_studies import free, landscape_study, run
from studies import snapshots, study

import fastsde
from fastsde.analysis.escape.places import crossings
from fastsde.problem.data import build_problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.problem.saddle_start import SaddleStart
from fastsde.problem.saddles import next_size, saddle_map
from fastsde.run.run import run as run_study
from fastsde.storage.ensemble import open_ensemble
from fastsde.system.errors import StudyError

NOISE = {"kind": "sde", "noise": "isotropic", "temperature": 0.5, "substeps": 1}
EVENTS = {
    "mode_learned": [-0.5, 0.0, 1.5],
    "loss_below": [-1.0],
    "intervals": [
        {"mode": 1, "outside": [-1.0, 1.5]},
        {"mode": 2, "inside": [0.25, 0.75]},
        {"mode": 2, "outside": [-0.5, 2.0]},
    ],
}


def first(holds):
    """Return the first step at which something holds, -1 if never; steps along axis 0."""
    return np.where(holds.any(axis=0), holds.argmax(axis=0), -1)


def test_events_of_a_landscape_are_those_seen_in_its_snapshots():
    """Every step is a snapshot: a passage is the first snapshot at which the condition holds."""
    saddle = {"kind": "saddle", "eigenvalues": [-1.0, 1.0], "start": {"point": [-0.75, -0.25]}}
    s = landscape_study(saddle, NOISE, rate=0.02, steps=200, events=EVENTS, trajectories=64,
                        time={"snapshots": {"at": list(range(201))}},
                        record={"observables": ["loss", "parameters"]})  # fmt: skip
    values, outcome = run(s, 64)
    x, y = values["parameters"][..., 0], values["parameters"][..., 1]
    found = outcome.events
    for k, threshold in enumerate(EVENTS["mode_learned"]):
        np.testing.assert_array_equal(found["mode_learned_step"][:, k, 0], first(x >= threshold))
        np.testing.assert_array_equal(found["mode_learned_step"][:, k, 1], first(y >= threshold))
    np.testing.assert_array_equal(found["loss_below_step"][:, 0], first(values["loss"] < -1.0))
    expected = [(x < -1.0) | (x > 1.5), (y >= 0.25) & (y <= 0.75), (y < -0.5) | (y > 2.0)]
    assert found["interval_step"].shape == (64, 3)
    for k, holds in enumerate(expected):
        np.testing.assert_array_equal(found["interval_step"][:, k], first(holds))
        assert (found["interval_step"][:, k] >= 0).any()
    assert (found["interval_step"] < 0).any()  # some never pass: -1 is tried as well


def test_intervals_are_in_the_file_and_among_the_crossings(tmp_path):
    s = landscape_study(free(2), NOISE, rate=0.05, steps=50, events=EVENTS, trajectories=16)
    run_study(s, tmp_path)
    with open_ensemble(tmp_path) as ensemble:
        view = ensemble["m"]
        assert view["interval_step"].shape == (16, 3)
        context = type("Context", (), {"ensemble": ensemble})()
        found = crossings(view, context)
        assert list(found)[:3] == [
            "coordinate 1 outside [-1, 1.5]",
            "coordinate 2 inside [0.25, 0.75]",
            "coordinate 2 outside [-0.5, 2]",
        ]
        np.testing.assert_array_equal(
            found["coordinate 1 outside [-1, 1.5]"], view.passage_time("interval")[:, 0]
        )


def test_intervals_of_a_network_are_in_shares_of_the_strength():
    s = study(
        model={"kind": "gd"}, steps=60, rate=0.1, noise=0.0, samples="population", trajectories=8,
        events={"mode_learned": [0.5], "intervals": [{"mode": 1, "inside": [0.5, 2.0]},
                                                     {"mode": 2, "outside": [-5.0, 0.5]}]},
    )  # fmt: skip
    _, outcome = snapshots(s)
    learned, interval = outcome.events["mode_learned_step"], outcome.events["interval_step"]
    assert (learned[:, 0, :2] >= 0).all()
    np.testing.assert_array_equal(interval, learned[:, 0, :2])


def test_a_saddle_is_left_where_the_map_is_far_from_its_own():
    """Not by the parameters: at distance 0.3 along an orbit, rotated in hidden units, nothing has escaped."""
    init = {"kind": "saddle", "rank": 1, "perturbation": 0.02}
    s = study(
        (3, 4, 2), {"kind": "gd"}, steps=80, rate=0.1, noise=0.0, samples="population", trajectories=8,
        spectrum=(0.5, 2.0), network={"init": init}, events={"escaped": [0.1, 0.5]},
        record={"observables": ["end_to_end"]},
    )  # fmt: skip
    values, outcome = snapshots(s)
    problem = build_problem(s)
    off = np.linalg.norm(values["end_to_end"] - saddle_map(problem, (0,)), axis=(2, 3))
    for number, share in enumerate((0.1, 0.5)):
        expected = first(off >= share * next_size(problem, (0,)))
        assert (expected > 0).all()
        np.testing.assert_array_equal(outcome.events["escaped_step"][:, number], expected)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    network = DeepLinearNetwork((3, 4, 2))
    saddle = SaddleStart(network, problem, s.network.init).origin
    inner, outer = network.unpack(saddle)
    turned = network.pack([rotation @ inner, outer @ rotation.T])
    assert np.linalg.norm(turned - saddle) > 0.3
    rested = fastsde.integrate(s, "m", 0, 1, start=turned[None], problem=problem)
    assert (rested.events["escaped_step"] == -1).all()


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ({"mode_learned": [1.5]}, r"events\.mode_learned\[0\]"),
        ({"mode_learned": [0.5, -1.0]}, r"events\.mode_learned\[1\]"),
        ({"loss_below": [-1.0]}, r"events\.loss_below\[0\]"),
        ({"intervals": [{"mode": 9, "inside": [0.0, 1.0]}]}, r"events\.intervals\[0\]\.mode"),
        ({"intervals": [{"mode": 1}]}, "exactly one of inside and outside"),
        ({"intervals": [{"inside": [0.0, 1.0], "outside": [0.0, 1.0]}]}, "exactly one of inside and outside"),
        ({"intervals": [{"inside": [1.0, 0.0]}]}, r"events\.intervals\[0\]\.inside"),
        ({"intervals": [{"inside": [1.0]}]}, "two numbers"),
        ({"intervals": [{"insde": [0.0, 1.0]}]}, 'did you mean "inside"'),
        ({"intervals": 3}, "a list such as"),
    ],
)
def test_what_makes_no_sense_of_a_network_is_refused(events, words):
    with pytest.raises(StudyError, match=words):
        study(events=events)


def test_trajectories_start_from_several_points_in_turn():
    points = [[-1.0, 0.0], [1.0, 0.5], [0.0, 2.0]]
    still = {"kind": "quadratic", "eigenvalues": [0.0, 0.0], "start": {"points": points}}
    s = landscape_study(still, {"kind": "gd"}, steps=1)
    values, _ = run(s, 7)
    np.testing.assert_array_equal(values["parameters"][0], np.array(points)[np.arange(7) % 3])
    spread = landscape_study(
        {**still, "start": {"points": points, "std": 0.1}}, {"kind": "gd"}, steps=1, trajectories=9
    )
    whole, _ = run(spread, 9)
    one = landscape_study({**still, "start": {"point": [0.0, 0.0], "std": 0.1}}, {"kind": "gd"}, steps=1)
    alone, _ = run(one, 9)
    moved = np.array(points)[np.arange(9) % 3]
    np.testing.assert_allclose(whole["parameters"][0] - moved, alone["parameters"][0], atol=1e-12)


def test_a_part_starts_where_the_whole_does(tmp_path):
    """Points go by the number of the trajectory, not by its place in a part."""
    well = {"kind": "double-well", "start": {"points": [[-1.0], [0.0], [1.0]], "std": 0.1}}
    s = landscape_study(well, {"kind": "gd"}, steps=3, trajectories=8)
    run_study(s, tmp_path / "parts", part_size=5)
    run_study(s, tmp_path / "whole")
    with open_ensemble(tmp_path / "parts") as parts, open_ensemble(tmp_path / "whole") as whole:
        np.testing.assert_array_equal(parts["m"]["parameters"], whole["m"]["parameters"])


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"points": [[0.0, 1.0], [0.0]]}, r"landscape\.start\.points\[1\]"),
        ({"points": []}, r"landscape\.start\.points"),
        ({"point": [0.0, 0.0], "points": [[0.0, 0.0]]}, "one of point and points"),
    ],
)
def test_points_that_make_no_sense_are_refused(start, words):
    with pytest.raises(StudyError, match=words):
        landscape_study({**free(2), "start": start}, {"kind": "gd"})
