"""Landscapes, noises and clocks against exact answers of the theory of stochastic processes.

Fixed seeds; bounds are 5 standard errors unless stated (false alarm below 1e-6 a check), with negative
controls.
"""

import math
import os

import numpy as np
import pytest
from landscape_studies import free, landscape_study, run, unit_scale
from scipy import integrate as quadrature
from scipy import stats
from scipy.linalg import solve_sylvester
from scipy.special import dawsn, erfcx, gamma, zeta

COUNT = 4096
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
EULER_GAMMA = 0.5772156649
LEAVING = {"radius_above": [1.0], "stop": ["radius_above"]}
"""Nothing is computed of a trajectory after its first passage."""


def euler_covariance(a, noise, h):
    """Solve ``A Sig + Sig A^T - h A Sig A^T = C``, the covariance of Euler steps of length h."""
    size = len(a)
    one = np.eye(size)
    system = np.kron(a, one) + np.kron(one, a) - h * np.kron(a, a)
    return np.linalg.solve(system, noise.ravel()).reshape(size, size)


def mean_passage(outcome, event, h):
    """Mean and standard error of a first passage that everybody made."""
    steps = outcome.events[event].ravel()
    assert np.all(steps >= 0)
    return steps.mean() * h, steps.std() * h / math.sqrt(len(steps))


@pytest.mark.statistics
def test_anisotropic_noise_and_rotation_have_the_exact_covariance_and_current():
    """D: drift (I + J) H x, noise C: covariance and area rate of Euler steps are exact in h."""
    h, big = 0.05, np.array([[1.0, 0.3], [0.3, 2.0]])
    noise, j = np.array([[1.0, 0.4], [0.4, 0.65]]), np.array([[0.0, 0.7], [-0.7, 0.0]])
    model = {
        "kind": "sde", "noise": "given", "covariance": {"matrix": noise.tolist()}, "substeps": 1,
        "rotation": {"matrix": j.tolist()},
    }  # fmt: skip
    s = landscape_study(
        {"kind": "quadratic", "matrix": big.tolist()}, model, rate=h, steps=301,
        time={"snapshots": {"at": [300, 301]}},
    )  # fmt: skip
    x = run(s, 100_000)[0]["parameters"][1:]
    a = (np.eye(2) + j) @ big
    exact = euler_covariance(a, noise, h)
    count = x.shape[1]
    error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / count)
    assert np.all(np.abs(np.cov(x[1].T) - exact) < 5 * error)
    assert np.any(np.abs(np.cov(x[1].T) - solve_sylvester(a, a.T, noise)) > 5 * error)  # not h = 0
    area = 0.5 * (x[0, :, 0] * (x[1] - x[0])[:, 1] - x[0, :, 1] * (x[1] - x[0])[:, 0]) / h
    rate = 0.5 * (a @ exact - exact @ a.T)[0, 1]
    assert abs(area.mean() - rate) < 5 * area.std() / math.sqrt(count)
    assert abs(rate) > 20 * area.std() / math.sqrt(count)  # far from no current


@pytest.mark.statistics
def test_low_rank_plus_diagonal_is_the_matrix_it_stands_for():
    """Free motion for one step: the covariance of increments is C dt."""
    covariance = {"diagonal": [0.5, 0.0, 2.0], "factor": [[1.0], [2.0], [-1.0]]}
    model = {"kind": "sde", "noise": "given", "covariance": covariance, "substeps": 1}
    x = run(landscape_study(free(3), model, rate=0.25, steps=1), 100_000)[0]["parameters"][-1]
    exact = 0.25 * (np.diag([0.5, 0.0, 2.0]) + np.outer([1, 2, -1], [1, 2, -1]))
    error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / len(x))
    assert np.all(np.abs(np.cov(x.T) - exact) < 5 * error)


