"""Ensembles against closed forms: stationary laws, recursions, learning curves, exact identities.

Statistical tests have fixed seeds; bounds are 5 standard errors (false alarm below 1e-6 a check) unless
stated, and the important ones reject a wrong reference.
"""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma, polygamma
from studies import one_step, snapshots, study

import fastsde
from fastsde.problem.network import DeepLinearNetwork

QUIET = {"record": {"observables": ["parameters"]}, "events": {"mode_learned": []}}


def final(s, count, start=None):
    """Last parameters of `count` trajectories of model ``m``."""
    return fastsde.integrate(s, "m", 0, count, start=start).parameters


def ends(steps):
    return {"snapshots": {"at": [steps]}, "steps": steps}


def regression(model, *, rate, steps, spectrum=(2.0, 1.0, 0.3), noise=0.5, **more):
    """Linear regression as a network of one layer, three inputs and two outputs, infinite data."""
    return study((3, 2), model, samples="population", rate=rate, noise=noise, time=ends(steps),
                 inputs={"kind": "gaussian", "spectrum": list(spectrum)}, **QUIET, **more)  # fmt: skip


def second_moment(s, theta):
    """``E |column of W - optimum|^2`` for each input, and its standard error."""
    problem = fastsde.build_problem(s)
    squares = ((theta.reshape(-1, 2, 3) - problem.optimum) ** 2).sum(1)
    return squares.mean(0), squares.std(0) / math.sqrt(len(squares))


@pytest.mark.statistics
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_langevin_has_the_ornstein_uhlenbeck_covariance_with_its_step_size_correction(dtype):
    """Euler: variance sig^2 / (2 lam - lam^2 h), sig^2 = 2 T (E1); h large enough to matter."""
    model = {"kind": "sde", "noise": "isotropic", "temperature": 0.5, "substeps": 1}
    s = regression(model, rate=0.4, steps=400, dtype=dtype)
    got, error = second_moment(s, final(s, 20_000).astype(float))
    lam, h = np.array([2.0, 1.0, 0.3]), 0.4
    exact = 2 * 2 * 0.5 / (2 * lam - lam**2 * h)
    assert np.all(np.abs(got - exact) < 5 * error)
    assert np.any(np.abs(got - 2 * 0.5 / lam) > 5 * error)  # negative control: no correction
    parameters = final(s, 20_000).astype(float).reshape(-1, 2, 3)
    assert np.abs(np.corrcoef(parameters.reshape(-1, 6).T) - np.eye(6)).max() < 5 / math.sqrt(20_000)
    standard = (parameters - fastsde.build_problem(s).optimum)[:, 0, 1] / math.sqrt(exact[1] / 2)
    assert stats.kstest(standard, "norm").pvalue > 1e-5  # Gibbs: Gaussian


@pytest.mark.statistics
@pytest.mark.parametrize(
    ("model", "h", "share"),
    [
        ({"kind": "sgd", "batch": 2}, 0.12, 1.0),
        ({"kind": "sde", "noise": "gradient", "batch": 2, "substeps": 1}, 0.12, 1.0),
        ({"kind": "sde", "noise": "gradient", "batch": 2, "substeps": 4}, 0.12 / 4, 4.0),
    ],
)
def test_linear_regression_follows_the_exact_second_moment_recursion(model, h, share):
    """E6: M' = M - h(SM+MS) + h^2[(1+1/B) SMS + S tr(SM)/B + sigma^2 d_out S/B], 1/B -> share/B."""
    rate, batch, sigma, d_out = 0.12, 2, 0.5, 2
    s = regression(model, rate=rate, steps=60)
    problem = fastsde.build_problem(s)
    start = problem.optimum.ravel() + 1.0
    spectrum = np.array([2.0, 1.0, 0.3])
    S = np.diag(spectrum)

    def recursion(b):
        m = d_out * np.ones((3, 3))
        for _ in range(round(60 * rate / h)):
            noise = (S @ m @ S + S * np.trace(S @ m) + sigma**2 * d_out * S) / b
            m = m - h * (S @ m + m @ S) + h**2 * (S @ m @ S + noise)
        return np.diag(m)

    got, error = second_moment(s, final(s, 40_000, np.repeat(start[None], 40_000, axis=0)))
    assert np.all(np.abs(got - recursion(batch / share)) < 5 * error)
    assert np.any(np.abs(got - recursion(batch / share * 1.25)) > 5 * error)  # negative control


@pytest.mark.statistics
def test_stationary_second_moments_are_the_published_numbers():
    """E6: l = (2, 1, .3), B = 2, sigma = .5, eta = .12; SGD (.020679, .018634, .017427)."""
    s = regression({"kind": "sgd", "batch": 2}, rate=0.12, steps=400)
    got, error = second_moment(s, final(s, 40_000))
    assert np.all(np.abs(got - np.array([0.020679, 0.018634, 0.017427])) < 5 * error + 1e-6)


