"""Landscapes of a user's own file on the simulated device against CPUs."""

import numpy as np
import own_landscapes  # noqa: F401 - registers them
import pytest
from cases import WHOLE
from landscape_studies import landscape_study
from studies import snapshots

from fastsde.integrate import devices

CASES = {
    "lanes": ({"kind": "own-quartic", "stiffness": 2.0}, {"kind": "gd"}),
    "samples": ({"kind": "own-median", "samples": 5}, {"kind": "sgd", "batch": 2}),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"] if WHOLE else ["float32"])
@pytest.mark.parametrize("name", CASES)
def test_a_landscape_of_ones_own_is_the_same_on_a_device(name, dtype):
    landscape, model = CASES[name]
    study = landscape_study({**landscape, "start": {"std": 0.5}}, model, steps=6, dtype=dtype)
    here, _ = snapshots(study, 4, first=5)
    there, outcome = snapshots(study, 4, first=5, device="cuda")
    tolerance = 1e-11 if dtype == "float64" else 2e-5
    assert outcome.attributes["device"].startswith("cuda")
    for variable in here:
        np.testing.assert_allclose(there[variable], here[variable], rtol=tolerance, atol=tolerance)


def test_a_function_of_one_point_stays_on_cpus():
    study = landscape_study({"kind": "own-cosine"}, {"kind": "gd"})
    assert "--device cpu" in devices.obstacle(study)
