"""Escape times from a saddle against their laws: Gaussian and stable noise, from stated starting points.

Fixed seeds; bounds are 5 standard errors (false alarm below 1e-6 a check) and the stated discretisation.
"""

import math
import os
from functools import cache

import numpy as np
import pytest
from scipy.special import digamma, polygamma
from studies import study

import fastsde
from fastsde.analysis.escape.effects import Group, effect, families
from fastsde.analysis.escape.passages import stays

EULER_GAMMA = 0.5772156649015329
TOP, WIDTH, HEAT, RATE, SHARE, COUNT = 2.0, 4, 1e-8, 0.01, 0.02, 4000
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"


def langevin(alpha, **more):
    """Two layers from the exact origin under isotropic noise; escapes when the top mode is at 2 %."""
    model = {"kind": "sde", "noise": "isotropic", "temperature": HEAT, "substeps": 4, "alpha": alpha, **more}
    return study((3, WIDTH, 2), model, samples="population", noise=0.0, rate=RATE,
                 network={"init": {"std": 0.0}}, time={"steps": 700, "snapshots": {"at": [700]}},
                 record={"observables": ["loss"]}, events={"mode_learned": [SHARE]})  # fmt: skip


@cache
def escape_times(alpha, **more):
    s = langevin(alpha, **more)
    steps = fastsde.integrate(s, "m", 0, COUNT).events["mode_learned_step"][:, 0, 0]
    assert (steps > 0).all()
    return steps * RATE / 4


def law(alpha):
    """Mean and standard deviation of the escape time (E11), with Euler's growth and the first bend upwards.

    The stable scale of the noise is e = sqrt(T) eta^(1/2 - 1/alpha): that of the Gaussian in a step of one
    learning rate.
    """
    h = RATE / 4
    growth = math.log1p(TOP * h) / h
    scale = (h / ((1 + TOP * h) ** alpha - 1)) ** (1 / alpha) * math.sqrt(HEAT) * RATE ** (0.5 - 1 / alpha)
    units = (digamma(WIDTH / 2) + math.log(2)) / 2
    log = (
        math.log(math.sqrt(2 * SHARE * TOP) / scale)
        - math.log(2) / 2
        - EULER_GAMMA * (1 / alpha - 0.5)
        - units
    )
    variance = math.pi**2 / 24 * ((2 / alpha) ** 2 - 1) + polygamma(1, WIDTH / 2) / 4
    return log / growth - math.log1p(-SHARE) / (2 * TOP) + h / 2, math.sqrt(variance) / growth


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [2.0, 1.8, 1.5, 1.2] if WHOLE else [2.0, 1.5])
def test_escape_from_the_exact_origin_has_its_law(alpha):
    times = escape_times(alpha)
    mean, deviation = law(alpha)
    assert abs(times.mean() - mean) < 5 * deviation / math.sqrt(COUNT) + 0.01
    assert math.isclose(times.std(), deviation, rel_tol=0.1)
    other = law(2.0 if alpha < 2 else 1.5)[0]  # negative control: another tail
    assert abs(times.mean() - other) > 5 * deviation / math.sqrt(COUNT) + 0.01


def group(alpha, **more):
    s = langevin(alpha, **more)
    times = escape_times(alpha, **more)
    (stay,) = stays(times[:, None], np.full(COUNT, np.nan), end=7.0)
    settings = s.models["m"].model_dump(exclude_none=True)
    return Group(f"{alpha} {more}", settings, s.data.seed, stay)


@pytest.mark.statistics
def test_heavier_tails_of_the_same_scale_escape_sooner_by_what_theory_says():
    """Ratio of medians against the ratio of means of the law: shapes differ little, so within 3 %."""
    groups = [group(2.0), group(1.5)]
    (family,) = families(groups, "alpha")
    found = effect(family, "alpha")
    exact = law(2.0)[0] / law(1.5)[0]
    assert found.ratio_low > 1.05
    assert math.isclose(found.ratio, exact, rel_tol=0.03)
    assert found.hazard_low > 1.5


@pytest.mark.statistics
def test_heavier_tails_of_the_same_covariance_do_not_where_many_jumps_add_up():
    """Tempered at the learning rate: 100 jumps a unit of time are Gaussian by the time of an escape."""
    groups = [group(2.0), group(1.5, tempering=100.0)]
    (family,) = families(groups, "alpha")
    found = effect(family, "alpha", seed=1)
    assert found.ratio_low <= 1 <= found.ratio_high
    assert 0.98 < found.ratio < 1.02
    assert found.p > 0.001
