"""How long modes remember: verdicts and times of autoregressive modes with known correlations."""

import numpy as np
import pytest
from fakes import FakeEnsemble, FakeTrajectories, fake_problem, fake_study
from scipy.signal import lfilter

from fastsde.analysis import Settings
from fastsde.analysis.context import Context
from fastsde.analysis.currents import mixing
from fastsde.system.progress import Silent

SNAPSHOTS = 121
"""At every step, of which the second half is looked at: lags 0 to 60."""
RADIUS, PERIOD = 0.93, 14.0
COEFFICIENTS = {
    "resolved": (0.8,),
    "longer": (0.995,),
    "shorter": (),
    "oscillates": (2 * RADIUS * np.cos(2 * np.pi / PERIOD), -(RADIUS**2)),
}
SLOWEST = 0.995


def stationary(rng, coefficients, count):
    """Paths (snapshot, trajectory) of ``x_t = sum_k a_k x_{t-k} + noise`` long after their start."""
    noise = rng.standard_normal((SNAPSHOTS + 1500, count))
    return lfilter([1.0], [1.0, *(-np.array(coefficients))], noise, axis=0)[-SNAPSHOTS:]


def correlation(coefficients, lags):
    """Autocorrelation by the Yule-Walker equations."""
    a, b = (*coefficients, 0.0, 0.0)[:2]
    found = [1.0, a / (1 - b)]
    while len(found) < lags:
        found.append(a * found[-1] + b * found[-2])
    return np.array(found[:lags])


def ask(modes):
    """The section's answer about one model with these modes, (snapshot, trajectory, mode)."""
    count = modes.shape[1]
    step = np.arange(SNAPSHOTS) * 10
    arrays = {"modes": 100 + modes, "diverged_step": np.full(count, -1)}
    view = FakeTrajectories(step, step * 1e-4, arrays, {"dt": 1e-4})
    ensemble = FakeEnsemble(fake_study(count, 4, ("sgd",)), fake_problem(), {"sgd": view})
    return mixing.measure(Context(ensemble, ensemble.views, "sgd", Settings(), Silent())).models["sgd"]


def made(rng, names, count):
    return np.stack([stationary(rng, COEFFICIENTS[name], count) for name in names], axis=2)


@pytest.mark.statistics
@pytest.mark.parametrize("names", [tuple(COEFFICIENTS), tuple(COEFFICIENTS)[::-1]])
def test_verdicts_and_times_of_known_processes(names):
    """1000 trajectories; correlations within 5 standard errors, times within twice the interval."""
    found = ask(made(np.random.default_rng(0), names, 1000))
    assert found.reason == ""
    assert found.verdict == names
    assert found.lags.tolist() == [10.0 * lag for lag in range(61)]
    for mode, name in enumerate(names):
        exact = correlation(COEFFICIENTS[name], 61)
        error = (found.correlation.high - found.correlation.low)[:, mode] / 3.92
        assert np.all(np.abs(found.correlation.value[:, mode] - exact) <= 5 * error + 1e-9)
        time = 10 * mixing.integrated_time(np.arange(61.0), exact[:, None])[0]
        width = found.time.high[mode] - found.time.low[mode]
        assert abs(found.time.value[mode] - time) < width
    slow, quick, white = (names.index(name) for name in ("longer", "resolved", "shorter"))
    assert found.time.value[quick] == pytest.approx(10 / -np.log(0.8), rel=0.35)  # an error of 7 %
    assert 500 < found.time.value[slow] < 10 / -np.log(SLOWEST)  # a lower bound, at most the window
    assert found.time.value[white] < 10


@pytest.mark.statistics
def test_chance_is_not_called_an_oscillation_and_an_oscillation_is_seen():
    """Forty trajectories, 60 lags: the lowest correlation of white noise is below -0.2 almost always.

    Of 160 modes without memory, or with a falling one, at most 4 are called oscillating (each at most by
    one chance in forty by its bound, in truth far less). An oscillation to -0.6 is seen in at least 76 of 80
    modes of 120 trajectories.
    """
    rng = np.random.default_rng(1)
    called, lowest, seen = 0, 0, 0
    for _ in range(40):
        one = ask(made(rng, ("resolved", "shorter", "shorter", "resolved"), 40))
        called += sum(verdict == "oscillates" for verdict in one.verdict)
        lowest += int(np.sum(one.correlation.value.min(axis=0) < mixing.OSCILLATING))
        assert not {"longer", "still"} & set(one.verdict)
    for _ in range(20):
        one = ask(made(rng, ("oscillates",) * 4, 120))
        seen += sum(verdict == "oscillates" for verdict in one.verdict)
    assert lowest > 140
    assert called <= 4
    assert seen >= 76


@pytest.mark.statistics
def test_white_noise_is_not_called_resolved():
    """Thirty trajectories: the correlation at the first lag is above one tenth in a quarter of cases.

    Surely above it in one of forty: of 80 modes at most 8 (2.5 %, false alarm below 1e-3).
    """
    rng = np.random.default_rng(2)
    verdicts = [word for _ in range(20) for word in ask(made(rng, ("shorter",) * 4, 30)).verdict]
    assert verdicts.count("shorter") >= 72
    assert set(verdicts) <= {"shorter", "resolved", "oscillates"}


def test_a_mode_that_stands_still_among_others():
    modes = made(np.random.default_rng(3), ("resolved",) * 4, 50)
    modes[:, :, 2] = 7.0
    assert ask(modes).verdict == ("resolved", "resolved", "still", "resolved")
    assert ask(np.zeros_like(modes)).reason == "the modes do not move"
