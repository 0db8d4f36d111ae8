"""Late-time laws, currents and mixing times through integration and analysis, on networks of one layer.

These are linear systems: with finite data ``W - optimum`` obeys a linear recursion with random coefficients,
whose covariance at any lag is the solution of a linear equation. Statistical bounds are 5 standard errors
(false alarm below 1e-6 a check) unless stated.
"""

import numpy as np
import pytest

import fastsde
from fastsde.analysis import Settings, sections
from fastsde.analysis.currents import mixing
from fastsde.analysis.currents import section as currents
from fastsde.analysis.currents.linear_process import from_lag
from fastsde.analysis.features import late_law
from fastsde.run.run import run
from fastsde.study.study import Study

STUDY = """
seed = {seed}
trajectories = {trajectories}
start = "{start}"
[network]
widths = [2, 2]
init = {{ std = 0.3 }}
loss = "half"
[data]
samples = {samples}
inputs = {{ kind = "gaussian", spectrum = [2.0, 0.5] }}
teacher = {{ singular_values = [2.0, 1.0] }}
label_noise = {noise}
[time]
learning_rate = {rate}
steps = {steps}
snapshots = {{ count = 8, spacing = "linear", late = {{ count = {late}, every = {every} }} }}
[record]
observables = ["loss", "modes", "mode_matrix"]
{models}
"""
SGD = '[models.sgd]\nkind = "sgd"\nbatch = 1\nsampling = "{sampling}"\n'
LANGEVIN = '[models.langevin]\nkind = "sde"\nnoise = "isotropic"\ntemperature = 0.2\nsubsteps = {substeps}\n'


def ask(directory, module, models, **changes):
    """Run a study, ask one section; the answer and the problem."""
    known = {"seed": 1, "trajectories": 4000, "samples": 6, "noise": 0.5, "rate": 0.1, "steps": 1000,
             "late": 40, "every": 1, "start": "independent"}  # fmt: skip
    s = Study.from_toml(STUDY.format(**known | changes, models=models))
    run(s, directory, threads=1)
    with fastsde.open(directory) as ensemble:
        views = {name: ensemble[name] for name in ensemble.names}
        names = [name for name in views if s.models[name].kind == "sgd"]
        reference = names[0] if names else ""
        context = sections.Context(ensemble, views, reference, Settings(), fastsde.system.progress.Silent())
        return module.measure(context), ensemble.problem


def recursion(problem, rate):
    """Mean propagator and stationary covariance of vec(W - optimum), row by row, batch 1 with replacement."""
    x, errors = problem.inputs, problem.labels - problem.inputs @ problem.optimum.T
    steps = [np.kron(np.eye(2), np.eye(2) - rate * np.outer(one, one)) for one in x]
    kicks = [rate * np.kron(error, one) for error, one in zip(errors, x, strict=True)]
    square = np.mean([np.kron(step, step) for step in steps], axis=0)
    noise = np.mean([np.kron(kick, kick) for kick in kicks], axis=0)
    covariance = np.linalg.solve(np.eye(16) - square, noise).reshape(4, 4)
    return np.mean(steps, axis=0), covariance


def in_modes(problem):
    """Matrix that turns vec(W) into vec(U^T W V)."""
    return np.kron(problem.mode_left.T, problem.mode_right.T)


@pytest.mark.statistics
def test_sgd_on_finite_data_has_the_exact_areas_and_detailed_balance_has_none(tmp_path):
    rate = 0.1
    found, problem = ask(tmp_path, currents, SGD.format(sampling="replacement") + LANGEVIN.format(substeps=1))
    sgd, langevin = found.models["sgd"], found.models["langevin"]
    assert found.coordinates == ("11", "12", "21", "22")
    assert (sgd.reason, sgd.pairs, sgd.gap) == ("", 39, 1.0)
    step, covariance = recursion(problem, rate)
    turn = in_modes(problem)
    lagged = turn @ step @ covariance @ turn.T
    deviation = np.sqrt(np.diag(turn @ covariance @ turn.T))
    exact = (lagged.T - lagged) / (2 * rate)
    upper = np.triu_indices(4, 1)
    unit = np.outer(sgd.deviation, sgd.deviation)  # of the sample: natural units are exact
    assert np.allclose(sgd.deviation, deviation, rtol=0.06)
    error = (unit * sgd.area.error)[upper]
    assert np.all(np.abs(unit * sgd.area.rate - exact)[upper] < 5 * error)
    assert np.max(np.abs(exact[upper]) / error) > 8  # a current that must be found
    assert sgd.area.p_value == 1 / 201
    assert sgd.entropy.p_value == 1 / 201
    exact = from_lag(turn @ covariance @ turn.T, lagged, rate).entropy_production
    assert 0 < sgd.entropy.corrected.low < exact < sgd.entropy.corrected.high
    turning = sgd.planes["fastest"].turning
    assert abs(turning.value) > 5 * (turning.high - turning.low) / 4
    assert sgd.entropy.corrected.high > sgd.planes["fastest"].bound > 0
    assert langevin.area.p_value > 0.01  # false alarm 1 %, the seed is fixed
    assert langevin.entropy.p_value > 0.01
    assert langevin.entropy.corrected.low <= 0
    assert np.nanmax(np.abs(langevin.planes["fastest"].turning.low)) < 0.1


