"""Gradient noise of shuffled epochs: covariance against all orders of the samples, a step against NumPy."""

import itertools
import math
import os

import numpy as np
import pytest
from landscape_studies import landscape_study
from studies import study
from tools import Case

import fastsde
from fastsde.integrate.lowering import batch_share
from fastsde.kernels import philox

RATE = 0.05
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
"""Whether to take the variants that are compiled beside the others."""


def model(batch=2, substeps=3, **more):
    return {
        "kind": "sde",
        "noise": "gradient",
        "batch": batch,
        "epoch_bridge": True,
        "substeps": substeps,
        **more,
    }


def sizes_of(n, batch):
    """Sizes of the batches of an epoch."""
    return [min(batch, n - first) for first in range(0, n, batch)]


def next_bridge(bridge, xi, number, n, batch, substeps):
    """The carried bridge after an integrator step with normals `xi`, and the weights less their mean."""
    sizes = sizes_of(n, batch)
    place, inside = number // substeps % len(sizes), number % substeps
    size = sizes[place]
    share = size / ((n - sum(sizes[:place])) * substeps - size * inside)  # of what is left of the epoch
    centred = xi - xi.mean(axis=-1, keepdims=True)
    step = -share * bridge + math.sqrt(size / substeps / n * (1 - share)) * centred
    return bridge + step, substeps / size * math.sqrt(n / (n - 1)) * step


def weights_by_step(n, batch, substeps):
    """The weights of the learning-rate steps of an epoch as linear functions of all normals."""
    total = substeps * len(sizes_of(n, batch))
    bridge, steps = np.zeros((total * n, n)), []
    for number in range(total):
        xi = np.zeros((total * n, n))
        xi[number * n : (number + 1) * n] = np.eye(n)
        bridge, weights = next_bridge(bridge, xi, number, n, batch, substeps)
        steps.append(weights / substeps)
    return bridge, np.sum(np.split(np.stack(steps), total // substeps), axis=1)


def all_weights_of_sgd(n, batch):
    """The same of SGD: 1 / b of a sample in the batch, less 1 / n, for every order of the samples."""
    found = []
    for order in itertools.permutations(range(n)):
        rows = np.full((len(sizes_of(n, batch)), n), -1 / n)
        for k, row in enumerate(rows):
            members = order[k * batch : (k + 1) * batch]
            row[list(members)] += 1 / len(members)
        found.append(rows.ravel())
    return np.array(found)


@pytest.mark.parametrize(("n", "batch"), [(6, 2), (5, 2), (5, 1), (4, 3)])
@pytest.mark.parametrize("substeps", [1, 3])
def test_the_covariance_of_an_epoch_is_that_of_shuffled_batches(n, batch, substeps):
    """Exactly, within a step and between steps, also where the last batch is smaller."""
    exact = all_weights_of_sgd(n, batch)
    bridge, weights = weights_by_step(n, batch, substeps)
    rows = np.concatenate(list(weights), axis=1)
    assert np.allclose(rows.T @ rows, exact.T @ exact / len(exact), atol=1e-14)
    assert np.allclose(bridge, 0, atol=1e-14)
    sums = np.einsum("k,kzn->zn", sizes_of(n, batch), weights)
    assert np.allclose(sums, 0, atol=1e-14)  # an epoch has no noise to first order
    independent = exact.T @ exact / len(exact) * np.kron(np.eye(len(weights)), np.ones((n, n)))
    assert not np.allclose(rows.T @ rows, independent, atol=1e-3)  # as noise that forgets would have


def expected(case, theta, start, steps, first, n, batch, substeps):
    """The states after some steps from the beginning of an epoch, in NumPy."""
    bridge, x = np.zeros((len(theta), n)), theta.astype(np.float64)
    for number in range(start, start + steps):
        xi = case.draws(n, philox.NOISE, first=first, step=number)
        bridge, weights = next_bridge(bridge, xi, number, n, batch, substeps)
        gradients = case.reference.sample_gradients(x, case.problem)
        x = x - RATE / substeps * np.einsum("tn,tnp->tp", 1 / n + weights, gradients)
    return x, bridge


@pytest.mark.parametrize("dtype", ["float64", "float32"] if WHOLE else ["float64"])
def test_a_step_is_its_formula(dtype):
    """In the second epoch of seven samples in batches of two, and half of the third."""
    n, batch, substeps, first = 7, 2, 3, 8
    case = Case(study((3, 4, 2), model(batch, substeps), samples=n, dtype=dtype))
    theta = case.points()
    assert case.lowered.carried == n
    state = np.pad(theta, ((0, 0), (0, n)))
    x, bridge = expected(case, theta, 12, 18, first, n, batch, substeps)
    got = case.advance(state, first=first, start=12, steps=18)
    tolerance = {"float64": 1e-12, "float32": 3e-5}[dtype]
    assert np.allclose(got[:, : theta.shape[1]], x, rtol=tolerance, atol=tolerance)
    assert np.allclose(got[:, theta.shape[1] :], bridge, rtol=tolerance, atol=tolerance)
    assert np.abs(bridge).max() > 0.1
    whole = case.advance(state, first=first, start=12, steps=12)
    assert np.array_equal(whole[:, theta.shape[1] :], np.zeros((len(theta), n)))  # and not only nearly


def test_the_amplitude_is_the_local_diffusion():
    """Over a step of the whole learning rate, the variance is that of the independent noise."""
    n, batch = 8, 2
    case = Case(study((3, 4, 2), model(batch, 1), samples=n))
    bridged = case.lowered.dynamics.amplitude
    assert bridged**2 * (1 - batch / n) == pytest.approx(batch_share(case.study.models["m"], case.problem, n))


@pytest.mark.statistics
@pytest.mark.skipif(not WHOLE, reason="compiles the landscapes' step")
def test_on_a_landscape_an_epoch_has_hardly_any_noise():
    """From one point the variance after an epoch is of order eta^4; with noise that forgets, of eta^2."""
    landscape = {"kind": "phase-retrieval", "size": 3, "samples": 6, "start": {"point": [0.4, -0.8, 0.3]}}
    spread = []
    for bridge in (True, None):
        one = landscape_study(landscape, model(2, 2, sampling="epoch", epoch_bridge=bridge), steps=3)
        spread.append(np.trace(np.cov(fastsde.integrate(one, "m", 0, 4096).parameters.T)))
    assert spread[0] < 0.01 * spread[1]
