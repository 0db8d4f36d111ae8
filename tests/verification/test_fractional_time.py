"""The clock of fractional time: number of operational steps, drift of all kinds, single paths, its bound.

Fixed seeds; bounds are 5 standard errors unless stated (false alarm below 1e-6 a check), with negative
controls.
"""

import dataclasses
import math

import numpy as np
import pytest
from landscape_studies import free, landscape_study, run
from scipy.special import erfcx, gamma

import fastsde
from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.cpu_ensemble import Blocks
from fastsde.integrate.lowering import lower
from fastsde.kernels.cpu import Workers
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.steps.subordinated import Subordinated
from fastsde.study.terms import Subordination
from fastsde.system.errors import StudyError

BETA = 0.5
SLOW = {"kind": "sde", "noise": "isotropic", "substeps": 1, "subordination": {"beta": BETA}}
SLOPE = {"kind": "quadratic", "eigenvalues": [1.0], "start": {"point": [1.0]}}


def counts(study, number, trajectories, most=None):
    """Operational steps taken by the end of each of `number` steps, (number, trajectories).

    Without noise every operational step multiplies x by 1 - h, so x tells how many there were.
    """
    lowered = lower(study, "m", fastsde.build_problem(study))
    if most is not None:
        lowered = dataclasses.replace(lowered, dynamics=lowered.dynamics._replace(most=most))
    lanes = lane_count("float64")
    begin = Checkpoint(
        0, 0, np.pad(np.ones((trajectories, 1)), ((0, 0), (0, 2))), np.full(trajectories, -1),
        np.empty((trajectories, 0), dtype=np.int64),
    )  # fmt: skip
    sizes = lowered.network.size * lanes, lowered.choice * lanes
    found = []
    with Workers(1, *sizes, "float64") as workers:
        blocks = Blocks(lowered, workers, 0, trajectories, begin)
        for step in range(number):
            blocks.advance(step + 1)
            x = blocks.checkpoint(0).parameters[:, 0]
            found.append(np.log(x) / math.log1p(-study.time.learning_rate))
    taken = np.array(found)
    assert np.abs(taken - np.rint(taken)).max() < 1e-6
    return np.rint(taken).astype(int)


@pytest.mark.statistics
def test_the_number_of_operational_steps_is_the_whole_part_of_the_inverse_subordinator():
    """E(t) = (t/A)^beta; for beta = 1/2 it is |Z| sqrt(2 t): the law of floor(E/h), bin by bin."""
    h, count = 0.01, 20_000
    s = landscape_study(SLOPE, SLOW | {"temperature": 0.0}, rate=h, steps=9)
    taken = counts(s, 9, count)
    for step in (1, 9):
        got = np.bincount(taken[step - 1], minlength=10)[:10] / count
        edges = np.arange(11) * h / math.sqrt(2 * step * h)
        below = np.array([math.erf(edge / math.sqrt(2)) for edge in edges])
        error = np.sqrt(np.diff(below) / count)
        assert np.all(np.abs(got - np.diff(below)) < 5 * error)
        memoryless = np.diff(-np.exp(-edges * math.sqrt(2 / math.pi)))  # of the same mean
        assert step > 1 or np.any(np.abs(got - memoryless) > 5 * error)
    mean = Subordination(beta=BETA).first_events(h)
    assert abs(taken[0].mean() - (mean - 0.5)) < 5 * taken[0].std() / math.sqrt(count) + 0.01
    assert taken[0].max() > 4 * mean


def test_a_bound_on_the_steps_of_one_step_touches_no_other_trajectory():
    """With room for 30, the trajectories that never need more keep their bits; the others come later."""
    s = landscape_study(SLOPE, SLOW | {"temperature": 0.0}, rate=0.01, steps=12)
    free, bound = counts(s, 12, 400), counts(s, 12, 400, most=30)
    several = np.diff(free, axis=0, prepend=0).max(axis=0)
    spared = several <= 30
    assert 0 < (~spared).sum() < 200
    assert np.array_equal(free[:, spared], bound[:, spared])
    assert np.diff(bound, axis=0, prepend=0).max() == 30
    assert np.all(bound[0] == np.minimum(free[0], 30))
    assert np.all(bound[-1, ~spared] > 30)


