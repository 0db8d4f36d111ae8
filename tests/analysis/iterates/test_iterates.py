"""The law of iterates across trajectories, displacement, and increments, against closed forms."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import FakeTrajectories
from scipy import stats

from fastsde.analysis import Settings
from fastsde.analysis.displacement import section as displacement
from fastsde.analysis.increments import section as increments
from fastsde.analysis.iterates import section as iterates
from fastsde.analysis.iterates.gaussianity import (
    LARGEST,
    SMALLEST,
    anderson_darling,
    energy_of_normality,
    gaussian_tests,
)
from fastsde.analysis.tails.vector_index import TERMS, vector_index
from fastsde.study.objective import NETWORK_WORDS


def context(step, branches=1, **models):
    """What a section looks at: models by name, each a dict of arrays, (snapshot, trajectory, ..)."""
    step = np.asarray(step)
    views = {}
    for name, arrays in models.items():
        count = next(iter(arrays.values())).shape[1]
        diverged = {"diverged_step": np.full(count, -1)}
        views[name] = FakeTrajectories(step, 0.1 * step, diverged | arrays, {"dt": 0.1})
    network = SimpleNamespace(vocabulary=NETWORK_WORDS)
    laws = {name: SimpleNamespace(kind="sgd", tail_index=math.inf) for name in models}
    return SimpleNamespace(
        views=views,
        ensemble=SimpleNamespace(study=SimpleNamespace(models=laws, widths=(1, 1), objective=network)),
        branches=branches,
        settings=Settings(),
        recorded=lambda *names: all(name in view.variables for view in views.values() for name in names),
    )


def regression(rate, batch, count, steps, rng):
    """Deviations of SGD on one Gaussian input with label noise of variance 1: (trajectory,)."""
    state = np.zeros(count)
    for _ in range(steps):
        inputs = rng.standard_normal((batch, count))
        noise = (inputs * rng.standard_normal((batch, count))).mean(axis=0)
        state = state - rate * ((inputs**2).mean(axis=0) * state - noise)
    return state


@pytest.mark.statistics
@pytest.mark.parametrize(("rate", "alpha"), [(0.4, 3.806), (0.5, 2.904), (0.6, 2.302)])
def test_the_tail_of_sgd_on_linear_regression_is_that_of_kesten(rate, alpha):
    """E|1 - rate chi^2_1|^alpha = 1; intervals of 95 %, seed fixed."""
    last = regression(rate, 1, 40_000, 150, np.random.default_rng(1))
    states = np.stack([last * 0, last * 0.5, last])[:, :, None]
    found = iterates.measure(context([0, 75, 150], sgd={"modes": states})).models["sgd"]["modes"]
    index = found.tails.estimates["moment"]
    assert index.low[0] < alpha < index.high[0]
    assert abs(index.index[0] - alpha) < 0.2 * alpha
    assert found.tails.verdict == ("power",)
    assert found.tests.adjusted_p.max() <= 0.002


@pytest.mark.statistics
def test_gaussian_iterates_have_no_tail():
    """The control: in at most 5 % of samples each the verdict claims a tail or a test rejects; seed fixed."""
    last = np.random.default_rng(2).standard_normal((3, 5000, 2))
    found = iterates.measure(context([0, 5, 10], sde={"modes": last})).models["sde"]["modes"]
    assert set(found.tails.verdict) <= {"light", "undetermined"}
    assert found.tests.adjusted_p.min() > 0.05
    assert found.vector.index.value == pytest.approx(2, abs=0.1)
    assert np.isfinite(found.quantiles).all()


def test_the_index_of_vectors_is_that_of_public_code_and_sees_no_law():
    rng = np.random.default_rng(3)
    gaussian = rng.standard_normal((1600, 6))
    for m, found in zip(TERMS, vector_index(gaussian).by_terms, strict=True):
        groups = gaussian.reshape(1600 // m, m, 6)
        sums = np.log(np.sqrt((groups.sum(axis=1) ** 2).sum(axis=1))).mean()
        alone = np.log(np.sqrt((groups**2).sum(axis=2))).mean()
        assert found == pytest.approx(math.log(m) / (sums - alone))
    cauchy = gaussian / np.abs(rng.standard_normal((1600, 1)))
    assert vector_index(cauchy).index.value == pytest.approx(1, abs=0.1)
    spread = gaussian * rng.lognormal(0, 3, (1600, 1))  # all moments, and yet
    assert vector_index(spread).index.high < 1.2
    assert math.isnan(vector_index(gaussian[:5]).index.value)


@pytest.mark.statistics
@pytest.mark.parametrize("d", [1, 4])
def test_intervals_of_the_index_of_vectors_contain_it(d):
    """200 samples each; an interval that covers in 95 % does so in fewer than 180 once in 700 times."""
    rng, inside = np.random.default_rng(12), {1.0: 0, 2.0: 0}
    for _ in range(200):
        gaussian = rng.standard_normal((400, d))
        cauchy = gaussian / np.abs(rng.standard_normal((400, 1)))
        for alpha, sample in ((2.0, gaussian), (1.0, cauchy)):
            found = vector_index(sample).index
            inside[alpha] += bool(found.low < alpha < found.high)
    assert min(inside.values()) >= 180


def test_statistics_agree_with_scipy_and_with_the_double_sum():
    y = np.sort(np.random.default_rng(4).standard_normal(50))
    y = (y - y.mean()) / y.std(ddof=1)
    weights = (2 * np.arange(1, 51) - 1) / 50
    direct = -50 - weights @ (stats.norm.logcdf(y) + stats.norm.logsf(y[::-1]))
    assert anderson_darling(y[None])[0] == pytest.approx(direct)
    rng = np.random.default_rng(0)
    scipys = stats.goodness_of_fit(stats.norm, y, statistic="ad", n_mc_samples=200, rng=rng)
    assert scipys.statistic == pytest.approx(direct)
    found = gaussian_tests(y[:, None])
    assert found.anderson_darling_p[0] == pytest.approx(scipys.pvalue, abs=0.12)
    pairs = np.abs(y[:, None] - y).mean()
    to_normal = (y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y)).mean()
    energy = 50 * (2 * to_normal - 2 / math.sqrt(math.pi) - pairs)
    assert energy_of_normality(y[None])[0] == pytest.approx(energy)


@pytest.mark.statistics
def test_tests_reject_gaussian_samples_as_often_as_they_say():
    """400 columns at 5 %: outside 2 to 8.5 % in fewer than one of a thousand; t with 3 degrees is found."""
    rng = np.random.default_rng(5)
    found = gaussian_tests(3 + 2 * rng.standard_normal((200, 400)))
    for p in (found.anderson_darling_p, found.energy_p):
        assert 0.02 < np.mean(p < 0.05) < 0.085
    assert found.adjusted_p.min() > 0.05  # all 800 tests together
    heavy = gaussian_tests(rng.standard_t(3, (200, 40)))
    assert np.mean(heavy.anderson_darling_p < 0.05) > 0.8
    assert np.mean(heavy.energy_p < 0.05) > 0.8


def test_columns_that_cannot_be_tested_are_left_out():
    values = np.random.default_rng(6).standard_normal((LARGEST + 10, 3))
    values[:, 1] = 7.0
    values[SMALLEST - 1 :, 2] = np.nan
    found = gaussian_tests(values)
    assert found.count.tolist() == [LARGEST, LARGEST, SMALLEST - 1]
    assert np.isnan(found.energy_p).tolist() == [False, True, True]


def test_averages_over_windows_are_those_of_the_states():
    states = np.random.default_rng(7).standard_normal((9, 200, 3))
    running = np.stack([states[1 : k + 1].mean(axis=0) if k else states[0] for k in range(9)])
    a_context = context(np.arange(9), sgd={"running_average": running})
    view = a_context.views["sgd"]
    np.testing.assert_allclose(iterates.window_average(view, 3, 8), states[4:].mean(axis=0), atol=1e-14)
    found = iterates.measure(a_context).models["sgd"]["running_average"]
    assert found.columns == ("average along 1", "average along 2", "average along 3")


def test_one_trajectory_counts_of_each_state():
    same = np.repeat(np.random.default_rng(8).standard_normal((3, 150, 1)), 4, axis=1)
    found = iterates.measure(context([0, 5, 10], branches=4, sde={"modes": same})).models["sde"]["modes"]
    assert found.tests.count.tolist() == [150]
    assert iterates.measure(context([0, 5, 10], branches=8, sde={"modes": same})) is None


def walks(step, rng, count=300):
    """Brownian motion, straight motion at a random velocity, and independent values, at these steps."""
    gaps = np.sqrt(np.diff(step, prepend=0))[:, None, None]
    brownian = np.cumsum(gaps * rng.standard_normal((len(step), count, 2)), axis=0)
    straight = np.asarray(step)[:, None, None] * rng.standard_normal((1, count, 2))
    still = rng.standard_normal((len(step), count, 2))
    return {"brownian": brownian, "straight": straight, "still": still}


@pytest.mark.statistics
def test_displacement_has_the_exponent_of_the_motion():
    """Intervals of 95 %, seed fixed."""
    step = np.arange(0, 201, 5)
    models = {name: {"parameters": path} for name, path in walks(step, np.random.default_rng(9)).items()}
    found = displacement.measure(context(step, **models))
    assert found.of == "parameters"
    for name, slope in (("brownian", 1.0), ("straight", 2.0), ("still", 0.0)):
        for start in ("start", "halfway"):
            one = found.models[name][start]
            for exponent in (one.exponent, one.median_exponent):
                assert exponent.low - 1e-9 <= slope <= exponent.high + 1e-9
    walk = found.models["brownian"]["start"].mean_square
    np.testing.assert_allclose(walk.value, 2 * step[1:], rtol=0.25)
    assert not found.models["brownian"]["start"].exponent.high > 1.5  # nor is every slope inside


def test_stable_noise_has_no_mean_square():
    step, walk = np.arange(0, 201, 5), walks(np.arange(0, 201, 5), np.random.default_rng(11))["brownian"]
    a_context = context(step, levy={"parameters": walk, "modes": walk})
    a_context.ensemble.study.models["levy"].tail_index = 1.5
    one = displacement.measure(a_context).models["levy"]["start"]
    assert np.isnan(one.mean_square.value).all()
    assert np.isnan(one.exponent.value)
    assert one.median_exponent.low < 1 < one.median_exponent.high
    law = increments.measure(a_context).models["levy"]
    np.testing.assert_allclose(law.correlation.value[0], 1)  # each in units of its own
    np.testing.assert_allclose(law.correlation.low[0], 1)


def test_a_recorded_displacement_is_preferred():
    step = np.arange(0, 50, 5)
    assert displacement.measure(context(step, sgd={"modes": np.ones((10, 20, 2))})) is None
    far = np.sqrt(step)[:, None] * np.ones((1, 20))
    length = np.cumsum(far, axis=0)
    found = displacement.measure(context(step, sgd={"displacement": far, "path_length": length}))
    assert found.of == "parameters"
    assert list(found.models["sgd"]) == ["start"]
    np.testing.assert_allclose(found.models["sgd"]["start"].mean_square.value, step[1:])
    assert found.models["sgd"]["start"].exponent.value == pytest.approx(1)
    np.testing.assert_allclose(found.length["sgd"].value, length[:, 0])


@pytest.mark.statistics
def test_increments_of_a_walk_are_white_and_those_of_a_stationary_process_are_not():
    """An Ornstein-Uhlenbeck process: neighbouring increments have the correlation -(1 - e^-k) / 2."""
    rng, k, times, count = np.random.default_rng(10), 0.7, 33, 2000
    ou = [rng.standard_normal((count, 1))]
    for _ in range(times - 1):
        ou.append(math.exp(-k) * ou[-1] + math.sqrt(1 - math.exp(-2 * k)) * rng.standard_normal((count, 1)))
    walk = np.cumsum(rng.standard_normal((times, count, 1)), axis=0)
    step = np.concatenate([[0], 100 + 10 * np.arange(times - 1)])
    a_context = context(step, walk={"modes": walk}, ou={"modes": np.stack(ou)})
    a_context.settings = Settings(path_limit=count)
    found = increments.measure(a_context)
    assert (found.first, found.gap) == (100.0, 10.0)
    assert found.frequency[-1] == pytest.approx(0.5 / 10, rel=0.05)
    white = found.models["walk"]
    inside = (white.spectrum.low < 1) & (white.spectrum.high > 1)
    assert inside.mean() > 0.6
    assert white.correlation.low[1, 0] < 0 < white.correlation.high[1, 0]
    exact = -(1 - math.exp(-k)) / 2
    law = found.models["ou"]
    assert law.correlation.value[0, 0] == pytest.approx(1)
    assert law.correlation.low[1, 0] < exact < law.correlation.high[1, 0]
    low, high = law.spectrum.value[0, 0], law.spectrum.value[-1, 0]
    assert low < 0.3
    assert high > 1.3


def test_too_few_even_snapshots_have_no_spectrum():
    uneven = np.array([0, 1, 3, 9, 27, 81, 243])
    assert increments.measure(context(uneven, sgd={"modes": np.zeros((7, 50, 1))})) is None
