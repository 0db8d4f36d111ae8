"""Late-time laws: do they still move, and the local Boltzmann law of a deep network by plain simulation."""

import numpy as np
import pytest
from fakes import FakeEnsemble, FakeTrajectories

from fastsde.analysis import Settings
from fastsde.analysis.context import Context
from fastsde.analysis.features import late_law
from fastsde.analysis.features.late_law import motion
from fastsde.problem.data import build_problem
from fastsde.study.study import Study
from fastsde.system.progress import Silent

MODES, KEPT = 4, 0.6


def two_times(rng, count=300, grow=1.0, shift=0.0):
    """Correlated modes of one law at two times that remember each other; the second may be spoiled."""
    mix = np.eye(MODES) + 0.5 * rng.normal(size=(MODES, MODES))
    earlier, fresh = rng.standard_t(8, size=(2, count, MODES)) @ mix
    last = KEPT * earlier + np.sqrt(1 - KEPT**2) * fresh
    return earlier, grow * last + shift * last.std(axis=0)


@pytest.mark.statistics
def test_a_law_that_stands_is_rarely_called_moving():
    """Of 1000 laws of four modes at most 7 % (5 %, false alarm 2e-3): not 5 % of every mean and spread.

    Laws of which one number in twenty is off by chance are about a fifth: the rule of each mode by itself.
    """
    rng = np.random.default_rng(0)
    called, apart = 0, 0
    for _ in range(1000):
        earlier, last = two_times(rng)
        called += motion(earlier, last) < 0.05
        settled = late_law._settled(earlier, last)
        apart += bool(np.any((settled.low > 1) | (settled.high < 1)))
    assert 10 < called < 70
    assert apart > 120


@pytest.mark.statistics
@pytest.mark.parametrize("change", [{"grow": 1.25}, {"shift": 0.25}])
def test_a_law_that_moves_is_found_by_its_spread_and_by_its_mean(change):
    """A quarter is five standard errors or more of 300 trajectories: at least 95 of 100 are found."""
    rng = np.random.default_rng(1)
    assert sum(motion(*two_times(rng, **change)) < 0.05 for _ in range(100)) >= 95


def test_motion_of_nothing():
    point = np.ones((50, 2))
    assert motion(point, point) is None
    assert motion(point[:1], point[:1]) is None
    assert motion(np.empty((50, 0)), np.empty((50, 0))) is None


STUDY = """
seed = 3
trajectories = {count}
[network]
widths = [2, 3, 2]
init = {{ std = 0.3 }}
loss = "half"
[data]
samples = "population"
inputs = {{ kind = "gaussian", spectrum = [1.6, 0.7] }}
teacher = {{ singular_values = [2.0, 1.2] }}
label_noise = 0.5
[time]
learning_rate = {step}
steps = {steps}
snapshots = {{ at = [0, {half}, {steps}] }}
[record]
observables = ["modes"]
[models.langevin]
kind = "sde"
noise = "isotropic"
temperature = {temperature}
"""


def langevin(problem, count, steps, step, temperature, seed):
    """Modes of two layers of Langevin dynamics from a balanced minimum, in the middle and at the end.

    ``d theta = -grad L dt + (2 T)^(1/2) dB`` of ``L = 1/2 tr((W2 W1 - optimum) S (...)^T)``, by the scheme
    ``-h grad L + (T h / 2)^(1/2) (xi_n + xi_{n+1})`` (Leimkuhler and Matthews 2013), whose stationary law is
    exact where the gradient is linear.
    """
    rng = np.random.default_rng(seed)
    left, strength, right = np.linalg.svd(problem.optimum)
    wide = np.linalg.qr(rng.normal(size=(3, 2)))[0]
    second = np.tile((left * np.sqrt(strength)) @ wide.T, (count, 1, 1))
    first = np.tile((wide * np.sqrt(strength)) @ right, (count, 1, 1))
    kicks = [rng.normal(size=one.shape) for one in (second, first)]
    scale, found = np.sqrt(temperature * step / 2), []
    for number in range(1, steps + 1):
        error = (second @ first - problem.optimum) @ problem.covariance
        slopes = error @ first.transpose(0, 2, 1), second.transpose(0, 2, 1) @ error
        fresh = [rng.normal(size=one.shape) for one in (second, first)]
        second, first = (
            one - step * slope + scale * (old + new)
            for one, slope, old, new in zip((second, first), slopes, kicks, fresh, strict=True)
        )
        kicks = fresh
        if number in (steps // 2, steps):
            found.append(np.einsum("ia,nij,ja->na", problem.mode_left, second @ first, problem.mode_right))
    return found


@pytest.mark.statistics
def test_two_layers_at_a_small_temperature_have_the_local_boltzmann_law_of_w():
    """Each step of W is ``G`` times that of its gradient flow with noise ``2 T G``, so that G drops out.

    G = W2 W2^T x 1 + 1 x W1^T W1 has full rank at the minimum; the variance of mode a is then ``T v_a^T S^+
    v_a``, though the layers keep wandering along the orbits that leave W unchanged. Variances within 5
    standard errors (false alarm below 1e-6) and p-values above 1e-3; at a temperature wrong by three tenths
    the law is refused.
    """
    count, steps, step, temperature = 6000, 600, 0.02, 0.002
    text = STUDY.format(count=count, step=step, steps=steps, half=steps // 2, temperature=temperature)
    study = Study.from_toml(text)
    problem = build_problem(study)
    assert float(problem.loss_scale) == 1.0
    middle, last = langevin(problem, count, steps, step, temperature, 0)
    exact = temperature * late_law.susceptibility(problem)
    assert abs(exact[0] / exact[1] - 1) > 0.1  # the modes do not share a variance
    assert np.all(np.abs(last.var(axis=0, ddof=1) / exact - 1) < 5 * np.sqrt(2 / count))
    times = np.array([0, steps // 2, steps])
    laws = {}
    for said in (temperature, 1.3 * temperature):
        arrays = {"modes": np.stack([middle, middle, last]), "diverged_step": np.full(count, -1)}
        view = FakeTrajectories(times, times * step, arrays, {"dt": step, "temperature": said})
        ensemble = FakeEnsemble(study, problem, {"langevin": view})
        found = late_law.measure(Context(ensemble, ensemble.views, "", Settings(), Silent()))
        assert not found.exact
        laws[said] = found.models["langevin"]
    right, wrong = laws.values()
    assert right.reason == ""
    assert right.temperatures.equipartition_p > 1e-3
    assert right.temperatures.common.low < 1.02 * temperature
    assert right.temperatures.common.high > 0.98 * temperature
    assert right.boltzmann.p_value > 1e-3
    assert right.gibbs.p_value > 1e-3
    assert right.motion_p > 1e-3
    assert wrong.gibbs.p_value < 1e-4
