"""Escape over a barrier from study file to effect: Kaplan-Meier, log-rank and the effect of tails."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

import fastsde
from fastsde.analysis import Settings, analyze
from fastsde.study.study import Study

DOUBLE_WELL = """
seed = 3
trajectories = 200
[landscape]
kind = "double-well"
centre = [-1.0]
[time]
learning_rate = 0.02
steps = 3000
snapshots = { count = 6, spacing = "linear" }
[events]
mode_learned = [0.5]
radius_above = [1.0]
[models.gaussian]
kind = "sde"
noise = "isotropic"
temperature = 0.1
substeps = 2
[models.again]
kind = "sde"
noise = "isotropic"
temperature = 0.1
substeps = 2
[models.stable]
kind = "sde"
noise = "isotropic"
temperature = 0.1
alpha = 1.4
substeps = 2
"""


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    directory = tmp_path_factory.mktemp("barrier")
    fastsde.run(Study.from_toml(DOUBLE_WELL), directory)
    with fastsde.open(directory) as ensemble:
        return analyze(ensemble, settings=Settings.quickly(), sections=["escape"])


def test_the_table_of_a_landscape_shows_its_escapes(analysis):
    rows = {row["model"]: row for row in analysis.summary_rows()}
    escape = analysis.sections["escape"]
    assert set(rows["stable"]) >= {
        "final energy",
        "radius 1 (share, median)",
        "coordinate 1 above 0.5 (share, median)",
    }
    assert not {"learned at step", "final loss"} & set(rows["stable"])
    for name, row in rows.items():
        for number, place in enumerate(escape.places):
            curves = escape.models[name]
            share, _, when = row[f"{place} (share, median)"].partition(" %, ")
            assert float(share) == pytest.approx(
                100 * curves.escaped[number] / curves.arrived[number], rel=6e-3
            )
            median = curves.median[number] * analysis.step[-1] / analysis.time[-1]
            assert when == (f"step {median:,.0f}" if np.isfinite(median) else "-")


@pytest.mark.statistics
def test_tails_jump_a_barrier_that_gaussian_noise_must_climb(analysis):
    """Fixed seed; the hazard of the stable noise is told from the Gaussian's, that of its equal is not."""
    found = analysis.sections["escape"]
    assert found.places == ("radius 1", "coordinate 1 above 0.5")
    assert found.reference == "gaussian"
    stable, again = found.models["stable"], found.models["again"]
    assert np.all(stable.hazard_ratio_low > 1)
    assert np.all(stable.logrank_p < 1e-6)
    assert np.all(again.logrank_p > 0.01)
    assert np.all((again.hazard_ratio_low < 1) & (again.hazard_ratio_high > 1))
    tails = found.effects["rank 0 alpha 0"]
    assert tails.value.tolist() == [1.4, 2.0]
    assert tails.ratio_low > 1  # the highest index takes longest


def kramers(start, barrier, temperature):
    """Exact mean first-passage time of dx = -V' dt + sqrt(2 T) dW in the double well, a double integral."""

    def energy(x):
        return (x**4 / 4 - x**2 / 2) / temperature

    def inner(y):
        return math.exp(energy(y)) * quad(lambda z: math.exp(-energy(z)), -4, y)[0]

    return quad(inner, start, barrier)[0] / temperature


def test_the_integral_has_its_known_value():
    assert kramers(-1, 0.5, 0.1) == pytest.approx(58.877, abs=2e-3)


@pytest.mark.statistics
def test_the_gaussian_time_over_the_barrier_is_the_exact_one(analysis):
    """Times are exponential but for a short beginning: the rate of the curve is one over the exact mean.

    Steps of length h = 0.01 see the barrier farther out by 0.5826 sqrt(2 T h). Four standard errors of the
    rate: false alarms below 1e-4.
    """
    exact = kramers(-1, 0.5 + 0.5826 * math.sqrt(2 * 0.1 * 0.01), 0.1)
    one = analysis.sections["escape"].models["gaussian"]
    grid = analysis.sections["escape"].grid[1]
    at = len(grid) - 2
    rate = -math.log(one.survival[1, at]) / grid[at]
    error = exact / math.sqrt(one.escaped[1])
    assert 1 / rate == pytest.approx(exact, abs=4 * error)
    assert 1 / rate != pytest.approx(exact / 2, abs=4 * error / 2)
