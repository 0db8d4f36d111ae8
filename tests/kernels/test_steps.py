"""One step of each dynamics against NumPy, fed with the same random numbers made without compiling."""

import itertools
import math

import numpy as np
import probes
import pytest
from studies import study
from tools import INPUTS, SHAPES, Case

from fastsde.kernels import philox, stable, steps
from fastsde.kernels.cpu import aligned

RATE = 0.05
TOLERANCE = {"float32": 2e-5, "float64": 1e-11}
CLOCKS = {"gaussian": {}, "stable": {"alpha": 1.5}, "tempered": {"alpha": 1.4, "tempering": 20.0}}


def sde(noise="gradient", clock="gaussian", **more):
    """A table of an SDE with dt = learning rate."""
    sampling = {} if "sampling" not in more else {"sampling": more.pop("sampling")}
    return {"kind": "sde", "noise": noise, "substeps": 1, "batch": 2, **CLOCKS[clock], **sampling, **more}


def agree(case, got, exact):
    return np.allclose(got, exact, rtol=TOLERANCE[case.study.dtype], atol=TOLERANCE[case.study.dtype])


def stretches(case, step=0, first=0):
    """The factor by which a clock stretches each trajectory's Gaussian increment, from the words alone."""
    clock = case.lowered.dynamics.clock
    if clock is None:
        return np.ones((case.lanes, 1))
    if not hasattr(clock, "rate"):
        words = case.words(0, philox.SUBORDINATOR, step=step, first=first)
        return np.exp(0.5 * stable.log_positive_stable(clock.a, *words))[:, None]
    total = np.zeros(case.lanes)
    for piece in range(clock.pieces):
        taken, number = np.full(case.lanes, np.nan), piece << int(stable.PIECE)
        while np.isnan(taken).any():
            words = case.words(number, philox.SUBORDINATOR, step=step, first=first)
            other = case.words(number + 1, philox.SUBORDINATOR, step=step, first=first)
            x = np.exp(stable.log_positive_stable(clock.a, *words) + clock.log_scale)
            accepted = -np.log(stable.uniform64(*other[:2])) > x
            taken = np.where(np.isnan(taken) & accepted, x, taken)
            number += 2
        total += taken
    return np.sqrt(total / clock.rate)[:, None]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("data", ["white", "raw", "spectrum"])
@pytest.mark.parametrize("widths", SHAPES)
def test_gradient_descent(widths, data, dtype):
    case = Case(study(widths, dtype=dtype, **INPUTS[data]))
    theta = case.points()
    got, exact = case.advance(theta, steps=3), theta.astype(np.float64)
    for _ in range(3):
        exact = exact - RATE * case.reference.gradient(exact, case.problem)
    assert agree(case, got, exact)


@pytest.mark.parametrize(
    ("dtype", "clock"), [("float32", "gaussian"), ("float64", "gaussian"), ("float64", "stable")]
)
def test_isotropic_noise(dtype, clock):
    case = Case(study((3, 5, 2), sde("isotropic", clock, temperature=0.3), dtype=dtype, samples="population"))
    theta, first, step = case.points(), 40, 2**33 + 7
    noise = case.draws(case.reference.size, philox.NOISE, first=first, step=step)
    exact = theta - RATE * case.reference.gradient(theta.astype(np.float64), case.problem)
    exact += math.sqrt(2 * 0.3 * RATE) * stretches(case, step, first) * noise
    assert agree(case, case.advance(theta, first=first, start=step), exact)


def test_isotropic_noise_of_temperature_zero_is_gradient_descent():
    model = sde("isotropic", temperature=0.0)
    case, descent = Case(study((3, 5, 2), model, samples=6)), Case(study((3, 5, 2), samples=6))
    theta = case.points()
    assert np.array_equal(case.advance(theta, steps=4), descent.advance(theta, steps=4))


