"""Densities of models of a study: what is refused, what is compared, and an ensemble beside its density."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
from landscape_studies import landscape_study
from scipy.stats import norm

import fastsde
from fastsde.analysis.density.dynamics import Dynamics
from fastsde.analysis.density.file import read_densities, write_densities
from fastsde.analysis.density.model_dynamics import dynamics_of, why_no_density
from fastsde.analysis.density.section import Densities, compared
from fastsde.analysis.density.solve import Start, density
from fastsde.analysis.records import read, write
from fastsde.report.density import figures, text
from fastsde.system.errors import RequestError, StudyError

WELL = {"kind": "double-well", "start": {"point": [-1.0], "std": 0.2}}
PLANE = {"kind": "quadratic", "eigenvalues": [1.0, 2.0]}
LANGEVIN = {"kind": "sde", "noise": "isotropic", "temperature": 0.2}
BASINS = {"kind": "two-basins", "samples": 8}


@pytest.mark.parametrize(
    ("landscape", "model", "words"),
    [
        ({"kind": "quadratic", "eigenvalues": [1.0] * 3}, LANGEVIN, "this one has 3"),
        (WELL, {"kind": "gd"}, "has no noise"),
        (PLANE, {"kind": "underdamped", "friction": 1.0, "temperature": 0.1}, "is no plain SDE"),
        (WELL, LANGEVIN | {"alpha": 1.5, "tempering": 2.0}, "only Gaussian and stable increments"),
        (WELL, LANGEVIN | {"jumps": {"rate": 2.0, "share": 0.5}}, "only Gaussian and stable increments"),
        (WELL, LANGEVIN | {"central_flow": 1}, "central_flow is not part"),
        (PLANE, {"kind": "sde", "noise": "loss", "alpha": 1.5}, "in one dimension only"),
        (
            PLANE,
            {
                "kind": "sde",
                "noise": "given",
                "covariance": {"matrix": [[1.0, 0.5], [0.5, 1.0]]},
                "alpha": 1.5,
            },
            "a diagonal covariance only",
        ),
        (BASINS | {"samples": 300}, {"kind": "sde", "noise": "gradient"}, "at most 200 in two"),
        (
            BASINS,
            {"kind": "sde", "noise": "gradient", "alpha": 1.5, "by_component": True},
            "refers to the samples",
        ),
    ],
)
def test_a_model_without_a_density_says_why(landscape, model, words):
    study = landscape_study(landscape, model)
    assert words in why_no_density(study, "m")
    with pytest.raises(StudyError, match=r"models\.m has no density"):
        fastsde.density(study, "m")


def test_a_schedule_is_refused_and_a_plain_model_is_not():
    study = landscape_study(WELL, LANGEVIN)
    assert why_no_density(study, "m") == ""
    scheduled = study.replace(time={"schedule": {"kind": "cosine"}})
    assert "schedule is not part" in why_no_density(scheduled, "m")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"times": [1.0, 0.5]}, "are to rise"),
        ({"domain": [(0.0, 1.0), (0.0, 1.0)]}, "2 intervals, and the landscape 1"),
        ({"domain": [(1.0, -1.0)]}, "the first end is to be below"),
        ({"cells": 2}, "too few"),
    ],
)
def test_wrong_requests_say_what_is_wrong(wrong, words):
    with pytest.raises(RequestError, match=words):
        fastsde.density(landscape_study(WELL, LANGEVIN), "m", **wrong)


def test_the_equation_of_a_model_is_that_of_its_keys():
    """Compiled energies, and everything that a key of the model adds; scales of stable noise."""
    points = np.array([[0.5], [-1.5]])
    slope = points**3 - points
    plain = dynamics_of(landscape_study(WELL, LANGEVIN | {"weight_decay": 0.3}), "m")
    assert np.allclose(plain.drift(points), -slope - 0.3 * points)
    assert np.allclose(plain.covariance, 0.4)
    second = dynamics_of(landscape_study(WELL, LANGEVIN | {"second_order": True}, rate=0.1), "m")
    assert np.allclose(second.drift(points), -slope - 0.05 * (3 * points**2 - 1) * slope, atol=1e-9)
    stable = dynamics_of(landscape_study(WELL, LANGEVIN | {"alpha": 1.5}, rate=0.1), "m")
    assert (stable.covariance[0, 0] / 2) ** 0.5 == pytest.approx(0.2**0.5 * 0.1 ** (0.5 - 1 / 1.5))
    noise = {"kind": "sde", "noise": "loss-hessian", "strength": 2.0, "floor": -1.0}
    loss_hessian = dynamics_of(landscape_study(WELL, noise), "m")
    energy = points[:, 0] ** 4 / 4 - points[:, 0] ** 2 / 2
    curvature = np.maximum(3 * points[:, 0] ** 2 - 1, 0)
    assert np.allclose(loss_hessian.covariances(points)[:, 0, 0], 2 * (energy + 1) * curvature, rtol=1e-6)


def exact_sample(count, mean, deviation, seed):
    return mean + deviation * np.random.default_rng(seed).standard_normal((count, 1))


def bowl_densities():
    """The bowl's density at two times, and its exact means and deviations."""
    bowl = Dynamics(1, lambda x: x[:, 0] ** 2 / 2, lambda x: x, np.array([[0.2]]))
    times = np.array([0.5, 4.0])
    exact = [(np.exp(-t), np.sqrt(0.1 * (1 - np.exp(-2 * t)))) for t in times]
    return density(bowl, Start(np.array([[1.0]]), np.zeros(1)), times), exact