@pytest.mark.statistics
def test_escape_over_a_barrier_has_the_exact_mean_time():
    """E2: double well, T = 0.1, from -1 to 0.5; discrete looks move the level by 0.5826 sqrt(2 T h)."""
    h, heat = 0.01, 0.1
    s = landscape_study(
        {"kind": "double-well"}, {"kind": "sde", "noise": "isotropic", "temperature": heat, "substeps": 1},
        rate=h, steps=90_000, events={"mode_learned": [0.5], "stop": ["mode_learned"]},
    )  # fmt: skip
    got, error = mean_passage(run(s, 2048)[1], "mode_learned_step", h)
    level = 0.5 + 0.5826 * math.sqrt(2 * heat * h)

    def potential(y):
        return (y**4 / 4 - y**2 / 2) / heat

    def inner(y):
        return quadrature.quad(lambda z: math.exp(potential(y) - potential(z)), -4, y)[0]

    exact = quadrature.quad(inner, -1, level, limit=200)[0] / heat
    assert abs(got - exact) < 4 * error + 0.01 * exact  # the shift is of first order in h^(1/2)
    assert abs(got - 54.125) > 3 * error  # Kramers' asymptotic formula is 8 % low here


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [1.0, 1.2, 1.5, 1.8, 2.0] if WHOLE else [1.0, 1.5, 2.0])
def test_stable_motion_leaves_an_interval_in_getoors_mean_time(alpha):
    """E3: mean exit time of (-1, 1) from 0, with the barrier moved by c h^(1/alpha) for discrete looks."""
    h = 0.0025
    model = {
        "kind": "sde", "noise": "isotropic", "temperature": unit_scale(alpha, h), "alpha": alpha,
        "substeps": 1,
    }  # fmt: skip
    s = landscape_study(free(), model, rate=h, steps=8000, events=LEAVING)
    got, error = mean_passage(run(s, 20_000)[1], "radius_above_step", h)
    shift = -zeta(1 - 1 / alpha) * gamma(1 - 1 / alpha) / math.pi if alpha > 1 else 0.0
    radius = 1 + shift * h ** (1 / alpha)
    exact = radius**alpha / gamma(1 + alpha)
    late = h * math.log(1 / h) if alpha == 1 else 0.0  # the shift at alpha = 1 is of that order
    assert abs(got - exact) < 5 * error + late
    assert abs(got - 1 / gamma(1 + alpha + 0.1)) > 5 * error


@pytest.mark.statistics
def test_components_leave_a_disc_sooner_than_elliptical_noise():
    """E3 in two dimensions at alpha = 1.5: .41857 isotropic, .37613 independent components."""
    alpha, h = 1.5, 0.001
    shift = -zeta(1 - 1 / alpha) * gamma(1 - 1 / alpha) / math.pi
    means = {}
    for by_component in (False, True):
        model = {
            "kind": "sde", "noise": "isotropic", "temperature": unit_scale(alpha, h), "alpha": alpha,
            "substeps": 1, "by_component": by_component,
        }  # fmt: skip
        s = landscape_study(free(2), model, rate=h, steps=8000, events=LEAVING)
        means[by_component] = mean_passage(run(s, 20_000)[1], "radius_above_step", h)
    for by_component, continuous in ((False, 0.41857), (True, 0.37613)):
        got, error = means[by_component]
        exact = continuous * (1 + shift * h ** (1 / alpha)) ** alpha
        assert abs(got - exact) < 5 * error + 0.01 * exact  # the shift is one-dimensional
    assert means[False][0] - means[True][0] > 5 * (means[False][1] + means[True][1])


@pytest.mark.statistics
def test_anisotropic_stable_motion_leaves_a_disc_in_its_exact_mean_time():
    """E3 for the elliptical law of diag(1, .09), alpha = 1.5: .68626, isotropic over a mean of directions."""
    alpha, h, shape = 1.5, 0.001, np.array([1.0, 0.09])
    covariance = {"diagonal": (2 * unit_scale(alpha, h) * shape).tolist()}
    model = {"kind": "sde", "noise": "given", "covariance": covariance, "alpha": alpha, "substeps": 1}
    s = landscape_study(free(2), model, rate=h, steps=12_000, events=LEAVING)
    got, error = mean_passage(run(s, 20_000)[1], "radius_above_step", h)

    def size(angle):
        return (math.cos(angle) ** 2 + 0.09 * math.sin(angle) ** 2) ** (alpha / 2)

    mean = quadrature.quad(size, 0, math.pi / 2)[0] * 2 / math.pi
    isotropic = 1 / (2**alpha * gamma(1 + alpha / 2) * gamma((2 + alpha) / 2))
    assert abs(isotropic / mean - 0.68626) < 1e-4
    shift = -zeta(1 - 1 / alpha) * gamma(1 - 1 / alpha) / math.pi  # of the long axis, where most leave
    exact = 0.68626 * (1 + shift * h ** (1 / alpha)) ** alpha
    assert abs(got - exact) < 5 * error + 0.01 * exact
    assert abs(got - isotropic) > 10 * error