@pytest.mark.parametrize("data", ["raw", "heavy"])
def test_isotropic_noise_that_follows_the_noise_of_sgd(data):
    how = "replacement" if data == "raw" else "fresh"
    case = Case(study((3, 5, 2), sde("isotropic", match_at="local", sampling=how), **INPUTS[data]))
    theta, size = case.points(), case.reference.size
    temperature = RATE * case.reference.noise_trace(theta, case.problem) / 2 / (2 * size)
    exact = theta - RATE * case.reference.gradient(theta, case.problem)
    exact += np.sqrt(2 * RATE * temperature)[:, None] * case.draws(size, philox.NOISE)
    assert agree(case, case.advance(theta), exact)


@pytest.mark.parametrize("inputs", [3, 4])  # four have a form of their own
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_gradient_noise_of_samples(dtype, inputs):
    case = Case(study((inputs, 3, 5, 2), sde(sampling="without-replacement"), dtype=dtype, samples=7))
    theta, problem, n = case.points(), case.problem, 7
    xi = case.draws(n, philox.NOISE, first=8, step=5)
    share = math.sqrt((n - 2) / (n - 1) / 2)
    weights = 1 / n + share * (xi - xi.mean(axis=1, keepdims=True)) / math.sqrt(n)
    gradients = case.reference.sample_gradients(theta.astype(np.float64), problem)
    exact = theta - RATE * np.einsum("tn,tnp->tp", weights, gradients)
    assert agree(case, case.advance(theta, first=8, start=5), exact)


def population_residual(case, theta, draws, amplitude):
    """``c [D S + amplitude (D F H F^T + sigma Z F^T)]`` from the draws, entry by entry."""
    problem, (d_out, d_in) = case.problem, case.problem.optimum.shape
    off = case.reference.end_to_end(theta) - problem.optimum
    result = np.empty_like(off)
    for t, draw in enumerate(draws):
        numbers, g = iter(draw), np.zeros((d_in, d_in))
        for i in range(d_in):
            g[i, i] = math.sqrt(2) * next(numbers)
            for j in range(i + 1, d_in):
                g[i, j] = g[j, i] = next(numbers)
        z = np.array([next(numbers) for _ in range(d_out * d_in)]).reshape(d_out, d_in)
        h = math.sqrt(problem.t2) * g + math.sqrt(problem.t2 - 1) * next(numbers) * np.eye(d_in)
        f = problem.factor
        noise = (off[t] @ f @ h + problem.noise_sd * z) @ f.T
        result[t] = problem.loss_scale * (off[t] @ problem.covariance + amplitude[t] * noise)
    return result


@pytest.mark.parametrize(
    ("data", "clock"),
    [("population", "gaussian"), ("spectrum", "gaussian"), ("heavy", "gaussian"), ("heavy", "tempered")],
)
def test_gradient_noise_of_populations(data, clock):
    case = Case(study((4, 3, 5, 2), sde(clock=clock), **INPUTS[data]))
    theta = case.points()
    draws = case.draws(10 + 8 + 1, philox.NOISE, first=3, step=2)
    residual = population_residual(case, theta, draws, stretches(case, 2, 3)[:, 0] / math.sqrt(2))
    exact = theta - RATE * case.reference.push(theta, residual)
    assert agree(case, case.advance(theta, first=3, start=2), exact)


def sgd(batch, how="epoch"):
    return {"kind": "sgd", "batch": batch, "sampling": how}


def descend(case, theta, batches, sizes):
    """SGD on the given samples, (steps, batch, trajectories)."""
    theta = theta.astype(np.float64)
    for members, size in zip(batches, sizes, strict=True):
        gradients = case.reference.sample_gradients(theta, case.problem)
        chosen = np.take_along_axis(gradients, members[:size].T[:, :, None], axis=1)
        theta = theta - case.study.time.learning_rate * chosen.mean(axis=1)
    return theta


