"""From studies to numbers: keys, temperatures, amplitudes, clocks, and the data as kernels take them."""

import math

import numpy as np
import pytest

from fastsde.integrate.lowering import lower, philox_key
from fastsde.kernels import observe, steps
from fastsde.kernels.cpu import standard_normals
from fastsde.kernels.noise import Stable, Tempered
from fastsde.kernels.population import GAUSSIAN, STABLE, STUDENT
from fastsde.problem.data import build_problem
from fastsde.problem.initial_points import start_points
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.study import Study

ETA = 0.1
HEAVY_LABELS = {"kind": "stable", "alpha": 1.5, "scale": 0.2}


def lowered(model, *, samples=10, widths=(3, 5, 2), inputs=None, noise=0.5, **more):
    """Lower one model, and give the study and the problem beside it."""
    study = Study.from_mapping(
        {
            "seed": 4,
            "trajectories": 8,
            "network": {"widths": list(widths), "init": {"std": 0.4}, "loss": "mean"},
            "data": {
                "samples": samples,
                "inputs": inputs or {"kind": "gaussian"},
                "teacher": {"singular_values": [4.0]},
                "label_noise": noise,
            },
            "time": {"learning_rate": ETA, "steps": 100},
            "models": {"m": model},
            **more,
        }
    )
    problem = build_problem(study)
    return lower(study, "m", problem), study, problem


def langevin(**more):
    return {"kind": "sde", "noise": "isotropic", **more}


def gradient_noise(**more):
    return {"kind": "sde", "noise": "gradient", **more}


def test_keys_are_two_words_of_seed_and_name():
    names = "start", "model sgd", "model sde", ""
    keys = [philox_key(seed, name) for seed in (0, 1, 2**63) for name in names]
    assert len(set(keys)) == len(keys)
    assert all(int(word) < 2**32 for key in keys for word in key)
    # pinned: a change would give every study other numbers
    assert philox_key(0, "model sgd") == (3983003754, 2469708184)


def test_paired_models_start_from_one_key_and_draw_from_their_own():
    models = {"models": {"m": {"kind": "gd"}, "other": {"kind": "sgd"}}}
    for start, shared in (("paired", True), ("independent", False)):
        first, study, problem = lowered({"kind": "gd"}, start=start, **models)
        second = lower(study, "other", problem)
        assert (first.start_key == second.start_key) is shared
        assert first.key != second.key


@pytest.mark.parametrize("sampling", ["replacement", "without-replacement", "epoch"])
@pytest.mark.parametrize("batch", [1, 4])
def test_the_temperature_matched_at_the_minimum(sampling, batch):
    """``2 T p = eta tr Cov(gradient of a batch)``, from the gradients of the samples."""
    got, study, problem = lowered(langevin(batch=batch, sampling=sampling))
    network = DeepLinearNetwork(study.network.widths, study.network.loss_scale)
    u, s, v = problem.mode_left, problem.mode_strength, problem.mode_right
    theta = network.pack([np.eye(5)[:, :2] @ (np.sqrt(s)[:, None] * v.T), (u * np.sqrt(s)) @ np.eye(5)[:2]])
    assert np.allclose(network.end_to_end(theta), problem.optimum)
    trace = np.trace(np.cov(network.sample_gradients(theta, problem).T, bias=True))
    share = 1 if sampling == "replacement" else (10 - batch) / (10 - 1)
    expected = ETA * trace * share / batch / (2 * network.size)
    assert got.attributes["temperature"] == pytest.approx(expected, rel=1e-9)
    assert got.dynamics.amplitude == pytest.approx(math.sqrt(2 * expected * ETA / 8), rel=1e-9)


@pytest.mark.parametrize("samples", [10, "population"])
@pytest.mark.parametrize("start", ["paired", "independent"])
def test_the_temperature_matched_at_the_start(samples, start):
    got, study, problem = lowered(langevin(match_at="start", batch=2), samples=samples, start=start)
    network = DeepLinearNetwork(study.network.widths, study.network.loss_scale)
    normals = standard_normals(network.size, 0, 256, got.start_key, "float64")
    points = start_points(normals, study.network.init, study.network.widths)
    share = 1 / 2 if samples == "population" else (10 - 2) / (10 - 1) / 2
    expected = ETA * network.noise_trace(points, problem).mean() * share / (2 * network.size)
    assert got.attributes["temperature"] == pytest.approx(expected, rel=1e-9)


def test_a_temperature_matched_where_the_trajectory_is_has_no_number():
    got, study, _ = lowered(langevin(match_at="local", batch=2, sampling="replacement", substeps=4))
    size = DeepLinearNetwork(study.network.widths).size
    assert "temperature" not in got.attributes
    assert isinstance(got.dynamics, steps.LocalIsotropic)
    assert got.dynamics.amplitude == pytest.approx(math.sqrt(ETA * (ETA / 4) / 2 / size))


