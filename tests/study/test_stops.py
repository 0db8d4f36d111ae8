"""`events.stop`: what it names, and when all of it has happened."""

import numpy as np
import pytest
from studies import study

from fastsde.study.stops import forget_later, stop_masks, stopped_steps
from fastsde.system.errors import StudyError

EVENTS = {"loss_below": [1.0, 0.5], "mode_learned": [0.3, 0.6], "radius_above": [2.0]}


def masks(*stop, strength=(2.0, 1.0)):
    return stop_masks(study((3, 4, 2), events=EVENTS | {"stop": list(stop)}), strength).astype(int).tolist()


def test_an_event_alone_is_all_of_its_passages_and_numbers_choose():
    assert masks("loss_below", "radius_above") == [[1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]]
    assert masks("mode_learned") == [[0, 0, 1, 1, 1, 1, 0]]
    assert masks("mode_learned[2]") == [[0, 0, 0, 0, 1, 1, 0]]
    assert masks(" mode_learned [ 1 , 2 ] ") == [[0, 0, 0, 1, 0, 0, 0]]
    assert masks("mode_learned", strength=(2.0, 0.0)) == [[0, 0, 1, 0, 1, 0, 0]]
    assert masks() == []


def test_the_stop_is_the_earliest_entry_and_the_latest_of_its_passages():
    passed = np.array([[4, 9, -1], [4, -1, -1], [4, -1, 6], [0, 0, 0]])
    assert stopped_steps(passed, [[1, 1, 0], [0, 0, 1]]).tolist() == [9, -1, 6, 0]
    assert stopped_steps(passed, np.zeros((1, 3))).tolist() == [-1] * 4
    assert stopped_steps(passed, np.zeros((0, 3))).tolist() == [-1] * 4


def test_nothing_is_kept_from_after_a_stop():
    passed, diverged = np.array([[4, 9], [4, 9], [3, -1]]), np.array([5, 4, 8])
    forget_later(np.array([4, -1, 8]), diverged, passed)
    assert passed.tolist() == [[4, -1], [4, 9], [3, -1]]
    assert diverged.tolist() == [-1, 4, 8]


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ("escape", r"events\.stop\[0\](.|\n)*'?escape'?(.|\n)*mode_learned\[1\]"),
        ("diverged", r"events\.stop"),
        ("interval", r"the study looks for(.|\n)*loss_below or mode_learned"),
        ("mode_learned[3]", r"mode_learned\[1, 1\] to mode_learned\[2, 2\]"),
        ("mode_learned[1, 0]", r"mode_learned\[1, 1\] to"),
        ("radius_above[1, 1]", r"radius_above\[1\]"),
        ("mode_learned[", r"an event"),
    ],
)
def test_what_is_not_looked_for_is_refused(stop, said):
    with pytest.raises(StudyError, match=said):
        study((3, 4, 2), events=EVENTS | {"stop": [stop]})
