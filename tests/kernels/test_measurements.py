"""Completion and sensing: one step of each model against NumPy, from the definition of a sample's loss."""

import math

import numpy as np
import pytest
from studies import study
from tools import Case

from fastsde.kernels import philox
from fastsde.kernels.cpu import aligned, to_lanes
from fastsde.kernels.observe import GRADIENT_NORM, LOSS, NOISE_TRACE, measurement_columns, observe
from fastsde.problem.measurements import MeasuredNetwork

KINDS = {
    "completion": {"kind": "completion", "observed": 0.6, "samples": "each"},
    "drawn": {"kind": "completion", "entries": [[1, 1], [2, 3], [1, 2], [2, 1]], "samples": 9},
    "sensing": {"kind": "sensing", "samples": 7},
    "entries": {"kind": "completion", "observed": 0.6, "samples": "population"},
    "normal": {"kind": "sensing", "samples": "population"},
}
FINITE, POPULATIONS = ("completion", "drawn", "sensing"), ("entries", "normal")
RATE, NOISE = 0.05, 0.3
WIDTHS = (3, 4, 2)
TOLERANCE = {"float32": 2e-5, "float64": 1e-11}


class Measured(Case):
    """A study of measurements with its NumPy reference."""

    def __init__(self, kind, model=None, widths=WIDTHS, **more):
        super().__init__(study(widths, model, data=KINDS[kind], **more))
        self.reference = MeasuredNetwork(widths, self.problem.loss_scale)

    @property
    def matrices(self):
        """The A_i, (n, d_out, d_in)."""
        problem = self.problem
        if problem.matrices is not None:
            return problem.matrices
        return np.eye(problem.teacher.size)[problem.entries].reshape(-1, *problem.teacher.shape)

    def errors(self, theta):
        """``<A_i, W> - y_i``, (trajectories, n)."""
        predicted = np.einsum("nij,tij->tn", self.matrices, self.reference.end_to_end(theta))
        return predicted - self.problem.measured

    def samples(self, theta):
        """Gradient of each sample, (trajectories, n, p), from ``1/2 (<A, W> - y)^2`` alone."""
        residuals = self.errors(theta)[..., None, None] * self.matrices
        return self.reference.push(theta[:, None, :], residuals)

    def density(self):
        """``E A^2`` of a population, (d_out d_in,)."""
        size = self.problem.teacher.size
        if self.problem.entries is None:
            return np.ones(size)
        return np.bincount(self.problem.entries, minlength=size) / len(self.problem.entries)

    def trace(self, theta):
        """Trace of the covariance of a population's sample gradient, from that of the end-to-end gradient."""
        size, density = self.problem.teacher.size, self.density()
        unit = np.eye(size).reshape(size, *self.problem.teacher.shape)
        push = self.reference.push(theta[:, None, :], unit)
        off = (self.reference.end_to_end(theta) - self.problem.teacher).reshape(-1, size)
        total = []
        for o, j in zip(off, push, strict=True):
            if self.problem.entries is None:
                covariance = (o @ o + NOISE**2) * np.eye(size) + np.outer(o, o)
            else:
                covariance = np.diag(density * (o**2 + NOISE**2)) - np.outer(density * o, density * o)
            total.append(np.trace(j.T @ covariance @ j))
        return np.array(total)


def agree(case, got, exact):
    error = TOLERANCE[case.study.dtype]
    return np.allclose(got, exact, rtol=error, atol=error)


def observed(case, theta):
    """Return what `observe` writes, one row per trajectory."""
    state, low = to_lanes(theta), case.lowered
    out = np.zeros((len(theta), measurement_columns(WIDTHS).count))
    observe(state, aligned(low.network.size * case.lanes, theta.dtype), low.network, low.data, low.trace, out)
    return out


def sde(**more):
    return {"kind": "sde", "noise": "gradient", "substeps": 1, "batch": 2, **more}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", FINITE)
