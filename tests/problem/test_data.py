from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from study_files import POPULATION, TEXT, changed

from fastsde.problem.data import build_problem, lower_factor
from fastsde.study.distributions import StudentInputs, StudentNoise
from fastsde.study.random_streams import generator, sample_inputs, sample_noise, symmetric_stable
from fastsde.study.study import Study


def inputs(text: str) -> tuple[str, str]:
    return '{ kind = "gaussian", whiten = true }', text


@pytest.mark.parametrize("text", [TEXT, POPULATION])
def test_the_pieces_of_a_problem_belong_together(text):
    study = Study.from_toml(text)
    problem = build_problem(study)
    assert problem.teacher.shape == (2, 3)
    np.testing.assert_allclose(np.linalg.svd(problem.teacher)[1], [4, 3], rtol=1e-12)
    np.testing.assert_allclose(problem.factor @ problem.factor.T, problem.covariance, atol=1e-12)
    np.testing.assert_allclose(problem.optimum @ problem.covariance, problem.cross, atol=1e-12)
    rebuilt = (problem.mode_left * problem.mode_strength) @ problem.mode_right.T
    np.testing.assert_allclose(rebuilt, problem.optimum, atol=1e-12)
    assert problem.mode_left.shape == (2, 2)
    assert problem.mode_right.shape == (3, 2)
    largest = np.abs(problem.mode_right).argmax(axis=0)
    assert np.all(problem.mode_right[largest, [0, 1]] > 0)
    assert np.all(np.diff(problem.mode_strength) <= 0)
    arrays = [value for value in vars(problem).values() if isinstance(value, np.ndarray)]
    assert all(array.flags.c_contiguous and array.dtype == np.float64 for array in arrays)