@pytest.mark.parametrize("how", ["epoch", "without-replacement", "replacement"])
@pytest.mark.parametrize(
    ("widths", "batch"),
    [*((w, 1) for w in SHAPES), ((3, 4, 2), 2), ((2, 5, 3, 4), 3), ((3, 2), 5), ((3, 4, 2), 6)],
)
def test_sgd_on_samples(widths, batch, how):
    for dtype in TOLERANCE if how == "epoch" else ["float64"]:
        case = Case(study(widths, sgd(batch, how), samples=6, dtype=dtype, rate=0.01))
        route = steps.SampleSgd(dense=False, **_sgd_fields(case))
        theta = case.points()
        exact = descend(case, theta, *case.batches(9, first=5, start=4))
        assert agree(case, case.advance(theta, first=5, start=4, steps=9, dynamics=route), exact)


def _sgd_fields(case):
    dynamics = case.lowered.dynamics
    return {"dt": dynamics.dt, "batch": dynamics.batch, "sampling": dynamics.sampling}


@pytest.mark.parametrize("how", ["epoch", "without-replacement", "replacement"])
@pytest.mark.parametrize("batch", [1, 4, 7, 20])
def test_the_two_routes_of_sgd_are_one_algorithm(how, batch):
    """Routes by chains of products and by weights of the samples; the lowering takes the cheaper one."""
    case = Case(study((3, 4, 2), sgd(batch, how), samples=20))
    fields, theta = _sgd_fields(case), case.points()
    assert isinstance(case.lowered.dynamics, steps.SampleSgd) == (batch <= 7)
    weights = case.advance(theta, steps=6, dynamics=steps.WeightSgd(dense=True, **fields))
    assert agree(case, weights, descend(case, theta, *case.batches(6)))


@pytest.mark.parametrize("how", ["without-replacement", "replacement"])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_two_routes_of_svag_are_one_algorithm(batch, how):
    """``theta - eta / l (c1 g1 + c2 g2)``, the first batch that of SGD with the same key."""
    level = 3
    model = {"kind": "svag", "substeps": level, "batch": batch, "sampling": how}
    case = Case(study((3, 4, 2), model, samples=20))
    pair, theta = case.lowered.dynamics, case.points()
    assert isinstance(pair.inner, steps.SampleSgd)
    assert not pair.dense
    assert pair.batch == 2 * batch
    fields = {"dt": pair.dt, "batch": batch, "sampling": pair.inner.sampling}
    weights = pair._replace(dense=True, inner=steps.WeightSgd(dense=True, **fields))
    got = case.advance(theta, steps=5)
    assert agree(case, case.advance(theta, steps=5, dynamics=weights), got)
    alone = steps.SampleSgd(dense=False, **fields)
    one = case.advance(theta, dynamics=alone) - theta
    other = case.advance(theta, dynamics=pair) - theta - (1 + math.sqrt(2 * level - 1)) / 2 * one
    gradients = case.reference.sample_gradients(theta, case.problem)
    second = other / (-pair.dt * (1 - math.sqrt(2 * level - 1)) / 2) * batch
    sums = np.stack([gradients[:, k].sum(axis=1) for k in combinations(20, batch, how)], axis=1)
    assert np.abs(sums - second[:, None]).max(axis=2).min(axis=1).max() < 1e-8  # a sum over some batch


def combinations(samples, batch, how):
    """All batches there are."""
    choose = (
        itertools.combinations if how == "without-replacement" else itertools.combinations_with_replacement
    )
    return [list(members) for members in choose(range(samples), batch)]


LAWS = {
    "gaussian": {"kind": "gaussian"},
    "student-t": {"kind": "student-t", "nu": 5.0},
    "stable": {"kind": "stable", "alpha": 1.6},
}