def test_room_for_steps_is_beyond_what_the_law_reaches():
    """64 times the mean of the first step, and 2; studies that need 10^6 in a step are refused."""
    for beta in (0.05, 0.3, 0.5, 0.9):
        model = SLOW | {"temperature": 0.1, "subordination": {"beta": beta}}
        s = landscape_study(SLOPE, model, rate=1e-3)
        dynamics = lower(s, "m", fastsde.build_problem(s)).dynamics
        assert isinstance(dynamics, Subordinated)
        exact = 1e-3 ** (beta - 1) / gamma(1 + beta)
        assert dynamics.most == 2 + math.ceil(64 * exact)
    n = 64
    bound = min(math.lgamma(k + 1) - k * math.log(n) for k in range(1, 200)) - math.log(0.8856)
    assert bound < math.log(4e-27)  # P(E > 64 t^beta) by the moments n! / Gamma(1 + n beta)
    with pytest.raises(StudyError, match=r"subordination\.scale"):
        landscape_study(SLOPE, SLOW | {"temperature": 0.1, "subordination": {"beta": 0.5, "scale": 1e12}})


@pytest.mark.statistics
def test_every_drift_relaxes_by_the_mittag_leffler_function():
    """Weight decay w and a rotation, no landscape: mean x0 E_beta(-(1 + iJ) w t^beta), complex for J."""
    w, turn, h, end, count = 0.8, 1.5, 0.005, 300, 20_000
    model = SLOW | {
        "temperature": 0.2, "weight_decay": w, "rotation": {"matrix": [[0.0, -turn], [turn, 0.0]]}
    }  # fmt: skip
    flat = {"kind": "quadratic", "eigenvalues": [0.0, 0.0], "start": {"point": [2.0, 0.0]}}
    x = run(landscape_study(flat, model, rate=h, steps=end), count)[0]["parameters"][-1]
    # d(x + iy) = -(1 + i turn) w (x + iy) dtau, and E_{1/2}(-z) = exp(z^2) erfc(z)
    exact = 2 * erfcx((1 + 1j * turn) * w * math.sqrt(end * h))
    error = x.std(axis=0) / math.sqrt(count)
    assert abs(x[:, 0].mean() - exact.real) < 5 * error[0] + 0.01
    assert abs(x[:, 1].mean() - exact.imag) < 5 * error[1] + 0.01
    assert abs(exact.imag) > 20 * error[1]
    still = 2 * erfcx(w * math.sqrt(end * h))
    assert abs(x[:, 0].mean() - still) > 10 * error[0]  # without the rotation


@pytest.mark.statistics
def test_time_averages_of_single_paths_stay_random():
    """C: ergodicity breaking: var / mean^2 of the time-averaged square displacement is .5708 at beta 1/2.

    Sixteen coordinates share a path's clock, so that what is left is the clock's own randomness.
    """
    every, end, count = 8, 4000, 2000
    snapshots = {"snapshots": {"at": list(range(0, end + 1, every))}}
    spread = {}
    for name, model in (("slow", SLOW), ("plain", {k: v for k, v in SLOW.items() if k != "subordination"})):
        s = landscape_study(free(16), model | {"temperature": 0.5}, rate=0.01, steps=end, time=snapshots)
        path = run(s, count)[0]["parameters"]
        average = np.mean(np.diff(path, axis=0) ** 2, axis=(0, 2))
        spread[name] = average.var() / average.mean() ** 2
    exact = 2 * gamma(1 + BETA) ** 2 / gamma(1 + 2 * BETA) - 1
    assert abs(exact - 0.5708) < 1e-4
    assert abs(spread["slow"] - exact) < 0.1  # 5 standard errors, and the finite path
    assert spread["plain"] < 0.01
