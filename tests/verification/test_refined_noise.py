"""Laws of a step's noise on networks: stable by entry, jumps, the scale of a batch, schedules.

Statistical bounds are 5 standard errors with fixed seeds (false alarm below 1e-6 a check).
"""

import math

import numpy as np
import pytest
from studies import one_step, study

import fastsde
from fastsde.integrate.lowering import lower
from fastsde.problem.network import DeepLinearNetwork

SEEN = {"record": {"observables": ["parameters"]}, "events": {"mode_learned": []}}
WIDTHS = (3, 4, 2)
GRADIENT = {"kind": "sde", "noise": "gradient", "substeps": 1, "sampling": "replacement"}


def point(seed=0):
    return np.random.default_rng(seed).normal(0, 0.5, (1, DeepLinearNetwork(WIDTHS).size))


@pytest.mark.statistics
def test_component_noise_of_a_population_is_a_sum_over_the_entries_of_its_normal_matrices():
    """N = D F G F^T + sigma Z F^T: stable entries of G (diagonal times root 2) and Z; cf of a step."""
    alpha, rate, sigma, count = 1.5, 0.1, 0.3, 100_000
    model = {k: v for k, v in GRADIENT.items() if k != "sampling"} | {"alpha": alpha, "by_component": True}
    s = study(WIDTHS, model, samples="population", spectrum=(0.5, 2.0), rate=rate, noise=sigma, **SEEN)
    problem, network, theta = fastsde.build_problem(s), DeepLinearNetwork(WIDTHS), point()
    off, root = network.end_to_end(theta)[0] - problem.optimum, problem.factor
    entries = []
    for i in range(3):
        for j in range(i + 1):
            g = np.zeros((3, 3))
            g[i, j] = g[j, i] = math.sqrt(2) if i == j else 1.0
            entries.append(off @ root @ g @ root.T)
    entries += [sigma * np.outer(row, column) @ root.T for row in np.eye(2) for column in np.eye(3)]
    pushed = np.array([network.push(theta, entry)[0] for entry in entries])
    moved = one_step(s, np.repeat(theta, count, axis=0)) - theta + rate * network.gradient(theta, problem)
    random = np.random.default_rng(3)
    for _ in range(4):
        u = random.normal(size=theta.size)
        u /= (rate / math.sqrt(2)) * np.sum(np.abs(pushed @ u) ** alpha) ** (1 / alpha)  # cf 1/e
        values = np.cos(moved @ u)
        assert abs(values.mean() - math.exp(-1)) < 5 * values.std() / math.sqrt(count)
        elliptical = (rate / math.sqrt(2)) * np.linalg.norm(pushed @ u)
        assert abs(values.mean() - math.exp(-(elliptical**alpha))) > 5 * values.std() / math.sqrt(count)


@pytest.mark.statistics
def test_jumps_leave_the_covariance_of_gradient_noise_and_raise_its_kurtosis():
    """Covariance eta^2 C / B as without; kurtosis of every projection 3 (1 + w^2 / mu)."""
    rate, batch, jumps, share, count = 0.1, 2, 5.0, 0.8, 200_000
    model = GRADIENT | {"batch": batch, "jumps": {"rate": jumps, "share": share}}
    s = study(WIDTHS, model, rate=rate, **SEEN)
    problem, network, theta = fastsde.build_problem(s), DeepLinearNetwork(WIDTHS), point()
    samples = network.sample_gradients(theta, problem)[0]
    moved = one_step(s, np.repeat(theta, count, axis=0)) - theta + rate * samples.mean(0)
    exact = np.cov(samples.T, bias=True) * rate**2 / batch
    products = moved[:, :, None] * moved[:, None]
    error = products.std(0) / math.sqrt(count)
    assert np.all(np.abs(products.mean(0) - exact) < 5 * error + 1e-12)
    assert np.any(np.abs(products.mean(0) - 1.1 * exact) > 5 * error)
    excess = 3 * share**2 / (jumps * rate)
    for u in np.random.default_rng(1).normal(size=(3, theta.size)):
        x = moved @ u / math.sqrt(u @ exact @ u)
        assert abs((x**4).mean() - 3 - excess) < 5 * (x**4).std() / math.sqrt(count)
    assert excess > 3


@pytest.mark.parametrize(
    ("noise", "power"),
    [
        ({"noise": "isotropic", "temperature": 0.3}, 1 / 2),
        ({"noise": "isotropic", "temperature": 0.3, "alpha": 1.5}, 1 / 1.5),
        ({"noise": "isotropic", "temperature": "matched", "match_at": "start", "alpha": 1.5}, 1.0),
        ({"noise": "gradient"}, 1.0),
    ],
)
def test_noise_follows_a_schedule_as_a_change_of_time_demands(noise, power):
    """At the share f of the learning rate: drift f, constant noise f^(1/alpha), SGD's f; to rounding."""
    rate, f = 0.05, 0.25
    model = {"kind": "sde", "substeps": 1, **noise}
    theta = np.repeat(point(), 16, axis=0)
    plain, slow = (
        one_step(study(WIDTHS, model, rate=rate, time={"schedule": schedule}, **SEEN), theta) - theta
        for schedule in ({"kind": "constant"}, {"kind": "constant", "warm_up": 3})
    )
    slope = DeepLinearNetwork(WIDTHS).gradient(theta, fastsde.build_problem(study(WIDTHS, model)))
    assert np.allclose(slow + f * rate * slope, f**power * (plain + rate * slope), rtol=0, atol=1e-12)
    assert np.abs(plain + rate * slope).max() > 1e-2


def test_the_scale_of_a_batch_follows_the_generalised_central_limit_where_asked():
    """B^(-1/2) by default, B^(1/alpha - 1) with batch_scaling; what fixes the scale is said."""
    alpha, found = 1.5, {}
    for batch in (1, 4):
        for scaling in (None, "stable"):
            model = GRADIENT | {"alpha": alpha, "batch": batch, "batch_scaling": scaling}
            s = study(WIDTHS, model)
            low = lower(s, "m", fastsde.build_problem(s))
            found[batch, scaling] = low.dynamics.amplitude
            assert ("B^(1/alpha - 1/2)" in low.attributes["noise_scale_of"]) == (scaling is not None)
            assert f"a batch of {batch}" in low.attributes["noise_scale_of"]
    assert found[4, None] / found[1, None] == pytest.approx(4**-0.5)
    assert found[4, "stable"] / found[1, "stable"] == pytest.approx(4 ** (1 / alpha - 1))
    assert found[1, "stable"] == found[1, None]
