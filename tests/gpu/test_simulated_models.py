"""Every dynamics on the simulated device against processors: same integers, same numbers to rounding."""

import cases
import numpy as np
import pytest
from agreement import STEPS, assert_same
from declared import preserved
from studies import snapshots

SINGLE = cases.ALL if cases.WHOLE else ("langevin",)


@pytest.mark.parametrize("name", cases.CHOSEN)
def test_a_device_agrees_with_processors_trajectory_by_trajectory(name):
    one, other = assert_same(name, "float64", 1e-11)
    assert other.attributes["device"].startswith("cuda")
    assert one.attributes["device"] == "cpu"


@pytest.mark.parametrize("name", SINGLE)
def test_single_precision_agrees_too(name):
    _, other = assert_same(name, "float32", 2e-5)
    assert other.parameters.dtype == np.float32


def test_passages_of_these_cases_happen_so_that_comparing_them_says_something():
    _, outcome = snapshots(cases.case("sgd", steps=STEPS), 4, first=5)
    assert sum((steps >= 0).sum() for steps in outcome.events.values()) > 3


def test_another_seed_gives_other_numbers():
    _, one = snapshots(cases.case("langevin"), 4, device="cuda")
    _, other = snapshots(cases.case("langevin", seed=9), 4)
    assert np.abs(one.parameters - other.parameters).max() > 1e-3


def test_a_declared_observable_is_recorded_on_a_device_too(monkeypatch):
    from fastsde.study.observable import OBSERVABLES, Observable, register

    preserved(monkeypatch, OBSERVABLES)
    register(
        Observable(
            name="weight_norm",
            long_name="Euclidean norm of all weights",
            measure=lambda snapshot: np.linalg.norm(snapshot.parameters, axis=1),
        )
    )
    a_study = cases.case("sgd").replace(record={"observables": ["weight_norm"]})
    here, _ = snapshots(a_study, 4)
    there, _ = snapshots(a_study, 4, device="cuda")
    assert here["weight_norm"].min() > 0
    np.testing.assert_allclose(there["weight_norm"], here["weight_norm"], rtol=1e-11)
