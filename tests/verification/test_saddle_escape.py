"""Escape from saddles from stated starts against closed laws: without noise, isotropic noise, noise of SGD.

Fixed seeds; bounds are 5 standard errors (false alarm below 1e-6 a check) and the stated discretisation.
"""

import math
import os

import numpy as np
import pytest
from scipy.special import digamma, polygamma
from studies import study

import fastsde

SECOND, WIDTH, RATE, HEAT = 1.0, 4, 0.01, 1e-8
"""Strength of the mode that is learned next; hidden units, of which one is used; step; temperature."""
COUNT = 2000


def left(model, share, steps, count=COUNT, widths=(3, WIDTH, 2), noise=0.0, **init):
    """Steps at which trajectories leave a saddle, at a share of the next mode's strength."""
    init = {"kind": "saddle", "rank": 1, **init}
    s = study(widths, model, samples="population", noise=noise, rate=RATE, network={"init": init},
              time={"steps": steps, "snapshots": {"at": [steps]}}, record={"observables": ["loss"]},
              events={"escaped": [share], "mode_learned": [share]})  # fmt: skip
    events = fastsde.integrate(s, "m", 0, count).events
    assert (events["mode_learned_step"][:, 0, 0] == 0).all() == (init["rank"] > 0)
    assert (events["escaped_step"] > 0).all()
    return events["escaped_step"][:, 0]


def amplitude(units):
    """Mean of ``ln chi_k``, the logarithm of the size of k normals, and its standard deviation."""
    return (digamma(units / 2) + math.log(2)) / 2, math.sqrt(polygamma(1, units / 2)) / 2


def test_a_perturbation_along_the_escape_direction_grows_by_the_scalar_recursion():
    """``x' = x + eta x (s - x^2)`` from ``x_0 = p / sqrt(2)``, ``|W - W_1| = x^2``: the same step for every
    direction; and Saxe's logistic curve to first order in eta. Negative control: the first mode's strength.
    """
    size, share = 1e-3, 0.5
    steps = left({"kind": "gd"}, share, 1000, count=64, perturbation=size, direction="escape")
    x, expected = size / math.sqrt(2), 0
    while x * x < share * SECOND:
        x, expected = x + RATE * x * (SECOND - x * x), expected + 1
    assert np.ptp(steps) == 0
    assert abs(steps[0] - expected) <= 1  # rounding where the mode is next to the level
    half = math.log((SECOND - size**2 / 2) / (size**2 / 2)) / (2 * SECOND)
    assert steps[0] * RATE == pytest.approx(half, rel=0.02)
    assert steps[0] * RATE != pytest.approx(half / 2, rel=0.2)


def test_three_layers_are_left_more_slowly_than_exponentially():
    """``x' = x + eta x^2 (s - x^3)`` from ``x_0 = p / sqrt(3)``: the time goes as 1 / (s x_0)."""
    size, share = 0.05, 0.5
    widths = (3, WIDTH, 5, 2)
    steps = left({"kind": "gd"}, share, 6000, count=8, widths=widths, perturbation=size, direction="escape")
    x, expected = size / math.sqrt(3), 0
    while x**3 < share * SECOND:
        x, expected = x + RATE * x * x * (SECOND - x**3), expected + 1
    assert np.ptp(steps) == 0
    assert abs(steps[0] - expected) <= 1
    assert steps[0] * RATE == pytest.approx(math.sqrt(3) / size / SECOND, rel=0.05)


SGD = {
    "the sde": {"kind": "sde", "noise": "gradient", "batch": 1, "substeps": 4},
    "sgd": {"kind": "sgd", "sampling": "fresh", "batch": 1},
}
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"