@pytest.mark.statistics
def test_autocorrelations_of_sgd_are_those_of_its_recursion(tmp_path):
    rate = 0.1
    found, problem = ask(tmp_path, mixing, SGD.format(sampling="replacement"), late=60)
    one = found.models["sgd"]
    step, covariance = recursion(problem, rate)
    turn = in_modes(problem)
    assert one.lags[:60].tolist() == list(range(60))
    for mode, place in ((0, 0), (1, 3)):
        exact = [
            (turn @ np.linalg.matrix_power(step, int(lag)) @ covariance @ turn.T)[place, place]
            for lag in one.lags
        ]
        exact = np.array(exact) / exact[0]
        error = (one.correlation.high - one.correlation.low)[:, mode] / 3.92 + 1e-9
        assert np.all(np.abs(one.correlation.value[:, mode] - exact) < 5 * error)
    assert one.correlation.value[0].tolist() == pytest.approx([1.0, 1.0])


@pytest.mark.statistics
def test_mixing_times_are_one_over_the_relaxation_rates(tmp_path):
    """White noise and one rate a mode: ``1 / (eta lambda)`` steps; within the interval, doubled."""
    found, problem = ask(tmp_path, mixing, LANGEVIN.format(substeps=1), samples='"population"', late=120,
                         steps=320, rate=0.1)  # fmt: skip
    one = found.models["langevin"]
    rates = np.diag(problem.mode_right.T @ problem.covariance @ problem.mode_right)
    turned = problem.mode_right.T @ problem.covariance @ problem.mode_right
    assert abs(turned[0, 1]) > 1e-3  # not a single exponential, in general: compare with the sum
    values, vectors = np.linalg.eigh(problem.covariance)
    shares = (problem.mode_right.T @ vectors) ** 2 / values
    exact = (shares / values).sum(1) / shares.sum(1) / 0.1
    assert one.verdict == ("resolved", "resolved")
    assert np.all(np.abs(one.time.value - exact) < (one.time.high - one.time.low) + 0.05 * exact)
    assert np.all(one.time.value > 0.8 / (rates * 0.1))


@pytest.mark.statistics
def test_langevin_has_its_own_temperature_and_sgd_has_not_one_for_all(tmp_path):
    """Gibbs: T in every mode, KS p-value above 0.001; SGD on raw data: hotter where S is larger (E6)."""
    models = SGD.format(sampling="replacement") + LANGEVIN.format(substeps=16)
    found, problem = ask(tmp_path, late_law, models)
    assert found.exact
    assert found.label_noise
    langevin, sgd = found.models["langevin"], found.models["sgd"]
    each = langevin.temperatures.each
    assert np.all((each.low < 0.2 * 1.02) & (each.high > 0.2 * 0.98))
    assert langevin.temperatures.equipartition_p > 1e-3
    assert langevin.gibbs.p_value > 1e-3
    assert langevin.boltzmann.p_value > 1 / 200
    assert langevin.own_temperature == 0.2
    assert np.all(np.abs(langevin.offset.value) < 2 * (langevin.offset.high - langevin.offset.low))
    assert np.all(np.abs(np.log(langevin.settled.value)) < 0.2)
    _, covariance = recursion(problem, 0.1)
    turn = in_modes(problem)
    exact = np.diag(turn @ covariance @ turn.T)[[0, 3]] / late_law.susceptibility(problem)
    error = (sgd.temperatures.each.high - sgd.temperatures.each.low) / 3.92
    assert np.all(np.abs(sgd.temperatures.each.value - exact) < 5 * error)
    assert sgd.temperatures.equipartition_p < 1e-3
    assert sgd.gibbs is None


@pytest.mark.statistics
def test_a_wrong_temperature_is_told_from_the_right_one(tmp_path):
    """Euler with a step of 0.4 at S = 2 is hotter than its noise by 2/(2 - 0.8): the Gibbs law is refused."""
    found, _ = ask(tmp_path, late_law, LANGEVIN.format(substeps=1), samples='"population"', rate=0.4)
    one = found.models["langevin"]
    assert one.gibbs.p_value < 1e-3
    assert one.temperatures.each.low.max() > 0.2


def test_without_label_noise_sgd_collapses_onto_the_fixed_point_of_gradient_flow(tmp_path):
    models = SGD.format(sampling="replacement")
    found, _ = ask(tmp_path / "law", late_law, models, noise=0.0, steps=6000, trajectories=64, late=2)
    one = found.models["sgd"]
    assert not found.label_noise
    assert one.reason == "collapsed onto a point"
    assert one.temperatures is None
    assert np.all(np.abs(one.offset.value) < 1e-6)
    still, _ = ask(tmp_path / "law", currents, models, noise=0.0, steps=6000, trajectories=64, late=2)
    assert "do not move" in still.models["sgd"].reason


def test_sparse_snapshots_give_a_reason_and_no_number(tmp_path):
    models = SGD.format(sampling="replacement")
    found, _ = ask(tmp_path, currents, models, trajectories=200, late=2, every=100, steps=400)
    one = found.models["sgd"]
    assert "snapshots.late" in one.reason
    assert one.area is None
    assert one.entropy is None
    assert one.planes == {}


def test_few_trajectories_and_stable_noise_give_a_reason(tmp_path):
    levy = '[models.levy]\nkind = "sde"\nnoise = "gradient"\nalpha = 1.9\nsubsteps = 2\n'
    models = SGD.format(sampling="replacement") + levy
    for module in (currents, mixing, late_law):
        found, _ = ask(tmp_path / "few", module, models, trajectories=20)
        assert found.models["sgd"].reason == "only 20 trajectories"
        found, _ = ask(tmp_path / "levy", module, models, trajectories=40)
        assert found.models["levy"].reason == "stable noise: no variance"
        assert found.models["sgd"].reason == ""