def test_draws_from_the_law_are_near_its_density_and_others_are_not(tmp_path):
    """Of 40 samples 5 % are beyond the null quantile in the mean: more than 7 with probability 0.1 %."""
    found, exact = bowl_densities()
    steps = np.array([5.0, 40.0])
    beyond, variation = 0, 0
    for seed in range(40):
        samples = [exact_sample(500, *law, (seed, k)) for k, law in enumerate(exact)]
        one = compared(found, samples, steps, seed)
        beyond += bool((one.distance[:, 0] > one.distance_null).any())
        variation += int(one.variation[1] > one.variation_null[1])
    assert beyond <= 7
    assert variation <= 7
    shifted = [exact_sample(500, mean + 0.3 * width, width, k) for k, (mean, width) in enumerate(exact)]
    wrong = compared(found, shifted, steps, 0)
    assert (wrong.distance[:, 0] > 1.4 * wrong.distance_null).all()
    assert wrong.distance[1, 0] == pytest.approx(2 * norm.cdf(0.15) - 1, abs=0.05)


def test_the_record_survives_its_file(tmp_path):
    import h5py

    found, exact = bowl_densities()
    one = compared(found, [exact_sample(200, *law, 1) for law in exact], np.array([5.0, 40.0]), 0)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file, Densities({"m": one}))
        again = read(file, Densities)
    assert np.array_equal(again.models["m"].density.mass, found.mass)
    study = landscape_study(WELL, LANGEVIN)
    path = write_densities(tmp_path / "new" / "density.h5", study, {"m": found})
    assert np.array_equal(read_densities(path)["m"].edges["x"], found.edges["x"])


COMPARED = {
    "loss": (WELL, {"kind": "sde", "noise": "loss", "floor": -0.4, "strength": 0.5}),
    "loss, stratonovich": (
        PLANE | {"start": {"point": [1.0, 0.5], "std": 0.1}},
        {"kind": "sde", "noise": "loss", "floor": -0.2, "interpretation": "stratonovich"},
    ),
    "hessian": (WELL, {"kind": "sde", "noise": "hessian", "strength": 0.1}),
    "gradient": (
        {
            "kind": "phase-retrieval",
            "size": 2,
            "samples": 12,
            "noise": 2.0,
            "start": {"point": [1.0, 0.5], "std": 0.1},
        },
        {"kind": "sde", "noise": "gradient", "batch": 1},
    ),
    "turning": (
        PLANE | {"start": {"point": [1.0, 0.5], "std": 0.1}},
        LANGEVIN | {"rotation": {"matrix": [[0.0, 1.0], [-1.0, 0.0]]}},
    ),
    "stable": (WELL, LANGEVIN | {"alpha": 1.5}),
    "stable, following": (WELL, {"kind": "sde", "noise": "multiplicative", "alpha": 1.7, "zeta": 0.5}),
    "components": (
        PLANE | {"start": {"point": [0.5, 0.5], "std": 0.1}},
        LANGEVIN | {"temperature": 0.02, "alpha": 1.6, "by_component": True},
    ),
    "fractional": (WELL, LANGEVIN | {"subordination": {"beta": 0.7}}),
}
FEW = {} if os.environ.get("FASTSDE_TESTS") == "all" else {"langevin"}


