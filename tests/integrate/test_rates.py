"""Drift and diffusion of the modes: against derivatives, samples and closed forms."""

import math

import numpy as np
import pytest
from studies import snapshots, study

from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.cpu_ensemble import Blocks
from fastsde.integrate.lowering import lower
from fastsde.integrate.mode_rates import ModeRates
from fastsde.kernels.cpu import Workers
from fastsde.kernels.lanes import lane_count
from fastsde.problem.data import build_problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.observables.alignment import layer_alignment, mode_alignment
from fastsde.study.observables.singular_values import stable_rank
from fastsde.system.errors import StudyError

NAMES = {"record": {"observables": ["mode_drift", "mode_diffusion", "parameters", "noise_trace"]}}
DATA = {
    "white": {"samples": 7, "inputs": {"kind": "gaussian", "whiten": True}},
    "raw": {"samples": 9, "spectrum": (0.5, 3.0)},
    "population": {"samples": "population", "spectrum": (0.5, 2.0)},
}


def rates(widths, model, *, count=6, **more):
    """Recorded rates and parameters of the starting points, with reference and problem."""
    s = study(widths, model, **NAMES, **more)
    values, _ = snapshots(s, count)
    network = DeepLinearNetwork(widths, s.network.loss_scale)
    return {name: value[0] for name, value in values.items()}, network, build_problem(s)


def computed(widths, model, *, count=6, **more):
    """The same of random points without an integration: nothing but the rates is compiled."""
    s = study(widths, model, **NAMES, **more)
    network, problem = DeepLinearNetwork(widths, s.network.loss_scale), build_problem(s)
    theta = np.random.default_rng(0).normal(0, 0.6, (count, network.size))
    low, trace = lower(s, "m", problem), network.noise_trace(theta, problem)
    drift, diffusion = ModeRates(s, s.models["m"], problem, low).measure(theta, trace)
    return {"parameters": theta, "mode_drift": drift, "mode_diffusion": diffusion}, network, problem