def test_a_full_batch_has_no_noise():
    assert lowered(gradient_noise(batch=10, sampling="epoch"))[0].dynamics.amplitude == 0
    assert lowered(langevin(batch=10, sampling="without-replacement"))[0].attributes["temperature"] == 0
    assert lowered(gradient_noise(batch=10, sampling="replacement"))[0].dynamics.amplitude > 0


@pytest.mark.parametrize("substeps", [1, 8])
@pytest.mark.parametrize("alpha", [2.0, 1.7, 1.0])
def test_increments_scale_with_the_step_as_the_tail_index_says(alpha, substeps):
    """Increments are ``eta^(1 - 1/alpha) dt^(1/alpha)`` times the noise of a batch, as SGD's at dt = eta."""
    dt = ETA / substeps
    size = ETA ** (1 - 1 / alpha) * dt ** (1 / alpha)
    increments = {"alpha": alpha, "substeps": substeps}
    gradient = lowered(gradient_noise(batch=4, sampling="replacement", **increments))[0].dynamics
    assert gradient.dt == pytest.approx(dt)
    assert gradient.dt * gradient.amplitude == pytest.approx(size / math.sqrt(4))
    heat = lowered(langevin(temperature=0.3, **increments))[0].dynamics
    assert heat.amplitude == pytest.approx(math.sqrt(2 * 0.3 / ETA) * size)
    assert heat.clock == (None if alpha == 2 else Stable(a=alpha / 2))
    assert heat.tamed == gradient.tamed == (alpha < 2 and substeps > 1)


@pytest.mark.parametrize("tempering", [0.5, 20.0, 3000.0])
def test_tempered_clocks_are_cut_into_pieces_that_are_accepted(tempering):
    dynamics = lowered(gradient_noise(alpha=1.6, tempering=tempering, substeps=2))[0].dynamics
    clock, rate, a = dynamics.clock, tempering * ETA / 2, 0.8
    assert isinstance(clock, Tempered)
    assert clock.rate == pytest.approx(rate)
    assert math.exp(-rate / a / clock.pieces) > 0.49  # the chance to be accepted
    assert clock.pieces == 1 or math.exp(-rate / a / (clock.pieces - 1)) < 0.51
    assert a * math.exp(clock.log_scale) ** a * clock.pieces == pytest.approx(rate)
    plain = lowered(gradient_noise(substeps=2))[0].dynamics
    assert dynamics.amplitude == plain.amplitude  # the covariance is that of the Gaussian noise


def test_each_model_becomes_its_step():
    population = {"samples": "population"}
    for model, options, kind in (
        ({"kind": "gd", "substeps": 3}, {}, steps.Descent),
        ({"kind": "sgd"}, {}, steps.SampleSgd),
        ({"kind": "sgd", "batch": 10}, {"widths": (3, 40, 40, 2)}, steps.WeightSgd),
        ({"kind": "sgd"}, population, steps.FreshSgd),
        (langevin(), {}, steps.Isotropic),
        (gradient_noise(), {}, steps.FiniteNoise),
        (gradient_noise(epoch_bridge=True), {}, steps.EpochNoise),
        (gradient_noise(), population, steps.PopulationNoise),
    ):
        got, study, _ = lowered(model, **options)
        assert type(got.dynamics) is kind
        assert got.dynamics.dense is (kind not in (steps.SampleSgd, steps.FreshSgd))
        assert got.dynamics.dt == pytest.approx(ETA / study.models["m"].substeps)
        assert got.attributes["dt"] == got.dynamics.dt


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("widths", [(3, 5, 2), (4, 4), (5, 2, 1)])
def test_the_data_as_the_kernels_take_them(widths, dtype):
    got, _, problem = lowered({"kind": "sgd"}, widths=widths, dtype=dtype)
    data, columns = got.data, widths[0] + widths[-1]
    arrays = [value for value in data if isinstance(value, np.ndarray)]
    assert all(a.dtype == dtype and a.flags.c_contiguous for a in arrays)
    assert data.rows.shape[1] % 4 == 0
    assert np.allclose(data.rows[:, :columns], np.hstack([problem.inputs, problem.labels]))
    assert np.all(data.rows[:, columns:] == 0)
    assert np.allclose(data.noise, problem.labels - problem.inputs @ problem.optimum.T, atol=1e-6)
    assert np.allclose(data.factor @ data.factor_transposed, problem.covariance, atol=1e-5)
    assert not data.white
    assert got.trace == observe.FINITE_TRACE
    assert got.choice > len(problem.inputs)


def test_whitened_data_and_unit_populations_are_recognised():
    assert lowered({"kind": "gd"}, inputs={"kind": "gaussian", "whiten": True})[0].data.white
    assert lowered({"kind": "gd"}, samples="population")[0].data.white
    spectrum = {"kind": "gaussian", "spectrum": [1.0, 1.0, 1.1]}
    assert not lowered({"kind": "gd"}, samples="population", inputs=spectrum)[0].data.white


