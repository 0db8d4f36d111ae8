"""Peaks of the diffusion: against closed forms of a balanced mode, through integration and analysis."""

import math

import numpy as np
import pytest
from fakes import FakeTrajectories
from scipy.optimize import minimize_scalar
from scipy.stats import mannwhitneyu
from studies import study

import fastsde
from fastsde.analysis import Settings, sections
from fastsde.analysis.features import diffusion
from fastsde.analysis.features.aligned import GRID, align
from fastsde.analysis.features.diffusion import HALF
from fastsde.analysis.features.later import later
from fastsde.analysis.features.peaks import CrossingTracker, PeakTracker
from fastsde.run.run import run


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
        context = sections.Context(ensemble, views, "a", Settings(), fastsde.system.progress.Silent())
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
    if layers == 4 or noise > 0:  # two layers without label noise peak at one half itself
        assert exact.x / s > HALF + 0.05
        assert one.before_half.value[0] == 0


def test_isotropic_noise_diffuses_most_where_the_mode_is_largest(tmp_path):
    """Diffusion 2 T (w1^2 + w2^2) of two balanced layers grows with the mode: it never peaks before learning.

    The same path under gradient noise is the control: there the peak precedes learning in all trajectories.
    """
    quiet = {"kind": "sde", "noise": "isotropic", "temperature": 1e-9, "substeps": 1}
    found, modes = scalar_run(tmp_path, 2, models={"a": quiet, "b": QUIET}, start=0.6, count=40)
    one, other = found.models["a"], found.models["b"]
    exact = np.quantile(4e-9 * np.abs(modes["a"]), (0.05, 0.5, 0.95), axis=1)
    assert np.allclose(one.diffusion[:, :, 0], exact, rtol=1e-3, atol=1e-13)
    assert one.counted[0] == (modes["a"][-1] > 1.8).sum() > 10
    assert one.before_learned.high[0] < 0.5
    assert one.before_learned.value[0] == 0
    assert one.fraction.value[0] > 0.99
    assert other.before_learned.value[0] == 1
    assert other.effect[0] == 0  # every peak comes at a smaller fraction than any of the isotropic noise
    assert other.p_value[0] < 1e-4


def test_curves_in_their_own_time_are_the_curve_they_share():
    """Growth x^2/(1+x^2), diffusion a x exp(1-x) and drift -b x exp((1-x^2)/2) at x = t / t_half."""
    rng = np.random.default_rng(0)
    step = np.arange(0, 3001, 5)
    half = rng.uniform(500, 1500, (400, 2))
    half[:3, 0] = np.nan  # never learned
    x = step[:, None, None] / half
    size = rng.uniform(1, 9, (2, 400, 2))
    arrays = {
        "modes": np.array([4.0, 2.0]) * np.nan_to_num(x**2 / (1 + x**2)),
        "mode_diffusion": size[0] * np.nan_to_num(x * np.exp(1 - x)),
        "mode_drift": -size[1] * np.nan_to_num(x * np.exp((1 - x**2) / 2)),
    }
    arrays["modes"][100, 3, 1] = np.nan
    view = FakeTrajectories(step, step * 1.0, arrays | {"diverged_step": np.full(400, -1)})
    found = align(view, half, np.array([4.0, 2.0]), 300)
    assert found.count.tolist() == [297, 299]
    inside = GRID * np.nanmedian(half[:300], axis=0)[:, None] < 0.97 * step[-1]
    outside = GRID * np.nanmedian(half[:300], axis=0)[:, None] > 1.03 * step[-1]
    for curve, exact in (
        (found.growth, GRID**2 / (1 + GRID**2)),
        (found.diffusion, GRID * np.exp(1 - GRID)),
        (found.drift, GRID * np.exp((1 - GRID**2) / 2)),
    ):
        for mode in range(2):
            assert np.allclose(curve[inside[mode], mode], exact[inside[mode]], atol=2e-4)
            assert np.isnan(curve[outside[mode], mode]).all()  # less than half of the runs are so long
    assert align(view, np.full((400, 2), np.nan), np.array([4.0, 2.0]), 300) is None


def test_one_sample_after_another_by_hand_and_by_scipy():
    """Of 12 pairs the first is above in 7, and one is a tie; p-values those of scipy for each column."""
    first, second = np.array([1.0, 4.0, 6.0]), np.array([0.0, 3.0, 4.0, 5.0])
    above = sum(float(a > b) + 0.5 * float(a == b) for a in first for b in second)
    found = later(first[:, None], second[:, None])
    assert above == 7.5
    assert found.effect.tolist() == [7.5 / 12]
    rng = np.random.default_rng(1)
    one, other = rng.normal(0.0, 1.0, (40, 3)), rng.normal([0.0, 0.5, 9.0], 1.0, (55, 3))
    one[4, 0] = np.nan
    found = later(one, other)
    for column in range(3):
        x = one[np.isfinite(one[:, column]), column]
        test = mannwhitneyu(x, other[:, column], method="asymptotic")
        assert found.p_value[column] == test.pvalue
        assert found.effect[column] == np.mean(x[:, None] > other[:, column])
    assert found.effect[2] < 1e-2 < 0.2 < found.effect[0]
    assert np.isnan(later(one[:1], other).p_value).all()


@pytest.mark.statistics
def test_samples_of_one_law_are_rarely_told_apart():
    """Of 2000 comparisons 3 to 7 % have p < 0.05 (5 %, false alarm below 1e-4); shifted, nearly all."""
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=(2, 50, 2000))
    assert 0.03 < np.mean(later(one, other).p_value < 0.05) < 0.07
    assert np.mean(later(one + 1.0, other).p_value < 0.05) > 0.98
