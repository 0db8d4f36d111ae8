"""Landscapes, losses, laws and steps of a user's own files on the simulated device against CPUs."""

import math
import sys
from functools import partial
from pathlib import Path

import numba as nb
import numpy as np
import own_landscapes  # noqa: F401 - registers them
import pytest
import user_laws
from agreement import assert_same
from cases import WHOLE
from landscape_studies import landscape_study
from studies import snapshots

import fastsde
from fastsde.integrate import devices, integration
from fastsde.integrate.lowering import lower

sys.path.append(str(Path(__file__).parents[1] / "extensions"))
from pages import write_files

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
@pytest.mark.parametrize(
    "model", [{"kind": "sgd", "batch": 2}, *[{"kind": "sde", "noise": "gradient"}] * WHOLE]
)
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


@pytest.mark.parametrize("dtype", ["float64", "float32"] if WHOLE else ["float32"])
def test_a_law_of_another_file_agrees_too(tmp_path, monkeypatch, dtype):
    """Its small number, beside 1, is not rounded to ``float32``."""
    law = user_laws.load(tmp_path / "my_law.py", user_laws.LAW).LogNormal(small=1e-7, spread=0.2)
    monkeypatch.setattr(integration, "lower", partial(lower, clock=law))
    assert_same("langevin", dtype, 1e-11 if dtype == "float64" else 2e-5)


def test_ingredients_of_the_page_agree_with_processors(tmp_path, allowed):
    """The law, the steps and the landscape of docs/extending.md."""
    path = write_files(tmp_path)
    before, _, after = path.read_text().partition("extensions = [")
    files = [f"my_{name}.py" for name in ("noise", "step", "drift", "memory", "landscape")]
    _, _, rest = after.partition("]")
    path.write_text(f"{before}extensions = {files}{rest}".replace(', "state_norm"', ""))
    study = fastsde.Study.load(path).replace(time={"steps": 5, "snapshots": {"at": [0, 5]}})
    for model in ("student", "sparse", *("clipped", "averaged") * WHOLE):
        here = fastsde.integrate(study, model, 0, 4, threads=1)
        there = fastsde.integrate(study, model, 0, 4, device="cuda")
        assert np.abs(here.parameters - [1.0, 0.0]).max() > 1e-3
        np.testing.assert_allclose(there.parameters, here.parameters, rtol=1e-11, atol=1e-11)
