"""Peaks of the diffusion: against closed forms of a balanced mode, through integration and analysis."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from studies import study

import fastsde
from fastsde.analysis import Settings, sections
from fastsde.analysis.features import diffusion
from fastsde.analysis.features.peaks import CrossingTracker, PeakTracker
from fastsde.parts import run


def test_peaks_of_random_parabolas_are_found_between_snapshots():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 1, 40))
    top, height, bend = rng.uniform(0.1, 0.9, 500), rng.uniform(1, 5, 500), rng.uniform(1, 9, 500)
    tracker = PeakTracker()
    for time in times:
        tracker.add(time, height + 10 - bend * (time - top) ** 2, 3 * time**2 - time + top)
    peak = tracker.result()
    assert peak.inside.all()
    assert np.allclose(peak.clock, top)
    assert np.allclose(peak.progress, 3 * top**2)


def test_peaks_at_an_end_stand_at_that_snapshot():
    tracker = PeakTracker()
    for time in range(5):
        tracker.add(float(time), np.array([time + 1.0, 5.0 - time, 0.0, np.nan]), np.full(4, 10.0 * time))
    peak = tracker.result()
    assert not peak.inside.any()
    assert peak.clock[:2].tolist() == [4.0, 0.0]
    assert peak.progress[:2].tolist() == [40.0, 0.0]
    assert np.isnan(peak.clock[2:]).all()


def test_a_later_higher_peak_replaces_an_earlier_one():
    tracker = PeakTracker()
    for time, value in enumerate([0.0, 2.0, 1.0, 0.5, 3.0, 3.5, 3.0]):
        tracker.add(float(time), np.array([value]), np.array([float(time)]))
    assert tracker.result().clock[0] == pytest.approx(5.0)


def test_crossings_are_the_first_ones():
    tracker = CrossingTracker(1.0)
    for time, value in enumerate([0.0, 2.0, 0.0, 4.0]):
        tracker.add(float(time), np.array([value, 2 - value, math.nan]))
    assert tracker.clock[:2].tolist() == [0.5, 0.0]
    assert np.isnan(tracker.clock[2])


def scalar_run(directory, layers, *, noise=0.0, models, rate=1e-3, start=0.1, count=16, steps=None):
    """Balanced scalar layers of equal weights: E9's curve; returns the section."""
    model = next(iter(models.values()))
    steps = steps or {2: 3000, 4: 20_000}[layers]
    s = study(
        (1,) * (layers + 1), model, samples="population", noise=noise, rate=rate, dtype="float64",
        time={"steps": steps, "snapshots": {"count": 400, "spacing": "linear"}},
        network={"init": {"kind": "balanced", "std": start}},
        record={"observables": ["modes", "mode_drift", "mode_diffusion"]}, models=models, trajectories=count,
    )  # fmt: skip
    s = s.from_mapping({**s.to_mapping(), "models": models})
    run(s, directory, threads=1)
    with fastsde.open(directory) as ensemble:
        views = {name: ensemble[name] for name in ensemble.names}
        context = sections.Context(ensemble, views, "a", Settings(), fastsde.progress.Silent())
        return diffusion.measure(context), {name: view["modes"][:, :, 0] for name, view in views.items()}


QUIET = {"kind": "sde", "noise": "gradient", "batch": 10**5, "sampling": "fresh", "substeps": 1}
"""So large a batch that the path is gradient flow's while its diffusion is not zero."""


@pytest.mark.parametrize("layers", [2, 4])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_balanced_mode_peaks_at_the_closed_fraction(layers, noise, tmp_path):
    """Largest u^(4-4/L) (2 (s - u)^2 + v): (2-2/L)/(3-2/L) without label noise, later with it."""
    found, modes = scalar_run(tmp_path, layers, noise=noise, models={"a": QUIET}, start=0.6)
    one = found.models["a"]
    grown = np.isfinite(modes["a"]).all() and (modes["a"][-1] > 1.8).sum()
    assert grown == one.counted[0] > 0
    s, power = 2.0, 4 - 4 / layers
    exact = minimize_scalar(
        lambda u: -(u**power) * (2 * (s - u) ** 2 + noise**2), bounds=(0, s), method="bounded"
    )
    assert one.fraction.value[0] == pytest.approx(exact.x / s, abs=0.01)
    top = (2 - 2 / layers) / (3 - 2 / layers)
    assert one.drift_fraction.value[0] == pytest.approx(top, abs=0.01)
    if noise == 0:
        assert one.fraction.value[0] == pytest.approx(top, abs=0.01)
        assert one.before_learned.value[0] == 1
        assert one.before_half.value[0] == (0 if layers == 4 else one.before_half.value[0])
