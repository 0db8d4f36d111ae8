"""Landscapes of a user's own file on the simulated device against CPUs."""

import math

import numba as nb
import numpy as np
import own_landscapes  # noqa: F401 - registers them
import pytest
from cases import WHOLE
from landscape_studies import landscape_study
from studies import snapshots

import fastsde
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


def cubic(theta, sample, gradient):
    """``(exp(theta_0) sample_0 + theta_1 - sample_1)^4 / 4``: functions of `math`, powers, a helper."""
    slope = math.exp(theta[0]) * sample[0]
    miss = slope + theta[1] - sample[1]
    gradient[0] += third_power(miss) * slope
    gradient[1] += third_power(miss)
    return third_power(miss) * miss / 4


@nb.njit
def third_power(x):
    return x**3


@pytest.mark.parametrize("dtype", ["float64", "float32"] if WHOLE else ["float64"])
@pytest.mark.parametrize("model", [{"kind": "sgd", "batch": 2}, {"kind": "sde", "noise": "gradient"}])
def test_a_loss_of_ones_own_is_the_same_on_a_device(model, dtype):
    """Compiled into the kernels there, called by its address here; the noise trace is compared too."""
    landscape = fastsde.objective(cubic, np.random.default_rng(1).normal(size=(6, 2)), parameters=2)
    record = {"observables": ["loss", "gradient_norm", "noise_trace", "parameters"]}
    study = landscape_study(
        {**landscape, "start": {"std": 0.5}}, model, steps=6, dtype=dtype, rate=0.05, record=record
    )
    here, _ = snapshots(study, 4, first=5)
    there, _ = snapshots(study, 4, first=5, device="cuda")
    tolerance = 1e-11 if dtype == "float64" else 2e-5
    for variable in here:
        np.testing.assert_allclose(there[variable], here[variable], rtol=tolerance, atol=tolerance)


def test_what_a_device_cannot_have_of_a_loss_is_refused():
    """Values of the surroundings, and noise on labels."""
    shift = 1.0

    def shifted(theta, sample, gradient):
        gradient[0] += theta[0] - shift
        return 0.5 * (theta[0] - shift) ** 2

    rows = np.ones((3, 1))
    study = landscape_study(fastsde.objective(shifted, rows, parameters=1), {"kind": "sgd"})
    assert "landscape.function = 'shifted-" in devices.obstacle(study)
    noisy = {"kind": "sgd", "label_noise": 1.0}
    study = landscape_study(fastsde.objective(cubic, np.ones((3, 2)), parameters=2, labels=1), noisy)
    assert "models.m.label_noise" in devices.obstacle(study)


def test_a_function_of_one_point_stays_on_cpus():
    study = landscape_study({"kind": "own-cosine"}, {"kind": "gd"})
    assert "--device cpu" in devices.obstacle(study)
