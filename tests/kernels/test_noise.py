"""Laws of the gradient noise and of one step, against the per-sample definition. Fixed seeds.

`covariance_error` takes the largest standardised error of a covariance matrix. Below 6 but for a
probability of 1e-6 a case for Gaussian noise (10 x 10 / 2 entries, two sides). A check by the standard error
of a mean alarms falsely with probability 6e-5 at 4 standard errors, 6e-7 at 5. Negative controls: the same
test with a covariance 8 per cent off, and without the correction for drawing without replacement.
"""

import math

import numpy as np
import pytest
from studies import study
from tools import INPUTS, Case

RATE = 0.05
COUNT = 40_000
WIDTHS = (3, 2, 2)

pytestmark = pytest.mark.statistics


def noises(case, count=COUNT):
    """The noise of many first steps from one point, in units of the gradient; (count, p), and the point."""
    theta = case.points(1)
    moved = theta - case.advance(np.repeat(theta, count, axis=0))
    return moved / RATE - case.reference.gradient(theta, case.problem), theta[0]


def covariance_error(sample, exact):
    spread = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / len(sample))
    return np.max(np.abs(sample.T @ sample / len(sample) - exact) / spread)


def mean_error(sample, exact):
    return np.abs(sample.mean(axis=0) / np.sqrt(np.diag(exact) / len(sample))).max()


def sample_covariance(case, theta):
    """Covariance of one sample's gradient, from the definition; (p, p)."""
    if case.problem.inputs is not None:
        return np.cov(case.reference.sample_gradients(theta, case.problem).T, bias=True)
    return population_covariance(case.reference, case.problem, theta)


def population_covariance(reference, problem, theta):
    """The same from the fourth moments ``E x_i x_j x_k x_l = t2 (S_ij S_kl + S_ik S_jl + S_il S_jk)``."""
    s, deviation = problem.covariance, reference.end_to_end(theta) - problem.optimum
    d_out, d_in = deviation.shape
    ds, dsd = deviation @ s, deviation @ s @ deviation.T
    c = problem.t2 * (
        np.einsum("ik,jl->ijkl", dsd, s) + np.einsum("il,kj->ijkl", ds, ds) + np.einsum("ij,kl->ijkl", ds, ds)
    )
    c += problem.noise_sd**2 * np.einsum("ik,jl->ijkl", np.eye(d_out), s) - np.einsum("ij,kl->ijkl", ds, ds)
    basis = np.eye(d_out * d_in).reshape(-1, d_out, d_in)
    push = np.stack([reference.push(theta, b) for b in basis]) * problem.loss_scale
    return push.T @ c.reshape(d_out * d_in, -1) @ push


def regular(exact):
    """Enough jitter that entries without noise do not divide by zero."""
    return exact + 1e-12 * np.diag(np.diag(exact)).max() * np.eye(len(exact))


@pytest.mark.parametrize("data", INPUTS)
def test_the_noise_of_an_sde_has_the_covariance_of_the_samples(data):
    how = {} if INPUTS[data]["samples"] == "population" else {"sampling": "replacement"}
    model = {"kind": "sde", "noise": "gradient", "substeps": 1, "batch": 2, **how}
    case = Case(study(WIDTHS, model, **INPUTS[data]))
    noise, theta = noises(case)
    exact = regular(sample_covariance(case, theta) / 2)
    assert mean_error(noise, exact) < 5
    assert covariance_error(noise, exact) < 6
    assert covariance_error(noise, exact * 1.08) > 6
    assert np.trace(exact) * 2 == pytest.approx(case.reference.noise_trace(theta, case.problem), rel=1e-9)


@pytest.mark.parametrize("how", ["replacement", "without-replacement"])
@pytest.mark.parametrize("kind", ["sgd", "sde"])
def test_sgd_and_its_euler_model_have_the_same_two_moments_of_a_step(kind, how):
    model = {"kind": kind, "batch": 3, "sampling": how}
    if kind == "sde":
        model |= {"noise": "gradient", "substeps": 1}
    case = Case(study(WIDTHS, model, samples=8))
    noise, theta = noises(case)
    exact = regular(sample_covariance(case, theta) / 3)
    finite = (8 - 3) / (8 - 1)
    right, wrong = (exact, exact * finite) if how == "replacement" else (exact * finite, exact)
    assert mean_error(noise, right) < 5
    assert covariance_error(noise, right) < 6
    assert covariance_error(noise, wrong) > 6