@pytest.mark.parametrize(
    ("inputs", "noise", "trace", "law", "scale"),
    [
        ({"kind": "gaussian"}, 0.5, observe.POPULATION_TRACE, GAUSSIAN, 1.0),
        ({"kind": "student-t", "nu": 6.0}, 0.5, observe.POPULATION_TRACE, STUDENT, math.sqrt(4 / 6)),
        ({"kind": "student-t", "nu": 3.0}, 0.5, observe.NO_TRACE, STUDENT, math.sqrt(1 / 3)),
        ({"kind": "student-t", "nu": 1.5}, 0.5, observe.NO_TRACE, STUDENT, 1.0),
        ({"kind": "stable", "alpha": 1.5}, 0.5, observe.NO_TRACE, STABLE, 1.0),
        ({"kind": "gaussian"}, HEAVY_LABELS, observe.NO_TRACE, GAUSSIAN, 1.0),
    ],
)
def test_populations(inputs, noise, trace, law, scale):
    got, _, problem = lowered({"kind": "sgd", "batch": 3}, samples="population", inputs=inputs, noise=noise)
    population = got.dynamics.population
    assert got.trace == trace
    assert (population.input_law, population.input_scale) == (law, pytest.approx(scale))
    assert population.label_scale == problem.noise_scale
    assert all(math.isfinite(x) for x in (got.data.floor, got.data.label_sd, got.data.spread))


def test_a_mode_without_strength_is_never_learned():
    record = {"loss_below": [0.5, 0.1], "mode_learned": [0.5, 0.9]}
    got, _, problem = lowered({"kind": "gd"}, samples="population", events=record)
    assert got.events.thresholds.shape == (2, 2)
    assert np.allclose(got.events.thresholds[:, 0], [2.0, 3.6])
    assert np.all(np.isinf(got.events.thresholds[:, 1]))
    assert np.allclose(got.events.left @ problem.optimum @ got.events.right.T, np.diag([4.0, 0.0]))


SCALES = {
    "temperature": (langevin(temperature=0.3, substeps=4), math.sqrt(2 * 0.3)),
    "gradient": (gradient_noise(batch=5, sampling="replacement", substeps=8), math.sqrt(ETA / 5)),
    "tempered": (
        gradient_noise(batch=5, sampling="replacement", alpha=1.5, tempering=9.0),
        math.sqrt(ETA / 5),
    ),
    "stable": (
        gradient_noise(batch=5, sampling="replacement", alpha=1.6, substeps=8),
        math.sqrt(1 / 5) * ETA ** (1 - 1 / 1.6),
    ),
    "given": ({"kind": "sde", "noise": "given", "covariance": {"diagonal": [0.2] * 25}}, 1.0),
    "local": (
        langevin(match_at="local", batch=2, sampling="replacement", substeps=4),
        math.sqrt(ETA / 2 / 25),
    ),
}


@pytest.mark.parametrize("name", SCALES)
def test_the_scale_of_the_noise_is_a_number_per_unit_time(name):
    """``noise_scale t^(1/alpha)`` is what an increment over t has of the covariance's root, at any dt."""
    model, exact = SCALES[name]
    attributes = lowered(model)[0].attributes
    assert attributes["noise_scale"] == pytest.approx(exact)
    assert lowered({**model, "substeps": 3})[0].attributes["noise_scale"] == pytest.approx(exact)
    assert isinstance(attributes["noise_scale_of"], str)


@pytest.mark.parametrize("where", ["start", "minimum"])
def test_a_matched_temperature_is_said_as_a_number(where):
    attributes = lowered(langevin(temperature="matched", match_at=where, batch=3))[0].attributes
    assert attributes["noise_scale"] == pytest.approx(math.sqrt(2 * attributes["temperature"]))
    assert (
        f"temperature {attributes['temperature']:.6g}, matched at the {where}" in attributes["noise_scale_of"]
    )
    assert "noise_scale" not in lowered({"kind": "sgd"})[0].attributes


def test_svag_draws_each_batch_as_sgd_does():
    for model, options, kind in (
        ({"batch": 2}, {}, steps.SampleSgd),
        ({"batch": 10}, {"widths": (3, 40, 40, 2)}, steps.WeightSgd),
        ({"batch": 2, "sampling": "without-replacement"}, {"samples": 20_000}, steps.SampleSgd),
        ({"batch": 2}, {"samples": "population"}, steps.FreshSgd),
    ):
        got = lowered({"kind": "svag", "substeps": 5, **model}, **options)[0]
        assert type(got.dynamics) is steps.Svag
        assert type(got.dynamics.inner) is kind
        assert got.dynamics.dense is (kind is steps.WeightSgd)
        assert (got.dynamics.first, got.dynamics.second) == (2.0, -1.0)
        assert got.dynamics.dt == pytest.approx(ETA / 5)