def test_gradient_descent_goes_down_the_mean_of_the_samples(kind, dtype):
    case = Measured(kind, dtype=dtype)
    theta = case.points()
    got, exact = case.advance(theta, steps=3), theta.astype(np.float64)
    for _ in range(3):
        exact = exact - RATE * case.samples(exact).mean(axis=1)
    assert agree(case, got, exact)
    assert np.allclose(case.reference.gradient(exact, case.problem), case.samples(exact).mean(axis=1))


@pytest.mark.parametrize("how", ["epoch", "without-replacement", "replacement"])
@pytest.mark.parametrize("kind", FINITE)
def test_sgd(kind, how):
    case = Measured(kind, {"kind": "sgd", "batch": 2, "sampling": how})
    theta, (batches, sizes) = case.points(), case.batches(5, first=3)
    exact = theta
    for members, size in zip(batches, sizes, strict=True):
        chosen = np.take_along_axis(case.samples(exact), members[:size].T[:, :, None], axis=1)
        exact = exact - RATE * chosen.mean(axis=1)
    assert agree(case, case.advance(theta, first=3, steps=5), exact)


@pytest.mark.parametrize("kind", FINITE)
def test_svag_takes_two_batches(kind):
    """``theta - eta / l (c1 g1 + c2 g2)``: with batches of all samples both gradients are the mean."""
    count = {"completion": 4, "drawn": 9, "sensing": 7}[kind]
    model = {"kind": "svag", "substeps": 3, "batch": count, "sampling": "without-replacement"}
    case = Measured(kind, model)
    theta = case.points()
    assert agree(case, case.advance(theta), theta - RATE / 3 * case.samples(theta).mean(axis=1))


@pytest.mark.parametrize("kind", FINITE)
def test_label_noise_of_a_step_is_independent_for_each_sample(kind):
    case = Measured(kind, {"kind": "sgd", "batch": 3, "sampling": "replacement", "label_noise": 0.7})
    theta, (batches, _) = case.points(), case.batches(1)
    gradients, noise = case.samples(theta), case.draws(len(case.problem.measured), philox.LABEL)
    unit = case.samples(theta) / case.errors(theta)[:, :, None]
    exact = theta.copy()
    for t, members in enumerate(batches[0].T):
        for i, count in zip(*np.unique(members, return_counts=True), strict=True):
            step = count * gradients[t, i] - math.sqrt(count) * 0.7 * noise[t, i] * unit[t, i]
            exact[t] -= RATE / 3 * step
    assert agree(case, case.advance(theta), exact)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", FINITE)
def test_gradient_noise_of_samples(kind, dtype):
    case = Measured(kind, sde(sampling="without-replacement"), dtype=dtype)
    n = len(case.problem.measured)
    theta, xi = case.points(), case.draws(n, philox.NOISE, first=8, step=5)
    share = math.sqrt((n - 2) / (n - 1) / 2)
    weights = 1 / n + share * (xi - xi.mean(axis=1, keepdims=True)) / math.sqrt(n)
    exact = theta - RATE * np.einsum("tn,tnp->tp", weights, case.samples(theta.astype(np.float64)))
    assert agree(case, case.advance(theta, first=8, start=5), exact)


def population_noise(kind, off, density, draw, label):
    """Noise of one sample's end-to-end gradient from normal draws; linear in them."""
    if kind == "normal":
        return math.sqrt(np.sum(off**2) + NOISE**2) * draw[:-1] + off * draw[-1]
    root = np.sqrt(density)
    return root * (off * (draw - root * (root @ draw)) + NOISE * label)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", POPULATIONS)
def test_gradient_noise_of_populations(kind, dtype):
    case = Measured(kind, sde(), dtype=dtype)
    theta, size = case.points(), case.problem.teacher.size
    draws = case.draws(size + (kind == "normal"), philox.NOISE, first=3, step=2)
    labels = case.draws(size, philox.LABEL, first=3, step=2)
    off = (case.reference.end_to_end(theta.astype(np.float64)) - case.problem.teacher).reshape(-1, size)
    density = case.density()
    residual = [
        density * o + population_noise(kind, o, density, x, y) / math.sqrt(2)
        for o, x, y in zip(off, draws, labels, strict=True)
    ]
    exact = theta - RATE * case.reference.push(theta, np.reshape(residual, (-1, 2, 3)))
    assert agree(case, case.advance(theta, first=3, start=2), exact)


