"""Every dynamics on the simulated device against processors: same integers, same numbers to rounding."""

from functools import partial

import cases
import numpy as np
import pytest
import user_laws
from declared import preserved
from studies import snapshots

from fastsde.integrate import integration
from fastsde.integrate.lowering import lower

STEPS = 6 if cases.WHOLE else 3
"""With a look at passages after two; the simulator needs a second for a step of some of them."""
SINGLE = cases.ALL if cases.WHOLE else ("langevin",)


def assert_same(name, dtype, tolerance):
    a_study = cases.case(name, dtype, STEPS)
    here, one = snapshots(a_study, 4, first=5)
    there, other = snapshots(a_study, 4, first=5, device="cuda")
    for variable in here:
        scale = np.nanmax(np.abs(here[variable]), initial=1.0)
        np.testing.assert_allclose(
            there[variable], here[variable], rtol=tolerance, atol=tolerance * scale, err_msg=variable
        )
    for event in one.events:
        np.testing.assert_array_equal(other.events[event], one.events[event], err_msg=event)
    np.testing.assert_allclose(
        other.checkpoint.parameters, one.checkpoint.parameters, rtol=tolerance, atol=tolerance
    )
    return one, other


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


@pytest.mark.parametrize("dtype", ["float64", "float32"] if cases.WHOLE else ["float32"])
def test_a_law_of_another_file_agrees_too(tmp_path, monkeypatch, dtype):
    """Its small number, beside 1, is not rounded to ``float32``."""
    law = user_laws.load(tmp_path / "my_law.py", user_laws.LAW).LogNormal(small=1e-7, spread=0.2)
    monkeypatch.setattr(integration, "lower", partial(lower, clock=law))
    assert_same("langevin", dtype, 1e-11 if dtype == "float64" else 2e-5)


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