@pytest.mark.parametrize("data", ["population", "spectrum", "heavy"])
def test_sgd_on_fresh_data_has_the_covariance_of_the_population(data):
    """Inputs of Student's law have 10 degrees of freedom here: the test's own variance needs 8 moments."""
    options = dict(INPUTS[data])
    if data == "heavy":
        options["inputs"] = {"kind": "student-t", "nu": 10.0}
    case = Case(study(WIDTHS, {"kind": "sgd", "batch": 2, "sampling": "fresh"}, **options))
    noise, theta = noises(case, 3 * COUNT)
    exact = sample_covariance(case, theta) / 2
    assert mean_error(noise, exact) < 5
    products = noise[:, :, None] * noise[:, None, :]
    error = (products.mean(axis=0) - exact) / (products.std(axis=0) / math.sqrt(len(noise)))
    assert np.abs(error).max() < 5
    squares = np.sum(noise**2, axis=1)
    off = abs(squares.mean() - 1.08 * np.trace(exact))  # negative control
    assert off > 5 * squares.std() / math.sqrt(len(noise))


def test_epochs_give_neighbouring_batches_the_covariance_minus_one_over_n_less_one():
    """At a frozen point the noises of two batches of one epoch sum a sampling without replacement."""
    n, theta = 4, None
    case = Case(study(WIDTHS, {"kind": "sgd", "batch": 1, "sampling": "epoch"}, samples=n))
    theta = case.points(1)[0]
    gradients = case.reference.sample_gradients(theta, case.problem)
    noise = gradients - gradients.mean(axis=0)
    steps = np.concatenate([case.batches(400, first=first)[0] for first in range(0, 800, case.lanes)], axis=2)
    epochs = noise[steps.reshape(100, n, -1)]
    products = np.sum(epochs[:, 0] * epochs[:, 1], axis=-1).ravel()
    exact = -np.sum(noise**2) / n / (n - 1)
    standard_error = products.std() / math.sqrt(products.size)
    assert abs(products.mean() - exact) < 4 * standard_error
    assert abs(products.mean()) > 10 * standard_error  # negative control: independent batches
    assert np.allclose(epochs.sum(axis=1), 0, atol=1e-12)


def test_tempered_noise_has_the_covariance_of_the_gaussian_and_its_own_kurtosis():
    """Excess kurtosis ``3 (1 - a) / (lambda dt)`` in each direction; rows of one step share one clock."""
    model = {"kind": "sde", "noise": "gradient", "substeps": 1, "alpha": 1.4, "tempering": 20.0}
    case = Case(study(WIDTHS, model, **INPUTS["heavy"]))
    noise, theta = noises(case, 3 * COUNT)
    exact = sample_covariance(case, theta)
    along = noise @ np.linalg.eigh(exact)[1][:, -1]
    scaled = along / math.sqrt(np.linalg.eigvalsh(exact)[-1])
    assert abs((scaled**2).mean() - 1) < 4 * (scaled**2).std() / math.sqrt(scaled.size)
    fourth = scaled**4
    expected = 3 + 3 * 0.3 / (20.0 * RATE)
    assert abs(fourth.mean() - expected) < 4 * fourth.std() / math.sqrt(scaled.size)
    assert abs(fourth.mean() - 3) > 4 * fourth.std() / math.sqrt(scaled.size)  # negative control: Gaussian


def test_stable_noise_is_elliptical_with_its_characteristic_function():
    """Projections on u have ``exp(-(u^T C u / 2)^(alpha / 2))``."""
    alpha = 1.5
    model = {"kind": "sde", "noise": "isotropic", "temperature": 0.02, "substeps": 1, "alpha": alpha}
    case = Case(study(WIDTHS, model))
    noise, _ = noises(case)
    variance = 2 * 0.02 / RATE
    random = np.random.default_rng(0)
    for exponent in (0.1, 0.3, 1.0, 2.0):
        u = random.normal(size=noise.shape[1])
        sample = np.cos(noise @ u * math.sqrt(2 * exponent / variance) / np.linalg.norm(u))
        standard_error = sample.std() / math.sqrt(sample.size)
        assert abs(sample.mean() - math.exp(-(exponent ** (alpha / 2)))) < 4 * standard_error
        if exponent != 1:  # negative control: Gaussian
            assert abs(sample.mean() - math.exp(-exponent)) > 10 * standard_error
