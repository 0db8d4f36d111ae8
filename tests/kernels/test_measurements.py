"""Completion and sensing: one step of each model against NumPy, from the definition of a sample's loss."""

import math

import numpy as np
import probes
import pytest
from studies import study
from tools import Case

from fastsde.kernels import philox
from fastsde.kernels.cpu import aligned, to_lanes
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
        self.kind, self.count = kind, len(self.lowered.data.inputs)

    def probe(self, theta):
        """R, R with noise, the loss less its least value, the noise trace, and R after it."""
        low, size = self.lowered, self.problem.teacher.size
        memory, out = (
            aligned(low.network.size * self.lanes, theta.dtype),
            np.zeros((3 * size + 2) * self.lanes),
        )
        memory[: theta.size] = to_lanes(theta)[0]
        probes.measured(memory, out, low.network, low.data, low.key)
        rows = out.reshape(-1, self.lanes).T
        shape = (self.lanes, *self.problem.teacher.shape)
        matrices = [rows[:, at : at + size].reshape(shape) for at in (0, size, 2 * size)]
        return matrices[0], matrices[1], rows[:, -2], rows[:, -1], matrices[2]

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


def population_noise(kind, off, density, draw, label):
    """Noise of one sample's end-to-end gradient from normal draws; linear in them."""
    if kind == "normal":
        return math.sqrt(np.sum(off**2) + NOISE**2) * draw[:-1] + off * draw[-1]
    root = np.sqrt(density)
    return root * (off * (draw - root * (root @ draw)) + NOISE * label)


def exact_noise(case, theta):
    """R with the noise of `probes.measured`, mean 1 and amplitude 1/2, from the same draws."""
    size, n = case.problem.teacher.size, len(case.lowered.data.inputs)
    if n:
        xi = case.draws(n, philox.NOISE)
        weights = 1 / n + 0.5 * (xi - xi.mean(axis=1, keepdims=True)) / math.sqrt(n)
        return np.einsum("tn,tn,nij->tij", weights, case.errors(theta), case.matrices)
    draws = case.draws(size + (case.kind == "normal"), philox.NOISE)
    labels, density = case.draws(size, philox.LABEL), case.density()
    off = (case.reference.end_to_end(theta) - case.problem.teacher).reshape(-1, size)
    rows = zip(off, draws, labels, strict=True)
    noisy = [density * o + population_noise(case.kind, o, density, x, y) / 2 for o, x, y in rows]
    return np.reshape(noisy, (-1, *case.problem.teacher.shape))


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_noise_and_trace(kind):
    """R, loss, noise and trace from the definition of a sample, or the moments of a population."""
    case = Measured(kind)
    theta, problem = case.points(), case.problem
    plain, noisy, loss, trace, after = case.probe(theta)
    matrix = case.reference.residual(theta, problem)
    assert agree(case, plain, matrix)
    assert agree(case, after, matrix)  # the trace leaves R as it was
    assert agree(case, noisy, exact_noise(case, theta))
    assert agree(case, loss + case.lowered.data.floor, case.reference.loss(theta, problem))
    if kind in FINITE:
        assert agree(case, matrix, np.einsum("tn,nij->tij", case.errors(theta), case.matrices) / case.count)
        assert agree(case, loss + case.lowered.data.floor, np.mean(case.errors(theta) ** 2, axis=1) / 2)
        exact = np.sum(np.var(case.samples(theta), axis=1), axis=1)
    else:
        exact = case.trace(theta)
    assert agree(case, trace, exact)
    assert agree(case, case.reference.noise_trace(theta, problem), exact)


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


def test_the_hessian_of_the_reference_is_the_change_of_its_gradient():
    case = Measured("sensing")
    theta, direction = case.points(), case.points(seed=1)
    ends = [case.reference.gradient(theta + h * direction, case.problem) for h in (1e-5, -1e-5)]
    product = case.reference.hessian_vector(theta, direction, case.problem)
    assert np.allclose(product, (ends[0] - ends[1]) / 2e-5, rtol=1e-6, atol=1e-6)


def test_completion_of_all_entries_is_the_population_of_white_inputs():
    """Up to the scale: a mean over all d_out d_in entries in place of a sum over d_out d_in."""
    data = {"kind": "completion", "observed": 1.0, "samples": "population"}
    whole = Case(study((3, 4, 2), data=data, rate=6 * RATE))
    white = Case(study((3, 4, 2), samples="population"))
    theta = white.points()
    assert agree(white, whole.advance(theta, steps=5), white.advance(theta, steps=5))