@pytest.mark.parametrize("kind", POPULATIONS)
def test_the_covariance_of_a_populations_noise_is_that_of_a_sample(kind):
    """Its columns by unit draws, against ``E R_i R_i^T - R R^T``; without the rank-one part it is wrong."""
    case, random = Measured(kind), np.random.default_rng(0)
    size, density = case.problem.teacher.size, case.density()
    off = random.standard_normal(size)
    draws, zero = np.eye(size + (kind == "normal")), np.zeros(size)
    columns = [population_noise(kind, off, density, x, zero) for x in draws]
    if kind == "entries":
        columns += [population_noise(kind, off, density, zero, y) for y in np.eye(size)]
        exact = np.diag(density * (off**2 + NOISE**2)) - np.outer(density * off, density * off)
        assert np.allclose(np.transpose(columns) @ np.array(columns), exact)
        return
    covariance = np.transpose(columns) @ np.array(columns)
    a = random.standard_normal((200_000, size))
    single = (a @ off - NOISE * random.standard_normal(len(a)))[:, None] * a
    for direction in (off, random.standard_normal(size)):
        values = (single @ direction - off @ direction) ** 2
        error = values.std() / math.sqrt(len(a))
        assert abs(values.mean() - direction @ covariance @ direction) < 5 * error  # false alarm: 6e-7
        alone = direction @ (covariance - np.outer(off, off)) @ direction
        assert abs(values.mean() - alone) > 5 * error or direction is not off


@pytest.mark.parametrize("kind", POPULATIONS)
def test_sgd_on_fresh_measurements(kind):
    case = Measured(kind, {"kind": "sgd", "batch": 1})
    theta, (rows, columns) = case.points(), case.problem.teacher.shape
    size, noise = rows * columns, NOISE * case.draws(1, philox.LABEL)[:, 0]
    if kind == "normal":
        drawn = case.draws(size, philox.SAMPLE)
    else:
        words = case.words(0, philox.INDEX)[0].astype(np.uint64) & np.uint64(0xFFFFFFFF)
        entries = case.problem.entries
        drawn = np.eye(size)[entries[(words * np.uint64(len(entries)) >> np.uint64(32)).astype(int)]]
    off = (case.reference.end_to_end(theta) - case.problem.teacher).reshape(-1, size)
    residual = (np.sum(off * drawn, axis=1) - noise)[:, None] * drawn
    exact = theta - RATE * case.reference.push(theta, residual.reshape(-1, rows, columns))
    assert agree(case, case.advance(theta), exact)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_measured(kind):
    """Loss, gradient norm and noise trace against the samples, or the moments of the population."""
    case = Measured(kind)
    theta = case.points()
    row = observed(case, theta)
    assert agree(case, row[:, LOSS], case.reference.loss(theta, case.problem))
    gradient = case.reference.gradient(theta, case.problem)
    assert agree(case, row[:, GRADIENT_NORM], np.linalg.norm(gradient, axis=1))
    if kind in FINITE:
        single = case.samples(theta)
        assert agree(case, row[:, LOSS], np.mean(case.errors(theta) ** 2, axis=1) / 2)
        trace = np.sum(np.var(single, axis=1), axis=1)
    else:
        trace = case.trace(theta)
    assert agree(case, row[:, NOISE_TRACE], trace)
    assert agree(case, case.reference.noise_trace(theta, case.problem), trace)


def test_completion_of_all_entries_is_the_population_of_white_inputs():
    """Up to the scale: a mean over all d_out d_in entries in place of a sum over d_out d_in."""
    data = {"kind": "completion", "observed": 1.0, "samples": "population"}
    whole = Case(study((3, 4, 2), data=data, rate=6 * RATE))
    white = Case(study((3, 4, 2), samples="population"))
    theta = white.points()
    assert agree(white, whole.advance(theta, steps=5), white.advance(theta, steps=5))
