"""Adam, RMSProp, signSGD, inertia and their SDEs, many steps against NumPy with the same random numbers."""

import math
import os

import numpy as np
import pytest
from scipy.special import erf as exact_erf
from studies import study
from tools import Case

from fastsde.kernels import philox
from fastsde.kernels.special import erf32, erf64

RATE = 0.01
STEPS = 50
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
"""Whether to take AdamW too, with the full gradient, which compiles for half a minute."""
FULL = {"gradient": "full", "weight_decay": 0.1}
DRAWN = {"batch": 2, "sampling": "replacement"}


def case(model, **more):
    return Case(study((3, 4, 2), model, samples=7, rate=RATE, **more))


def carried(theta, numbers):
    """The states with as many numbers per parameter behind them, 0 at first."""
    return np.hstack([theta, np.zeros((len(theta), numbers * theta.shape[1]))])


def gradients(one, theta, indices=None):
    """Gradients of the whole loss, or of the batches of `indices`, (batch, lanes)."""
    if indices is None:
        return one.reference.gradient(theta, one.problem)
    samples = one.reference.sample_gradients(theta, one.problem)
    return np.stack([samples[t, indices[:, t]].mean(0) for t in range(len(theta))])


def batch_law(one, theta, xi):
    """Gradient, its noise for a batch of two with replacement, and the variance of that batch's gradient."""
    samples = one.reference.sample_gradients(theta, one.problem)
    n = samples.shape[1]
    weights = (xi - xi.mean(1, keepdims=True)) / math.sqrt(2 * n)
    return samples.mean(1), np.einsum("tn,tnp->tp", weights, samples), samples.var(1) / 2


def rule(name, g, state, k, *, b1=0.9, b2=0.999, eps=1e-8, decay=0.0):
    """One step of an algorithm as its paper or PyTorch has it: what is subtracted, over the learning rate."""
    m, v = state
    if name == "signsgd":
        m[:] = b1 * m + (1 - b1) * g
        return np.sign(m)
    v[:] = b2 * v + (1 - b2) * g**2
    if name == "rmsprop":
        return g / (np.sqrt(v / (1 - b2**k) if decay else v) + eps)
    m[:] = b1 * m + (1 - b1) * g
    return m / (1 - b1**k) / (np.sqrt(v / (1 - b2**k)) + eps)


ALGORITHMS = {
    "adam": ({"kind": "adam"}, {}),
    "adamw": ({"kind": "adam", "beta1": 0.8, "beta2": 0.95, "decoupled_weight_decay": 0.2},
              {"b1": 0.8, "b2": 0.95}),
    "rmsprop": ({"kind": "rmsprop"}, {"b2": 0.99}),
    "corrected": ({"kind": "rmsprop", "bias_correction": True}, {"b2": 0.99, "decay": True}),
    "signsgd": ({"kind": "signsgd"}, {"b1": 0.0}),
    "signum": ({"kind": "signsgd", "beta": 0.9}, {}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALGORITHMS if WHOLE or name != "adamw"])
