"""Completion and sensing in a study: what is filled in, refused, and drawn."""

import numpy as np
import pytest
from studies import study

from fastsde.problem.data import build_problem
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

COMPLETION = {"kind": "completion", "observed": 0.5, "samples": "each"}
SENSING = {"kind": "sensing", "samples": 5}


def test_completion_sees_every_observed_entry_once_by_default():
    document = study().to_mapping()
    document["data"] = {
        "kind": "completion",
        "entries": [[2, 3], [1, 1]],
        "teacher": {"singular_values": [2]},
    }
    a_study = Study.from_mapping(document)
    assert a_study.objective.samples == 2
    assert build_problem(a_study).entries.tolist() == [0, 5]
    assert Study.from_toml(a_study.to_toml()) == a_study


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"kind": "completion"}, "data.kind"),
        ({**COMPLETION, "entries": [[1, 1]]}, "data.kind"),
        ({"kind": "completion", "entries": [[3, 1]]}, "data.entries[0]"),
        ({"observed": 0.5}, "data.observed"),
        ({**SENSING, "samples": "each"}, "data.samples"),
        ({**SENSING, "inputs": {"kind": "student-t", "nu": 5.0}}, "data.inputs"),
        ({"kind": "sensed"}, "data.kind"),
    ],
)
def test_what_is_refused_of_the_data(data, where):
    with pytest.raises(StudyError) as refusal:
        study(data=data)
    assert [complaint.where for complaint in refusal.value.complaints] == [where]


def test_rates_of_modes_are_refused():
    with pytest.raises(StudyError, match="mode_drift"):
        study(data=SENSING, record={"observables": ["mode_drift"]})


@pytest.mark.parametrize(
    "data", [COMPLETION, {**COMPLETION, "samples": 20}, SENSING, {**SENSING, "samples": 40}]
)
def test_the_optimum_is_the_matrix_of_least_loss_closest_to_the_teacher(data):
    problem = build_problem(study(data=data))
    matrices = problem.matrices
    if matrices is None:
        matrices = np.eye(6)[problem.entries].reshape(-1, 2, 3)
    rows = matrices.reshape(-1, 6)
    left = problem.measured - rows @ problem.optimum.ravel()
    assert np.allclose(rows.T @ left, 0)
    assert problem.optimum_loss == pytest.approx(np.mean(left**2) / 2, abs=1e-15)
    change = (problem.optimum - problem.teacher).ravel()
    assert np.allclose(np.linalg.pinv(rows) @ rows @ change, change)
    assert np.abs(change).max() > 0.01