@pytest.mark.statistics
@pytest.mark.parametrize("by_component", [False, True])
def test_stable_ornstein_uhlenbeck_has_the_scale_of_its_euler_steps(by_component):
    """E8: scale e (h / (1 - (1 - lam h)^alpha))^(1/alpha), read off the characteristic function."""
    alpha, h, lam = 1.5, 0.3, 1.0
    model = {
        "kind": "sde", "noise": "isotropic", "temperature": unit_scale(alpha, h), "alpha": alpha,
        "substeps": 1, "by_component": by_component,
    }  # fmt: skip
    s = landscape_study({"kind": "quadratic", "eigenvalues": [lam, lam]}, model, rate=h, steps=60)
    x = run(s, 100_000)[0]["parameters"][-1]
    scale = (h / (1 - (1 - lam * h) ** alpha)) ** (1 / alpha)
    for u in (np.array([0.7, 0.0]), np.array([0.5, 0.5])):
        power = np.sum(np.abs(u) ** alpha) if by_component else np.linalg.norm(u) ** alpha
        values = np.cos(x @ u)
        error = values.std() / math.sqrt(len(x))
        assert abs(values.mean() - math.exp(-(scale**alpha) * power)) < 5 * error
        assert abs(values.mean() - math.exp(-power / (alpha * lam))) > 5 * error  # not h = 0


@pytest.mark.statistics
def test_stable_noise_leaves_a_well_in_the_mean_time_of_imkeller_and_pavlyukevich():
    """E4: exit of (-1, 1) by one big jump, exponential; independent of the well's shape at leading order."""
    alpha, h, e = 1.5, 0.02, 0.05
    model = {
        "kind": "sde", "noise": "isotropic", "temperature": e**2 * unit_scale(alpha, h), "alpha": alpha,
        "substeps": 1,
    }  # fmt: skip
    s = landscape_study(
        {"kind": "quadratic", "eigenvalues": [1.0]},
        model,
        rate=h,
        steps=150_000,
        events=LEAVING,
    )
    got, error = mean_passage(run(s, 512)[1], "radius_above_step", h)
    exact = math.pi / (gamma(alpha) * math.sin(math.pi * alpha / 2) * e**alpha * 2)
    assert abs(got / exact - 1) < 0.06 + 4 * error / exact


@pytest.mark.statistics
def test_a_linear_saddle_is_left_in_the_exact_mean_time():
    """E5: lam = 1, sigma = 0.01, |x| = 1: mean 5.5869 with Euler's corrections, variance pi^2 / 8."""
    lam, sigma, h = 1.0, 0.01, 0.01
    model = {"kind": "sde", "noise": "isotropic", "temperature": sigma**2 / 2, "substeps": 1}
    s = landscape_study({"kind": "saddle", "eigenvalues": [-lam]}, model, rate=h, steps=3000, events=LEAVING)
    outcome = run(s, 20_000)[1]
    got, error = mean_passage(outcome, "radius_above_step", h)
    continuous = 2 / sigma * quadrature.quad(lambda y: dawsn(y / sigma), 0, 1, limit=500, points=[0.05])[0]
    assert abs(continuous - 5.5869) < 1e-3
    rate = math.log(1 + lam * h) / h
    spread = sigma / math.sqrt(2 * lam + lam**2 * h)
    exact = (math.log(1 / spread) + (EULER_GAMMA + math.log(2)) / 2) / rate + h / 2
    assert abs(got - exact) < 5 * error
    times = outcome.events["radius_above_step"] * h
    assert abs(times.var() - math.pi**2 / 8) < 0.06