def test_algorithms_follow_their_rules_for_fifty_steps(name):
    """With the batches that SGD draws; AdamW with the full gradient, and decay of both kinds."""
    model, numbers = ALGORITHMS[name]
    full, decay = name == "adamw", 0.1 if name == "adamw" else 0.0
    one = case(model | (FULL if full else DRAWN))
    theta = one.points()
    drawn = Case(study((3, 4, 2), {"kind": "sgd", **DRAWN}, samples=7)).batches(STEPS)[0]
    low = one.lowered
    assert low.carried == {"signsgd": 1}.get(model["kind"], 2) * theta.shape[1]
    exact, state = theta.copy(), (np.zeros_like(theta), np.zeros_like(theta))
    for k in range(STEPS):
        g = gradients(one, exact, None if full else drawn[k]) + decay * exact
        exact = exact * (1 - 2 * RATE * decay) - RATE * rule(model["kind"], g, state, k + 1, **numbers)
    got = one.advance(carried(theta, low.carried // theta.shape[1]), steps=STEPS)[:, : theta.shape[1]]
    assert np.abs(exact - theta).max() > 0.05
    np.testing.assert_allclose(got, exact, rtol=0, atol=1e-9)


def sde_steps(name, own, corrected=True):
    """A model of the SDE, its states and those of NumPy after some substeps."""
    numbers = {"beta1": 0.6, "beta2": 0.9} if name == "adam" else {} if name == "signsgd" else {"beta": 0.9}
    more = {} if name == "signsgd" else {"epsilon": 1e-3, "gradient_square": own}
    more |= {"bias_correction": corrected} if name == "rmsprop" else {}
    model = {"kind": f"{name}-sde", "substeps": 2, **DRAWN, **numbers, **more}
    one, steps, h = case(model), 6, RATE / 2
    theta = one.points()
    exact, m, v = theta.copy(), np.zeros_like(theta), np.zeros_like(theta)
    b1, b2 = math.exp(-0.4 / 2), math.exp(-0.1 / 2)
    for k in range(steps):
        xi = one.draws(7 if name != "signsgd" else theta.shape[1], philox.NOISE, step=k)
        slope, noise, variance = batch_law(one, exact, xi if name != "signsgd" else np.zeros((len(xi), 7)))
        v = b2 * v + (1 - b2) * (variance + (slope**2 if own else 0.0))
        scale = np.sqrt(v / (1 - b2 ** (k + 1)) if corrected else v) + 1e-3
        if name == "signsgd":
            e = exact_erf(slope / np.sqrt(2 * variance))
            exact = exact - h * e + np.sqrt(RATE * h * (1 - e**2)) * xi
        elif name == "rmsprop":
            exact = exact - (h * slope + math.sqrt(RATE * h) * noise) / scale
        else:
            m = b1 * m + (1 - b1) * (slope + math.sqrt(RATE / h) * noise)
            exact = exact - h * m / (1 - b1 ** (k + 1)) / scale
    numbers = 0 if name == "signsgd" else 2
    return one.advance(carried(theta, numbers), steps=steps)[:, : theta.shape[1]], exact, theta


@pytest.mark.parametrize(
    ("name", "own", "corrected"),
    [("adam", False, True), ("adam", True, True), ("rmsprop", False, True), ("rmsprop", False, False),
     ("signsgd", False, True)],
)  # fmt: skip
def test_sdes_follow_their_definitions_with_the_same_noise(name, own, corrected):
    got, exact, theta = sde_steps(name, own, corrected)
    assert np.abs(exact - theta).max() > 0.02
    np.testing.assert_allclose(got, exact, rtol=0, atol=1e-10)


def test_baoab_and_the_splitting_with_gradient_noise_in_numpy():
    h, p, steps = RATE / 2, 20, 5
    warm = {"kind": "underdamped", "friction": 3.0, "temperature": 0.2, "mass": 0.5, "substeps": 2}
    one = case(warm)
    theta, fall = one.points(), math.exp(-3.0 * h)
    x, v = theta.copy(), np.zeros_like(theta)
    for k in range(steps):
        v = v - (0.5 if k == 0 else 1.0) * h / 0.5 * gradients(one, x)
        x = x + h / 2 * v
        v = fall * v + math.sqrt(0.2 / 0.5 * (1 - fall**2)) * one.draws(p, philox.NOISE, step=k)
        x = x + h / 2 * v
    got = one.advance(carried(theta, 1), steps=steps)
    np.testing.assert_allclose(got, np.hstack([x, v]), rtol=0, atol=1e-11)
    for model, mass, damping in (
        ({"kind": "underdamped", "noise": "gradient", "friction": 3.0, "mass": 0.5}, 0.5, 3.0 * h / 2),
        ({"kind": "momentum-sde", "momentum": 0.8}, RATE, 0.2 / 4),
    ):
        one = case(model | DRAWN | {"substeps": 2})
        x, v = theta.copy(), np.zeros_like(theta)
        for k in range(steps):
            x = x + h / 2 * v
            slope, noise, _ = batch_law(one, x, one.draws(7, philox.NOISE, step=k))
            force = -(h * slope + math.sqrt(RATE * h) * noise) / mass
            v = ((1 - damping) * v + force) / (1 + damping)
            x = x + h / 2 * v
        got = one.advance(carried(theta, 1), steps=steps)
        np.testing.assert_allclose(got, np.hstack([x, v]), rtol=0, atol=1e-10)


def test_the_error_function():
    x = np.concatenate([np.linspace(-8, 8, 20_001), [0.0, 1e-300, np.inf]])
    assert np.abs(erf64(x)[0] - exact_erf(x)).max() < 4e-15
    assert np.abs(erf32(x.astype(np.float32))[0] - exact_erf(x)).max() < 2e-6
    with np.errstate(invalid="ignore"):  # a number is converted to an integer on the way
        assert np.isnan(erf64(np.array([np.nan]))[0])[0]