@pytest.mark.statistics
@pytest.mark.parametrize("name", SGD if WHOLE else ["the sde"])
def test_gradient_noise_delays_the_escape_from_the_origin(name):
    """From a stated perturbation the top mode grows at the rate ``s - eta (2 s^2 + sigma^2) / (2 B)``, and in
    steps of h at ``h s^2 / 2`` less (E12). Negative control: the rate without noise.
    """
    size, share, top, sigma = 1e-3, 0.02, 2.0, 0.5
    substeps = SGD[name].get("substeps", 1)
    h = RATE / substeps
    start = {"rank": 0, "perturbation": size, "direction": "escape"}
    times = left(SGD[name], share, 800, noise=sigma, **start) * h
    rate = top - RATE / 2 * (2 * top**2 + sigma**2) - h / 2 * top**2
    length = math.log(share * top / (size**2 / 2)) / 2
    deviation = math.sqrt(length * RATE * (2 * top**2 + sigma**2) / rate**3)
    error = 5 * deviation / math.sqrt(COUNT) + RATE
    assert abs(times.mean() - length / rate - h / 2) < error
    assert times.std() == pytest.approx(deviation, rel=0.15)
    assert times.mean() - length * h / math.log1p(h * top) > error


@pytest.mark.statistics
def test_random_perturbations_grow_through_the_unused_units():
    """Of size p in all entries: ``x_0 = p chi_k``, k the unused units. Negative control: all units."""
    size, share = 1e-3, 0.1
    times = left({"kind": "gd"}, share, 1500, perturbation=size) * RATE
    growth = math.log1p(SECOND * RATE) / RATE
    level = math.log(math.sqrt(2 * share * SECOND) / size) - math.log1p(-share) / 2
    mean, deviation = amplitude(WIDTH - 1)
    error = 5 * deviation / growth / math.sqrt(COUNT) + 2 * RATE
    assert abs(times.mean() - (level - mean) / growth) < error
    assert times.std() == pytest.approx(deviation / growth, rel=0.1)
    assert abs(times.mean() - (level - amplitude(WIDTH)[0]) / growth) > 1.5 * error


@pytest.mark.statistics
def test_isotropic_noise_leaves_the_exact_saddle_at_the_time_of_the_linear_law():
    """No perturbation: E11 of the next mode with the unused units, Euler's growth and variance, and the first
    bend upwards. Negative controls: all hidden units, and the strength of the first mode.
    """
    share, substeps = 0.02, 4
    h = RATE / substeps
    model = {"kind": "sde", "noise": "isotropic", "temperature": HEAT, "substeps": substeps, "alpha": 2.0}
    times = left(model, share, 1400) * h

    def law(strength, units):
        growth = math.log1p(strength * h) / h
        spread = math.sqrt(2 * HEAT / (2 * strength + strength**2 * h))
        mean, deviation = amplitude(units)
        level = math.log(math.sqrt(2 * share * strength) / spread) - math.log1p(-share) / 2
        return (level - mean) / growth + h / 2, deviation / growth

    mean, deviation = law(SECOND, WIDTH - 1)
    error = 5 * deviation / math.sqrt(COUNT) + 0.01
    assert abs(times.mean() - mean) < error
    assert times.std() == pytest.approx(deviation, rel=0.1)
    assert abs(times.mean() - law(SECOND, WIDTH)[0]) > 2 * error
    assert abs(times.mean() - law(2.0, WIDTH - 1)[0]) > 20 * error


def test_gradient_noise_does_not_leave_an_exact_saddle():
    """Noise vanishes in the directions of unused units (A7.2); a perturbation of any size is needed."""
    init = {"kind": "saddle", "rank": 1}
    model = {"kind": "sde", "noise": "gradient", "batch": 1, "substeps": 1}
    s = study((3, WIDTH, 2), model, samples="population", noise=0.0, steps=200, network={"init": init},
              events={"mode_learned": [0.5]}, record={"observables": ["loss"]})  # fmt: skip
    outcome = fastsde.integrate(s, "m", 0, 8)
    inner = outcome.parameters[:, : 3 * WIDTH].reshape(8, WIDTH, 3)
    assert not inner[:, 1:].any()
    assert (outcome.events["mode_learned_step"][:, 0, 1] == -1).all()