@pytest.mark.statistics
@pytest.mark.parametrize("kind", ["langevin", *COMPARED])
def test_an_ensemble_is_indistinguishable_from_its_density(kind):
    """Kolmogorov-Smirnov at three times: a false alarm in 5 % of seeds; this one is fixed."""
    if FEW and kind not in FEW:
        pytest.skip("one kind by default; FASTSDE_TESTS=all for the others")
    landscape, model = COMPARED.get(kind, (WELL, LANGEVIN))
    study = landscape_study(
        landscape, model, rate=0.02, steps=150, time={"snapshots": {"at": [10, 40, 150]}}, trajectories=4000
    )
    study = study.replace(models={"m": study.to_mapping()["models"]["m"] | {"substeps": 16}})
    found = fastsde.density(study, "m", [0.2, 0.8, 3.0])
    samples = []
    fastsde.integrate(
        study, "m", 0, 4000, threads=2, on_snapshot=lambda _, values: samples.append(values["parameters"])
    )
    one = compared(found, samples[1:], np.array([10.0, 40.0, 150.0]), 0)
    apart = one.distance / (one.distance_null + found.error)[:, None]
    assert apart.max() < 1, (one.distance, found.error)
    moved = compared(found, [sample + 0.2 for sample in samples[1:]], one.step, 0)
    assert (moved.distance / (one.distance_null + found.error)[:, None]).max() > 1


def report_on(one):
    """An analysis of one model, as far as the page on densities looks at it."""
    return SimpleNamespace(
        sections={"density": Densities({"m": one})},
        models={"m": None},
        reference="",
        objective=None,
    )


def test_the_page_draws_densities_of_one_and_two_dimensions(monkeypatch):
    monkeypatch.setattr(figures, "ordered", lambda analysis: ["m"])
    monkeypatch.setattr(text, "ordered", lambda analysis: ["m"])
    found, exact = bowl_densities()
    near = compared(found, [exact_sample(300, *law, 2) for law in exact], np.array([5.0, 40.0]), 0)
    far = compared(found, [exact_sample(300, *law, 2) + 0.4 for law in exact], np.array([5.0, 40.0]), 0)
    assert "indistinguishable" in text.finding(report_on(near))
    assert "away from the density" in text.finding(report_on(far))
    assert "<td>40</td>" in text.densities_table(report_on(near))
    drawn = figures.densities(report_on(near))
    curve = drawn.axes[1].lines[0]
    assert np.trapezoid(curve.get_ydata(), curve.get_xdata()) == pytest.approx(1, abs=1e-3)
    plane = Dynamics(2, lambda x: np.sum(x**2, axis=1) / 2, lambda x: x, 0.2 * np.eye(2))
    both = density(plane, Start(np.zeros((1, 2)), np.full(2, 0.1)), np.array([1.0]), [(-1.5, 1.5)] * 2, 24)
    cloud = np.random.default_rng(4).normal(size=(300, 2)) * 0.29
    figure = figures.densities(report_on(compared(both, [cloud], np.array([5.0]), 0)))
    (panel,) = figure.axes
    assert len(panel.collections[0].get_paths()) == 3
    assert len(panel.lines[0].get_xdata()) == 300
    assert len(figures.density_figure({"m": found, "n": found}, 0.1).axes) == 2
    assert len(figures.density_figure({"m": both}, 0.1).axes) == 1