@pytest.mark.parametrize("spectrum", [None, (0.5, 2.0)])
@pytest.mark.parametrize(("inputs", "labels"), [(law, law) for law in LAWS] + [("gaussian", "student-t")])
def test_sgd_on_fresh_data(inputs, labels, spectrum):
    noise = {**LAWS[labels], "scale": 0.4}
    d_in, d_out, batch, rate = 3, 2, 3, 0.01
    case = Case(
        study((d_in, 4, d_out), sgd(batch, "fresh"), samples="population", inputs=LAWS[inputs], noise=noise,
              spectrum=spectrum, rate=rate)
    )  # fmt: skip
    theta, problem = case.points(), case.problem
    raw = fresh_numbers(case, inputs, d_in * batch, philox.SAMPLE, LAWS[inputs], batch)
    noises = fresh_numbers(case, labels, d_out * batch, philox.LABEL, noise, d_out * batch)
    scale = math.sqrt(3 / 5) if inputs == "student-t" else 1.0
    x = problem.factor @ raw.reshape(-1, d_in, batch) * scale
    off = case.reference.end_to_end(theta) - problem.teacher
    error = off @ x - 0.4 * noises.reshape(-1, d_out, batch)
    residual = problem.loss_scale * error @ np.swapaxes(x, 1, 2) / batch
    exact = theta - rate * case.reference.push(theta, residual)
    assert np.allclose(case.advance(theta, first=6, start=3), exact, rtol=1e-10, atol=1e-10)


def fresh_numbers(case, law, count, purpose, table, chi_squares):
    """Numbers of a law, (trajectories, count); the columns of Student-t inputs share chi-squares."""
    at = {"first": 6, "step": 3}
    if law == "stable":
        words = [case.words(k, purpose, **at) for k in range(count)]
        return np.stack([stable.symmetric_stable(table["alpha"], *w) for w in words], axis=1)
    normals = case.draws(count, purpose, **at)
    if law == "gaussian":
        return normals
    out = aligned(chi_squares * case.lanes, "float64")
    nu = table["nu"]
    probes.gammas(out, chi_squares, nu / 2, 6, 3, purpose + 1, case.lowered.key)
    factors = np.sqrt(nu / 2 / out.reshape(chi_squares, case.lanes).T)
    return normals * np.tile(factors, (1, count // chi_squares))


@pytest.mark.parametrize("data", ["white", "raw"])
def test_drift_is_left_alone_while_a_step_is_short_and_held_to_length_one(data):
    model = {"kind": "sde", "noise": "isotropic", "temperature": 0.0, "alpha": 1.5, "substeps": 4}
    case = Case(study((3, 4, 2), model, rate=0.4, **INPUTS[data]))
    dt, problem = 0.1, case.problem
    for scale in (0.3, 1.0, 2.0, 6.0, 1e3):
        theta = case.points() * scale
        drift = dt * case.reference.gradient(theta, problem)
        length = np.linalg.norm(drift, axis=1, keepdims=True)
        moved = theta - case.advance(theta)
        assert np.allclose(moved, drift / np.maximum(length, 1), rtol=1e-9, atol=1e-12 * scale)
        assert np.all(np.linalg.norm(moved, axis=1) <= 1 + 1e-9)
        if scale == 0.3:
            assert length.max() < 1
            untamed = case.lowered.dynamics._replace(tamed=False)
            assert np.array_equal(case.advance(theta), case.advance(theta, dynamics=untamed))
    assert length.min() > 1


@pytest.mark.parametrize("noise", ["isotropic", "gradient"])
def test_only_stable_noise_in_substeps_is_tamed(noise):
    heat = {"temperature": 1.0} if noise == "isotropic" else {}
    for clock, substeps, tamed in (("gaussian", 4, False), ("stable", 1, False), ("stable", 4, True)):
        model = sde(noise, clock, **heat) | {"substeps": substeps}
        assert Case(study((3, 4, 2), model)).lowered.dynamics.tamed is tamed


def test_divergences_are_noted_at_their_step_and_leave_the_other_lanes_alone():
    case = Case(study((3, 4, 2)))
    calm = case.points() * 0.5
    wild = calm.copy()
    wild[1] *= 1e4
    diverged = np.full(case.lanes, -1, dtype=np.int64)
    got = case.advance(wild, steps=12, diverged=diverged)
    assert 0 < diverged[1] < 12
    assert np.all(np.delete(diverged, 1) == -1)
    assert np.array_equal(np.delete(got, 1, axis=0), np.delete(case.advance(calm, steps=12), 1, axis=0))
    assert not np.isfinite(got[1]).all()