@pytest.mark.parametrize(("layers", "half_time"), [(2, 1.323326), (3, 4.661328), (4, 24.904556)])
def test_gradient_flow_learns_a_deep_mode_along_the_exact_curve(layers, half_time):
    """Saxe curves (E9): s = 2, every layer starts at 0.1; Euler with a small step comes within 2e-3."""
    s = study((1,) * (layers + 1), {"kind": "gd", "substeps": 20}, samples="population", noise=0.0, rate=0.01,
              time=ends(round(130 * half_time)), record={"observables": ["loss"]})  # fmt: skip
    sign = np.sign(fastsde.build_problem(s).optimum.item())
    start = np.full((1, layers), 0.1)
    start[0, 0] *= sign
    step = fastsde.integrate(s, "m", 0, 1, start=start).events["mode_learned_step"][0, 0, 0]
    assert math.isclose(step * 0.01 / 20, half_time, rel_tol=2e-3)


@pytest.mark.statistics
def test_small_random_starts_learn_the_top_mode_at_the_stated_times():
    """E10: L = 2, width h, entries N(0, s0^2): mean and sd of the half time of the top mode."""
    width, s0, top = 4, 1e-3, 2.0
    s = study((3, width, 2), {"kind": "gd", "substeps": 2}, samples="population", noise=0.0, rate=0.01,
              network={"init": {"std": s0}}, time=ends(700), record={"observables": ["loss"]})  # fmt: skip
    times = fastsde.integrate(s, "m", 0, 4000).events["mode_learned_step"][:, 0, 0] * 0.005
    mean = (0.5 * math.log(2 * top / s0**2) - (digamma(width / 2) + math.log(2)) / 2) / top
    deviation = math.sqrt(polygamma(1, width / 2)) / (2 * top)
    assert (
        abs(times.mean() - mean) < 5 * deviation / math.sqrt(4000) + 0.02
    )  # 0.02: Euler and first order in s0
    assert math.isclose(times.std(), deviation, rel_tol=0.1)


MULTIPLICATIVE = {
    "sgd": {"kind": "sgd", "batch": 1, "sampling": "replacement"},
    "sgd_gauss": {"kind": "sde", "noise": "gradient", "substeps": 1},
    "levy": {"kind": "sde", "noise": "gradient", "alpha": 1.5, "substeps": 1},
}


@pytest.mark.parametrize("name", MULTIPLICATIVE)
def test_imbalance_moves_only_by_the_square_of_the_learning_rate(name):
    """A7.1, exact: I' - I = eta^2 (W1 R^T R W1^T - W2^T R R^T W2) with the step's own R."""
    s = study((3, 4, 2), MULTIPLICATIVE[name], samples=6, rate=0.05)
    theta = np.random.default_rng(1).normal(0, 0.5, (16, 20))
    after = one_step(s, theta)
    for old, new in zip(theta, after, strict=True):
        (w1, w2), (v1, v2) = (DeepLinearNetwork((3, 4, 2)).unpack(t) for t in (old, new))
        r = np.linalg.lstsq(w2.T, (w1 - v1) / 0.05, rcond=None)[0]  # from layer 1: W1 - W1' = eta W2^T R
        change = (v2.T @ v2 - v1 @ v1.T) - (w2.T @ w2 - w1 @ w1.T)
        exact = 0.05**2 * (w1 @ r.T @ r @ w1.T - w2.T @ r @ r.T @ w2)
        assert np.abs(change - exact).max() < 1e-12 * max(1.0, np.abs(exact).max() * 1e3)
        assert np.abs(v1 - w1).max() > 1e-4