@pytest.mark.statistics
def test_subordinated_motion_spreads_and_relaxes_as_fractional_time_demands():
    """C: mean square 2 T t^beta / Gamma(1+beta), fourth moments, Mittag-Leffler relaxation of the mean."""
    beta, h, heat, end = 0.5, 0.005, 0.5, 400
    model = {
        "kind": "sde", "noise": "isotropic", "temperature": heat, "substeps": 1,
        "subordination": {"beta": beta},
    }  # fmt: skip
    s = landscape_study(
        {"kind": "quadratic", "eigenvalues": [0.0, 1.0], "start": {"point": [0.0, 3.0]}}, model, rate=h,
        steps=end, time={"snapshots": {"at": [end // 4, end]}},
    )  # fmt: skip
    x = run(s, 40_000)[0]["parameters"]
    for row, step in ((1, end // 4), (2, end)):
        t = step * h
        free_part, bound = x[row, :, 0], x[row, :, 1]
        spread = 2 * heat * (t**beta / gamma(1 + beta) - h / 2)  # -h/2: whole operational steps
        assert abs((free_part**2).mean() - spread) < 5 * (free_part**2).std() / 200
        relaxed = 3 * erfcx(math.sqrt(t))
        assert abs(bound.mean() - relaxed) < 5 * bound.std() / 200 + 0.01
        assert abs(bound.mean() - 3 * math.exp(-t)) > 5 * bound.std() / 200  # not exponential
    ratio = (x[2, :, 0] ** 4).mean() / (x[2, :, 0] ** 2).mean() ** 2
    assert abs(ratio - 6 * gamma(1 + beta) ** 2 / gamma(1 + 2 * beta)) < 0.35
    growth = (x[2, :, 0] ** 2).mean() / (x[1, :, 0] ** 2).mean()
    assert abs(growth - 4**beta) < 0.1


@pytest.mark.statistics
def test_jumps_keep_the_covariance_and_have_the_kurtosis_of_merton():
    """Compound Poisson of share w and mean mu a step: variance as without, excess kurtosis 3 w^2 / mu."""
    rate, share, h = 2.0, 0.6, 0.1
    model = {
        "kind": "sde", "noise": "isotropic", "temperature": 0.5, "substeps": 1,
        "jumps": {"rate": rate, "share": share},
    }  # fmt: skip
    x = run(landscape_study(free(), model, rate=h, steps=1), 400_000)[0]["parameters"][
        -1
    ].ravel() / math.sqrt(h)
    excess = 3 * share**2 / (rate * h)
    assert abs(x.var() - 1) < 5 * math.sqrt((excess + 2) / len(x))
    assert abs((x**4).mean() / 3 - 1 - excess / 3) < 5 * (x**4).std() / 3 / math.sqrt(len(x))


def positive_stable(random, a, count):
    """One-sided stable numbers, Laplace transform exp(-s^a), by Kanter's formula in NumPy."""
    v, e = random.random(count), random.exponential(size=count)
    u = math.pi * (1 - v)
    return np.sin(a * u) / np.sin(u) ** (1 / a) * (np.sin((1 - a) * u) / e) ** ((1 - a) / a)


@pytest.mark.statistics
@pytest.mark.parametrize("by_component", [False, True])
def test_truncated_stable_increments_are_the_stable_law_given_the_limit(by_component):
    """Two samples, ours and NumPy's of the conditional law; Kolmogorov and Smirnov at 1e-4, and a control."""
    alpha, limit, count = 1.5, 2.0, 100_000
    model = {
        "kind": "sde", "noise": "isotropic", "temperature": 1.0, "alpha": alpha, "truncation": limit,
        "by_component": by_component, "substeps": 1,
    }  # fmt: skip
    x = run(landscape_study(free(), model, rate=1.0, steps=1), count)[0]["parameters"][-1].ravel()
    random = np.random.default_rng(8)
    clock, normal = positive_stable(random, alpha / 2, 4 * count), random.standard_normal(4 * count)
    whole = np.sqrt(2 * clock) * normal  # scale 1 by component; root of two times a unit Gaussian otherwise
    given = whole[np.abs(whole) <= limit] if by_component else whole[clock <= limit**2]
    assert stats.ks_2samp(x, given[:count]).pvalue > 1e-4
    assert stats.ks_2samp(x, whole[:count]).pvalue < 1e-4
    if by_component:
        assert np.abs(x).max() <= limit
