"""Areas, entropy production and mixing times against the exact values of linear systems.

Statistical bounds are 5 standard errors (false alarm below 1e-6 a check) unless stated.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import expm

from fastsde.analysis.currents.entropy import entropy_production, uncertainty_bound
from fastsde.analysis.currents.lagged import LaggedMoments
from fastsde.analysis.currents.linear_process import LinearProcess, from_lag
from fastsde.analysis.currents.stochastic_area import areas

A = np.array([[1.0, 0.5], [-0.2, 2.0]])
NOISE = np.array([[1.0, 0.0], [0.4, 0.7]])
DIFFUSION = NOISE @ NOISE.T / 2
REVERSIBLE = LinearProcess(np.diag([1.0, 2.0]), np.diag([0.5, 0.3]))
ROTATING = LinearProcess.of_noise(A, DIFFUSION)


def paths(process, lag, snapshots, trajectories, seed):
    """Exact stationary paths of a linear process, (snapshot, trajectory, d)."""
    rng = np.random.default_rng(seed)
    step = expm(-process.drift * lag)
    root = np.linalg.cholesky(process.covariance)
    kick = np.linalg.cholesky(process.covariance - step @ process.covariance @ step.T)
    d = len(step)
    x = [rng.standard_normal((trajectories, d)) @ root.T]
    for _ in range(snapshots - 1):
        x.append(x[-1] @ step.T + rng.standard_normal((trajectories, d)) @ kick.T)
    return np.stack(x)


def moments(x):
    found = LaggedMoments(x.shape[1], x.shape[2])
    for before, after in pairwise(x):
        found.add(before, after)
    return found


def test_published_numbers_of_a_rotating_process():
    assert ROTATING.area_rate[0, 1] == pytest.approx(0.0208333, abs=1e-7)
    assert ROTATING.entropy_production == pytest.approx(0.0106293, abs=1e-7)
    drift, covariance, diffusion = ROTATING.drift, ROTATING.covariance, ROTATING.diffusion
    other = np.trace(drift.T @ np.linalg.solve(diffusion, drift) @ covariance) - np.trace(drift)
    assert ROTATING.entropy_production == pytest.approx(other)
    assert np.allclose(diffusion, DIFFUSION)


def test_detailed_balance_has_neither_current_nor_entropy_production():
    rng = np.random.default_rng(0)
    root, hessian = rng.normal(size=(2, 4, 4))
    hessian = hessian @ hessian.T
    isotropic = LinearProcess.of_noise(hessian, 0.3 * np.eye(4))
    assert np.allclose(isotropic.area_rate, 0)
    assert abs(isotropic.entropy_production) < 1e-12
    diffusion = root @ root.T
    matched = LinearProcess.of_noise(diffusion @ hessian, diffusion)  # A = D H: detailed balance
    assert np.allclose(matched.area_rate, 0)


def test_gradient_drift_rotates_where_the_noise_does_not_commute():
    """In the eigenbasis of H, Q_ij = D_ij (l_j - l_i) / (l_i + l_j)."""
    values = np.array([0.5, 1.0, 3.0])
    root = np.random.default_rng(1).normal(size=(3, 3))
    diffusion = root @ root.T
    process = LinearProcess.of_noise(np.diag(values), diffusion)
    gaps = (values[None, :] - values[:, None]) / (values[None, :] + values[:, None])
    assert np.allclose(-process.area_rate, diffusion * gaps)


def test_a_lag_gives_the_drift_back():
    step = expm(-A * 0.4)
    found = from_lag(ROTATING.covariance, step @ ROTATING.covariance, 0.4)
    assert np.allclose(found.drift, A)
    assert from_lag(np.eye(2), -0.5 * np.eye(2), 1.0) is None
    assert from_lag(np.eye(2), 0.1 * np.eye(2), 1.0, least=0.2) is None


@pytest.mark.statistics
def test_areas_and_entropy_production_of_sampled_paths():
    lag = 0.1
    found = moments(paths(ROTATING, lag, 200, 4000, 0))
    area = areas(found, lag, 199, 0)
    step = expm(-A * lag)
    chords = (ROTATING.covariance @ step.T - step @ ROTATING.covariance) / (2 * lag)
    assert abs(area.rate[0, 1] - chords[0, 1]) < 5 * area.error[0, 1]
    assert chords[0, 1] == pytest.approx(0.0208333, rel=0.2)
    assert area.rate[0, 1] > 5 * area.error[0, 1]  # it is told from zero
    assert area.p_value == 1 / 200
    entropy = entropy_production(found, lag, 199, 0)
    assert entropy.corrected.low < 0.0106293 < entropy.corrected.high
    assert entropy.corrected.low > 0
    assert entropy.p_value == 1 / 200
    assert entropy.plain - float(entropy.corrected.value) == pytest.approx(entropy.bias)
    assert entropy.bias > 0


@pytest.mark.statistics
def test_a_reversible_process_has_no_area_and_no_entropy_production():
    """P-values of 60 independent samples are uniform (Kolmogorov-Smirnov p > 1e-4); bias is taken off."""
    lag, p_area, p_entropy, corrected = 0.1, [], [], []
    for seed in range(60):
        found = moments(paths(REVERSIBLE, lag, 12, 200, seed))
        p_area.append(areas(found, lag, 99, seed).p_value)
        entropy = entropy_production(found, lag, 99, seed)
        p_entropy.append(entropy.p_value)
        corrected.append((entropy.corrected.value, entropy.bias))
    assert stats.kstest(p_area, "uniform").pvalue > 1e-4
    assert stats.kstest(p_entropy, "uniform").pvalue > 1e-4
    values, biases = np.array(corrected).T
    assert abs(values.mean()) < 5 * values.std() / math.sqrt(60)
    assert biases.mean() > 3 * abs(values.mean())  # without the correction it would be seen


@pytest.mark.statistics
def test_intervals_of_the_entropy_production_cover():
    """Of 60 samples at least 50 intervals hold the exact value (95 % cover: fewer has probability 2e-4)."""
    lag, held = 0.1, 0
    for seed in range(60):
        found = moments(paths(ROTATING, lag, 40, 2000, 100 + seed))
        interval = entropy_production(found, lag, 99, seed).corrected
        held += bool(interval.low <= ROTATING.entropy_production <= interval.high)
    assert held >= 50


def test_moments_in_groups_are_those_of_the_sample():
    x = paths(ROTATING, 0.2, 5, 333, 3)
    found = moments(x)
    centred = x - x.mean(axis=1, keepdims=True)
    lagged = np.einsum("sti,stj->ij", centred[1:], centred[:-1]) / (4 * 332)
    both = (np.einsum("sti,stj->ij", centred[1:], centred[1:])
            + np.einsum("sti,stj->ij", centred[:-1], centred[:-1])) / (8 * 332)  # fmt: skip
    covariance, got = found.moments()
    assert np.allclose(got, lagged)
    assert np.allclose(covariance, both)
    assert np.allclose(found.moments(flips=-np.ones(found.groups))[1], lagged.T)
    turned = found.projected(np.array([[1.0, 1.0]]))
    assert turned.moments()[0] == pytest.approx(both.sum())
    assert found.part(slice(0, 50)).count.sum() < found.count.sum()


@pytest.mark.statistics
def test_the_uncertainty_bound_is_below_the_entropy_production():
    x = paths(ROTATING, 0.05, 400, 3000, 5)
    cross = x[:-1, :, 0] * x[1:, :, 1] - x[:-1, :, 1] * x[1:, :, 0]
    rates = cross.mean(axis=0) / (2 * 0.05)
    bound = uncertainty_bound(rates, 399 * 0.05)
    assert 0.2 * ROTATING.entropy_production < bound < 1.3 * ROTATING.entropy_production