@pytest.mark.parametrize("name", MULTIPLICATIVE)
def test_dead_directions_absorb_gradient_noise(name):
    """A hidden unit without weights never comes to life (A7.2); isotropic noise wakes it."""
    theta = np.random.default_rng(2).normal(0, 0.3, (16, 20))
    theta[:, 0:3] = 0  # first hidden unit: its row of W1
    theta[:, [12, 16]] = 0  # and its column of W2
    s = study((3, 4, 2), MULTIPLICATIVE[name], samples=6, rate=0.02, steps=20)
    after = one_step(s, theta)
    assert (after[:, [0, 1, 2, 12, 16]] == 0).all()
    assert np.abs(after - theta).max() > 1e-3
    langevin = study((3, 4, 2), {"kind": "sde", "noise": "isotropic", "temperature": 1e-3}, steps=20)
    assert np.abs(one_step(langevin, theta)[:, [0, 1, 2, 12, 16]]).min() > 0


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [1.2, 1.7, 2.0])
def test_stable_noise_has_the_stable_ornstein_uhlenbeck_scale(alpha):
    """Euler's stationary scale e (h / (1 - (1 - lam h)^alpha))^(1/alpha) (E8), by characteristic function."""
    lam, h, temperature, n = 1.0, 0.25, 0.5, 20_000
    model = {"kind": "sde", "noise": "isotropic", "temperature": temperature, "alpha": alpha, "substeps": 1}
    s = study((1, 1), model, samples="population", rate=h, time=ends(80), noise=0.0, **QUIET)
    x = final(s, n)[:, 0] - fastsde.build_problem(s).optimum.item()
    # increment sqrt(2 T dt) sqrt(A0) xi has stable scale sqrt(T dt): e = sqrt(T dt) / dt^(1/alpha)
    scale = math.sqrt(temperature * h) * (1 / (1 - (1 - lam * h) ** alpha)) ** (1 / alpha)
    for u in (0.5, 1.0, 2.0):
        c = np.cos(u * x)
        assert abs(c.mean() - math.exp(-((scale * u) ** alpha))) < 5 * c.std() / math.sqrt(n)
    c = np.cos(x)
    assert abs(c.mean() - math.exp(-((1.1 * scale) ** alpha))) > 5 * c.std() / math.sqrt(
        n
    )  # negative control


@pytest.mark.statistics
def test_batches_of_an_epoch_are_negatively_correlated():
    """A2: two batches of one epoch have cross-covariance -C / (n - 1); other samplings none."""
    n, samples = 40_000, 4
    for sampling, expected in (("epoch", -1 / (samples - 1)), ("without-replacement", 0.0)):
        s = study((2, 1), {"kind": "sgd", "sampling": sampling}, samples=samples, rate=1e-6, steps=2,
                  record={"observables": ["parameters"]})  # fmt: skip
        theta = np.repeat(np.array([[0.4, -0.3]]), n, axis=0)
        path = snapshots(s, n, start=theta)[0]["parameters"]
        first, second = (np.diff(path, axis=0) / 1e-6).transpose(0, 2, 1)
        gradients = DeepLinearNetwork((2, 1)).sample_gradients(theta[0], fastsde.build_problem(s))
        total = np.trace(np.cov(gradients.T, bias=True))
        cross = ((first - first.mean(1, keepdims=True)) * (second - second.mean(1, keepdims=True))).sum(0)
        assert abs(cross.mean() / total - expected) < 5 * cross.std() / total / math.sqrt(n)


@pytest.mark.statistics
def test_fresh_student_inputs_have_the_exact_gradient_covariance():
    """The trace of the covariance of one step of SGD on a t population is noise_trace / B."""
    s = study(
        (2, 2), {"kind": "sgd", "batch": 2}, samples="population", inputs={"kind": "student-t", "nu": 12.0}
    )
    theta = np.repeat(np.array([[0.4, -0.3, 0.2, 0.9]]), 60_000, axis=0)
    step = (theta - one_step(s, theta)) / 0.05
    square = ((step - step.mean(0)) ** 2).sum(1)
    exact = DeepLinearNetwork((2, 2)).noise_trace(theta[0], fastsde.build_problem(s)) / 2
    assert abs(square.mean() - exact) < 5 * square.std() / math.sqrt(len(square))


@pytest.mark.statistics
def test_escape_from_a_saddle_under_gradient_noise_is_inverse_gaussian():
    """ln u of the top mode is a random walk (E12): mean and variance of its passage time."""
    eta, sigma, top, low, high, n = 0.02, 0.5, 2.0, 1e-8, 1e-2, 4000
    s = study((1, 1, 1), {"kind": "sde", "noise": "gradient", "substeps": 4}, samples="population", rate=eta,
              noise=sigma, time=ends(600), record={"observables": ["loss"]},
              events={"mode_learned": [high / top]})  # fmt: skip
    sign = np.sign(fastsde.build_problem(s).optimum.item())
    start = np.repeat(np.array([[math.sqrt(low) * sign, math.sqrt(low)]]), n, axis=0)
    steps = fastsde.integrate(s, "m", 0, n, start=start).events["mode_learned_step"][:, 0, 0]
    assert (steps > 0).all()
    times = steps * eta / 4
    # both layers move alike: u = w^2, so ln u moves by 2 ln(1 + dt r): rates double those of one layer
    nu = 2 * top**2 + sigma**2
    mu, length = top - eta / 2 * nu, math.log(high / low) / 2
    deviation = math.sqrt(length * eta * nu / mu**3)
    assert abs(times.mean() - length / mu) < 5 * deviation / math.sqrt(n) + 0.02 * length / mu
    assert math.isclose(times.std(), deviation, rel_tol=0.1)
    assert abs(times.mean() - length / top) > 5 * deviation / math.sqrt(
        n
    )  # negative control: no delay by noise