def test_whitened_samples():
    problem = build_problem(Study.from_toml(TEXT))
    np.testing.assert_allclose(problem.covariance, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(problem.inputs.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(problem.labels.T @ problem.inputs / 12, problem.cross, atol=1e-14)


def test_the_least_loss_is_the_residual_in_the_loss_of_the_study():
    problem = build_problem(Study.from_toml(TEXT))
    residuals = problem.inputs @ problem.optimum.T - problem.labels
    assert problem.optimum_loss == pytest.approx(np.mean(residuals**2), rel=1e-12)
    half = build_problem(changed(('"mean"', '"half"')))
    assert half.optimum_loss == pytest.approx(np.mean(np.sum(residuals**2, axis=1)) / 2, rel=1e-12)


def test_fewer_samples_than_inputs():
    problem = build_problem(changed(("samples = 12", "samples = 2"), inputs('{ kind = "gaussian" }')))
    np.testing.assert_allclose(problem.factor @ problem.factor.T, problem.covariance, atol=1e-12)
    np.testing.assert_allclose(problem.optimum @ problem.covariance, problem.cross, atol=1e-12)
    assert problem.optimum_loss == pytest.approx(0, abs=1e-12)


def test_the_population_limit():
    problem = build_problem(
        changed(
            ("teacher =", 'inputs = { kind = "gaussian", spectrum = [4, 1, 0.25] }\nteacher ='),
            text=POPULATION,
        )
    )
    assert problem.inputs is None
    assert problem.labels is None
    np.testing.assert_array_equal(problem.covariance, np.diag([4, 1, 0.25]))
    np.testing.assert_array_equal(problem.optimum, problem.teacher)
    assert problem.noise_sd == 0.5
    assert problem.optimum_loss == pytest.approx(0.25)
    assert (problem.input_kind, problem.input_tail, problem.t2) == ("gaussian", math.inf, 1.0)


def test_a_teacher_of_lower_rank_has_exact_zero_modes():
    problem = build_problem(changed(("[4, 3]", "[4]"), text=POPULATION))
    assert problem.mode_strength[1] == 0.0


@pytest.mark.parametrize(
    ("law", "tail", "t2"),
    [
        ('{ kind = "student-t", nu = 6.0 }', 6.0, 2.0),
        ('{ kind = "student-t", nu = 4.0 }', 4.0, math.inf),
        ('{ kind = "stable", alpha = 1.5 }', 1.5, math.inf),
    ],
)
def test_heavy_tailed_population_inputs(law, tail, t2):
    problem = build_problem(changed(("teacher =", f"inputs = {law}\nteacher ="), text=POPULATION))
    assert (problem.input_tail, problem.t2) == (tail, t2)


@pytest.mark.parametrize(
    ("law", "sd"),
    [
        ('{ kind = "gaussian", scale = 0.25 }', 0.25),
        ('{ kind = "student-t", nu = 4.0, scale = 0.5 }', 0.5 * math.sqrt(2)),
        ('{ kind = "student-t", nu = 2.0, scale = 0.5 }', math.inf),
        ('{ kind = "stable", alpha = 1.5, scale = 0.5 }', math.inf),
    ],
)
def test_population_label_noise(law, sd):
    problem = build_problem(changed(("label_noise = 0.5", f"label_noise = {law}"), text=POPULATION))
    assert problem.noise_sd == pytest.approx(sd)
    assert math.isnan(problem.optimum_loss) == math.isinf(sd)


def test_data_depend_on_the_seed_of_the_data_alone():
    study = Study.from_toml(TEXT)
    first = build_problem(study)
    np.testing.assert_array_equal(build_problem(study.replace(seed=9)).labels, first.labels)
    other = build_problem(study.replace(data={"seed": 9}))
    assert not np.any(other.labels == first.labels)
    quiet = build_problem(study.replace(data={"label_noise": 0}))
    np.testing.assert_array_equal(quiet.inputs, first.inputs)
    np.testing.assert_allclose(quiet.optimum, quiet.teacher, atol=1e-12)


def test_lower_factor_is_the_cholesky_factor():
    matrix = np.cov(np.random.default_rng(0).standard_normal((4, 9)))
    np.testing.assert_allclose(lower_factor(matrix), np.linalg.cholesky(matrix), atol=1e-12)


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [0.7, 1.0, 1.3, 1.9])
def test_stable_draws_have_their_characteristic_function(alpha):
    """Fixed seed; 5 standard errors at 3 frequencies: false alarms below 1e-5. Control: another alpha."""
    draws = symmetric_stable(generator(1, "inputs"), alpha, (200_000,))
    assert np.all(np.isfinite(draws))
    for frequency in (2.0, 1.0, 0.3):
        waves = np.cos(frequency * draws)
        error = 5 * waves.std() / math.sqrt(draws.size)
        assert abs(waves.mean() - math.exp(-(frequency**alpha))) < error
    assert abs(waves.mean() - math.exp(-(frequency ** (alpha + 0.1)))) > error


@pytest.mark.statistics
def test_student_draws():
    """Fixed seed; four Kolmogorov-Smirnov tests at level 1e-4. Control: other degrees of freedom fail."""
    noise = sample_noise(generator(2, "label noise"), StudentNoise(nu=3.0, scale=2.0), (100_000,))
    assert stats.kstest(noise / 2, "t", (3,)).pvalue > 1e-4
    assert stats.kstest(noise / 2, "t", (4,)).pvalue < 1e-4
    inputs = sample_inputs(generator(2, "inputs"), StudentInputs(nu=6.0), 100_000, 2)
    assert stats.kstest(inputs[:, 0] * math.sqrt(6 / 4), "t", (6,)).pvalue > 1e-4
    radius = np.sum(inputs**2, axis=1) * 6 / 4 / 2
    assert stats.kstest(radius, "f", (2, 6)).pvalue > 1e-4
    raw = sample_inputs(generator(2, "inputs"), StudentInputs(nu=1.5), 100_000, 1)
    assert stats.kstest(raw[:, 0], "t", (1.5,)).pvalue > 1e-4