def mode_gradients(network, theta, problem):
    """Gradient of each mode in the parameters, (modes, rows, p), by pushing ``u v^T`` back."""
    matrices = np.einsum("ia,ja->aij", problem.mode_left, problem.mode_right)
    return np.stack([network.push(theta, np.broadcast_to(m, (len(theta), *m.shape))) for m in matrices])


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("widths", [(3, 2), (3, 4, 2), (2, 5, 4, 3), (4, 3, 3, 3, 4)])
def test_drift_is_the_slope_of_the_mode_along_the_gradient(widths, data):
    got, network, problem = rates(widths, {"kind": "gd"}, **DATA[data])
    theta = got["parameters"]
    slopes = mode_gradients(network, theta, problem)
    exact = -np.einsum("anp,np->na", slopes, network.gradient(theta, problem))
    assert np.allclose(got["mode_drift"], exact, rtol=1e-10, atol=1e-12)
    assert (got["mode_diffusion"] == 0).all()
    h = 1e-6
    moved = network.end_to_end(theta - h * network.gradient(theta, problem)) - network.end_to_end(theta)
    slope = np.einsum("ia,nij,ja->na", problem.mode_left, moved, problem.mode_right) / h
    assert np.allclose(got["mode_drift"], slope, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("data", ["white", "raw"])
@pytest.mark.parametrize("widths", [(3, 2), (3, 4, 2), (4, 3, 3, 3, 4)])
def test_diffusion_of_finite_data_is_the_variance_over_samples(widths, data):
    n, batch, eta = DATA[data]["samples"], 2, 0.05
    for model, share in (
        ({"kind": "sgd", "batch": batch, "sampling": "replacement"}, 1 / batch),
        ({"kind": "sgd", "batch": batch, "sampling": "epoch"}, (n - batch) / (n - 1) / batch),
        ({"kind": "sde", "noise": "gradient", "substeps": 4, "sampling": "replacement"}, 1.0),
    ):
        got, network, problem = rates(widths, model, rate=eta, **DATA[data])
        theta = got["parameters"]
        pushes = np.einsum(
            "anp,nip->nia", mode_gradients(network, theta, problem), network.sample_gradients(theta, problem)
        )
        assert np.allclose(got["mode_diffusion"], eta * share * pushes.var(axis=1), rtol=1e-10)


@pytest.mark.statistics
@pytest.mark.parametrize("inputs", [{"kind": "gaussian"}, {"kind": "student-t", "nu": 9.0}])
def test_diffusion_of_a_population_is_the_variance_over_fresh_samples(inputs):
    """Each mode within 6 standard errors of 200,000 fresh samples, false alarm below 1e-6."""
    widths, eta, sigma, n = (3, 4, 2), 0.05, 0.3, 200_000
    got, network, problem = computed(widths, {"kind": "sgd"}, rate=eta, noise=sigma, samples="population",
                                     inputs=inputs, spectrum=(0.5, 2.0), count=2)  # fmt: skip
    rng = np.random.default_rng(5)
    x = rng.standard_normal((n, 3))
    if inputs["kind"] == "student-t":
        x *= np.sqrt((inputs["nu"] - 2) / rng.chisquare(inputs["nu"], (n, 1)))
    x = x @ problem.factor.T
    errors = sigma * rng.standard_normal((n, 2))
    for theta, diffusion in zip(got["parameters"], got["mode_diffusion"], strict=True):
        residual = x @ (network.end_to_end(theta) - problem.teacher).T - errors
        gradient = mode_gradients(network, theta[None], problem)[:, 0]
        layers = network.unpack(theta)
        back, forth = layers[1].T @ residual.T, layers[0] @ x.T
        pushes = np.stack([
            np.einsum("in,jn,ij->n", back, x.T, g[:12].reshape(4, 3))
            + np.einsum("in,jn,ij->n", residual.T, forth, g[12:].reshape(2, 4)) for g in gradient
        ])  # fmt: skip
        square = (pushes - pushes.mean(1, keepdims=True)) ** 2
        error = eta * square.std(1) / math.sqrt(n)
        assert np.all(np.abs(eta * square.mean(1) - diffusion) < 6 * error)
        assert np.any(np.abs(1.5 * eta * square.mean(1) - diffusion) > 6 * error)  # negative control


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_a_scalar_mode_has_the_closed_rates(layers):
    """u' = L u^(2 - 2/L) (s - u), diffusion eta/B (L u^(2 - 2/L))^2 (2 (s - u)^2 + sigma^2)."""
    eta, sigma, batch, w = 0.01, 0.4, 2, 0.8
    s = study((1,) * (layers + 1), {"kind": "sgd", "batch": batch}, samples="population", rate=eta,
              noise=sigma, **NAMES)  # fmt: skip
    problem = build_problem(s)
    start = np.full((3, layers), w)
    start[:, 0] *= np.sign(problem.optimum.item())
    values, _ = snapshots(s, 3, start=start)
    u, top = w**layers, problem.mode_strength[0]
    gain = layers * u ** (2 - 2 / layers)
    assert np.allclose(values["mode_drift"][0], gain * (top - u))
    assert np.allclose(values["mode_diffusion"][0], eta / batch * gain**2 * (2 * (top - u) ** 2 + sigma**2))


def test_isotropic_noise_diffuses_by_the_gradient_of_the_mode():
    widths = (3, 4, 2)
    for more in ({"temperature": 0.3}, {"temperature": "matched", "match_at": "local"}):
        model = {"kind": "sde", "noise": "isotropic", "substeps": 2, **more}
        got, network, problem = computed(widths, model, samples=6, rate=0.05)
        square = (mode_gradients(network, got["parameters"], problem) ** 2).sum(-1).T
        heat = 2 * 0.3
        if "match_at" in more:
            share = 1.0 * 0.05 / network.size  # a batch of one sample of the six
            heat = share * network.noise_trace(got["parameters"], problem)[:, None]
        assert np.allclose(got["mode_diffusion"], heat * square, rtol=1e-10)


def single_step(low, theta):
    """The first integrator step of a lowered model from some points."""
    lanes, count = lane_count("float64"), len(theta)
    none = np.full(count, -1), np.empty((count, 0), dtype=np.int64)
    begin = np.pad(theta, ((0, 0), (0, low.carried)))
    with Workers(1, low.network.size * lanes, low.choice * lanes, "float64") as workers:
        blocks = Blocks(low, workers, 0, count, Checkpoint(0, 0, begin, *none))
        blocks.advance(1)
        return blocks.checkpoint(0).parameters[:, : theta.shape[1]]


def turned(x):
    """Rows 1 and 2, 3 and 4 of the first layer of a 3-4-2 network, turned into each other."""
    rows, out = x[:, :12].reshape(-1, 2, 2, 3), np.zeros_like(x)
    out[:, :12] = np.stack([rows[:, :, 1], -rows[:, :, 0]], axis=2).reshape(-1, 12)
    return out


def test_terms_of_the_drift_move_the_modes():
    """Grad m . [(1 + J) grad U + (eta/2) H_U grad U], to rounding."""
    eta, decay = 0.05, 0.3
    terms = {"weight_decay": decay, "rotation": {"layer": 1}, "second_order": True}
    got, network, problem = rates((3, 4, 2), {"kind": "gd", **terms}, rate=eta)
    theta = got["parameters"]
    slope = network.gradient(theta, problem) + decay * theta
    bend = network.hessian_vector(theta, slope, problem) + decay * slope
    slopes = mode_gradients(network, theta, problem)
    exact = -np.einsum("anp,np->na", slopes, slope + turned(slope) + eta / 2 * bend)
    assert np.allclose(got["mode_drift"], exact, rtol=1e-8, atol=1e-10)
    assert np.abs(got["mode_drift"] + np.einsum("anp,np->na", slopes, slope)).max() > 1e-2
    assert (got["mode_diffusion"] == 0).all()


def test_given_covariance_and_its_schedule_diffuse_the_modes():
    """f grad m . C grad m: the noise of a constant covariance goes with the root of the learning rate."""
    random = np.random.default_rng(0)
    diagonal, factor = random.random(20), random.normal(size=(20, 2))
    covariance = {"diagonal": diagonal.tolist(), "factor": factor.tolist()}
    model = {"kind": "sde", "noise": "given", "covariance": covariance, "substeps": 1}
    s = study((3, 4, 2), model, steps=2, time={"schedule": {"kind": "constant", "warm_up": 2}}, **NAMES)
    network, problem = DeepLinearNetwork((3, 4, 2)), build_problem(s)
    values, _ = snapshots(s, 5)
    dense = np.diag(diagonal) + factor @ factor.T
    for k, share in enumerate((1 / 3, 2 / 3)):
        theta = values["parameters"][k]
        slopes = mode_gradients(network, theta, problem)
        exact = share * np.einsum("anp,pq,anq->na", slopes, dense, slopes)
        assert np.allclose(values["mode_diffusion"][k], exact, rtol=1e-10)
        drift = -share * np.einsum("anp,np->na", slopes, network.gradient(theta, problem))
        assert np.allclose(values["mode_drift"][k], drift, rtol=1e-10)


def test_fresh_label_noise_adds_its_own_diffusion():
    """Eta (sigma^2 / B) E_i |M x_i|^2 beside the batch's own, M x_i from pushes of single labels."""
    eta, sigma, batch = 0.05, 2.0, 2
    model = {"kind": "sgd", "batch": batch, "sampling": "replacement", "label_noise": sigma}
    got, network, problem = computed((3, 4, 2), model, rate=eta)
    theta = got["parameters"]
    slopes = mode_gradients(network, theta, problem)
    plain = np.einsum("anp,nip->nia", slopes, network.sample_gradients(theta, problem)).var(axis=1)
    square = np.zeros_like(plain)
    for x in problem.inputs:
        for row in np.eye(2):
            pushed = network.push(theta, np.broadcast_to(np.outer(row, x), (len(theta), 2, 3)))
            square += np.einsum("anp,np->na", slopes, pushed) ** 2 / len(problem.inputs)
    assert np.allclose(got["mode_diffusion"], eta / batch * (plain + sigma**2 * square), rtol=1e-10)
    assert np.all(square > 0)


@pytest.mark.slow
def test_rates_of_fractional_time_and_of_the_central_flow():
    """By operational time those of the plain model; the central flow's is its own step over dt."""
    model = {"kind": "sde", "noise": "isotropic", "temperature": 0.3, "substeps": 1}
    plain = computed((3, 4, 2), model)[0]
    slow = computed((3, 4, 2), model | {"subordination": {"beta": 0.5}})[0]
    for name in ("mode_drift", "mode_diffusion"):
        assert np.array_equal(plain[name], slow[name])
    h = 0.6 / 64
    start = np.random.default_rng(4).normal(0, 0.9, (8, 20))  # beyond the edge of stability
    s = study((3, 4, 2), {"kind": "gd", "central_flow": 1, "substeps": 64}, rate=0.6, **NAMES)
    network, problem = DeepLinearNetwork((3, 4, 2)), build_problem(s)
    low = lower(s, "m", problem)
    moved = single_step(low, start) - start
    slopes = mode_gradients(network, start, problem)
    step = np.einsum("anp,np->na", slopes, moved) / h
    values, _ = snapshots(s, 8, start=start)
    assert np.allclose(values["mode_drift"][0], step, rtol=1e-8, atol=1e-8)
    descent = -np.einsum("anp,np->na", slopes, network.gradient(start, problem))
    assert np.abs(step - descent).max() > 0.1


def test_momentum_has_no_rates():
    with pytest.raises(StudyError, match="momentum"):
        study((3, 2), {"kind": "sgd", "momentum": 0.9}, **NAMES)


def test_without_a_covariance_there_is_no_diffusion():
    s = study((3, 2), {"kind": "sgd"}, samples="population", inputs={"kind": "student-t", "nu": 3.0}, **NAMES)
    values, _ = snapshots(s, 2)
    assert np.isnan(values["mode_diffusion"]).all()
    assert np.isfinite(values["mode_drift"]).all()
    assert lower(s, "m", build_problem(s)).trace == 0


def test_alignment_is_one_for_singular_vectors_only():
    random = np.random.default_rng(0)
    left = np.linalg.qr(random.normal(size=(4, 3)))[0].T
    right = np.linalg.qr(random.normal(size=(5, 3)))[0].T
    aligned = np.einsum("a,ai,aj->ij", [3.0, 2.0, 0.1], left, right)
    assert np.allclose(mode_alignment(aligned, left, right), 1)
    assert np.allclose(mode_alignment(-aligned, left, right), -1)
    assert np.all(np.abs(mode_alignment(random.normal(size=(50, 4, 5)), left, right)) < 1)
    assert np.isnan(mode_alignment(np.zeros((4, 5)), left, right)).all()


def test_balanced_layers_are_aligned_and_random_ones_are_not():
    observables = ["layer_alignment", "mode_alignment", "stable_rank", "singular_values"]
    names = {"record": {"observables": observables}}
    balanced = study((3, 5, 4, 3), network={"init": {"kind": "balanced", "std": 0.3}}, **names)
    values, _ = snapshots(balanced, 6)
    assert np.allclose(values["layer_alignment"][0], 1)
    assert values["layer_alignment"].shape == (2, 6, 2)
    assert np.allclose(values["stable_rank"], stable_rank(values["singular_values"]))
    random, _ = snapshots(study((3, 5, 4, 3), **names), 6)
    assert random["layer_alignment"][0].max() < 0.999
    assert layer_alignment([np.eye(3)]).shape == (0,)
