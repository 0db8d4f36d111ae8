"""Shape statistics against scipy and closed forms; bootstrap errors against theory and plain resampling."""

import numpy as np
import pytest
from fakes import fake_ensemble
from scipy import stats

from fastsde.analysis import Settings, analyze
from fastsde.analysis.context import Context
from fastsde.analysis.shape.bootstrap import resampling, shape_intervals
from fastsde.analysis.shape.model_shape import gated, widened
from fastsde.analysis.shape.order_weights import LEVELS, NAMES, order_weights
from fastsde.analysis.shape.section import measure
from fastsde.analysis.shape.shape_statistics import ORDERS, in_order, shape_statistics
from fastsde.system.progress import Silent


@pytest.fixture
def skewed():
    return np.random.default_rng(0).gamma(2.0, 3.0, (701, 2))


def test_against_numpy_and_scipy(skewed):
    found = shape_statistics(in_order(skewed))
    assert np.allclose(found["mean"], skewed.mean(axis=0))
    assert np.allclose(found["sd"], skewed.std(axis=0, ddof=1))
    assert np.allclose(found["skewness"], stats.skew(skewed))
    assert np.allclose(found["kurtosis"], stats.kurtosis(skewed))
    assert np.allclose(found["trimmed_mean"], stats.trim_mean(skewed, 0.1))
    winsorised = stats.mstats.winsorize(skewed, (0.1, 0.1), axis=0)
    assert np.allclose(found["winsorised_mean"], np.asarray(winsorised).mean(axis=0))
    assert np.allclose(found["median"], np.median(skewed, axis=0))
    assert np.allclose(found["interquartile_range"], stats.iqr(skewed, axis=0))


def test_quantiles_among_the_weights(skewed):
    rows = order_weights(701)[[NAMES.index(level) for level in LEVELS]]
    assert np.allclose(rows @ np.sort(skewed, axis=0), np.quantile(skewed, LEVELS, axis=0))


@pytest.mark.parametrize("size", [4, 5, 23])
def test_l_moments_by_all_subsamples(size):
    """Hosking's definition: means over all subsamples of combinations of their order statistics."""
    from itertools import combinations

    x = np.random.default_rng(size).standard_t(3, size)
    fours = np.sort(np.array(list(combinations(x, 4))), axis=1)
    threes = np.sort(np.array(list(combinations(x, 3))), axis=1)
    twos = np.sort(np.array(list(combinations(x, 2))), axis=1)
    expected = [
        x.mean(),
        (twos @ [-1, 1]).mean() / 2,
        (threes @ [1, -2, 1]).mean() / 3,
        (fours @ [-1, 3, -3, 1]).mean() / 4,
    ]
    assert np.allclose(order_weights(size)[:4] @ np.sort(x), expected)


CLOSED = {
    "norm": (stats.norm, 1 / np.sqrt(np.pi), 0.0, 30 / np.pi * np.arctan(np.sqrt(2)) - 9),
    "uniform": (stats.uniform, 1 / 6, 0.0, 0.0),
    "expon": (stats.expon, 0.5, 1 / 3, 1 / 6),
    "gumbel": (stats.gumbel_r, np.log(2), np.log(9 / 8) / np.log(2), 16 - 10 * np.log(3) / np.log(2)),
    "logistic": (stats.logistic, 1.0, 0.0, 1 / 6),
}


@pytest.mark.parametrize("law", CLOSED)
def test_l_moments_in_closed_form(law):
    """Hosking (1990), table 1, on exact quantiles."""
    ppf, scale, skewness, kurtosis = CLOSED[law]
    found = shape_statistics(ppf.ppf((np.arange(40_000) + 0.5) / 40_000)[:, None])
    assert found["l_scale"][0] == pytest.approx(scale, abs=2e-3)
    assert found["l_skewness"][0] == pytest.approx(skewness, abs=2e-3)
    assert found["l_kurtosis"][0] == pytest.approx(kurtosis, abs=2e-3)


def test_robust_shape_of_a_gaussian():
    found = shape_statistics(stats.norm.ppf((np.arange(40_000) + 0.5) / 40_000)[:, None])
    assert found["moors_kurtosis"][0] == pytest.approx(1.2331, abs=2e-3)
    assert found["quantile_skewness"][0] == pytest.approx(0.0, abs=1e-9)


def test_shift_and_scale(skewed):
    plain, moved = shape_intervals(skewed), shape_intervals(1e4 - 3 * skewed)
    for name in ("skewness", "l_skewness", "quantile_skewness"):
        assert np.allclose(moved[name].value, -plain[name].value, atol=1e-9)
    for name in ("kurtosis", "l_kurtosis", "moors_kurtosis"):
        assert np.allclose(moved[name].value, plain[name].value, atol=1e-9)
    assert np.allclose(moved["sd"].value, 3 * plain["sd"].value)


def test_replicates_are_those_of_resampled_samples(skewed):
    """The matrix product against sorting each bootstrap sample again."""
    drawn = resampling(len(skewed), 5, seed=1)
    ordered = np.sort(skewed, axis=0)
    linear = (drawn.linear @ ordered).reshape(5, len(NAMES), 2)
    for place in range(5):
        counts = np.rint(drawn.counts[place] * len(skewed)).astype(int)
        again = np.repeat(ordered, counts, axis=0)
        assert np.allclose(linear[place], order_weights(len(skewed)) @ again)


@pytest.mark.statistics
def test_errors_in_theory():
    """Gaussian sample of 2000: each bootstrap error within 20 % of the asymptotic one (4 of its own sds)."""
    n = 2000
    found = shape_intervals(np.random.default_rng(2).standard_normal((n, 1)), replicates=400)
    expected = {
        "mean": 1 / np.sqrt(n),
        "sd": 1 / np.sqrt(2 * n),
        "skewness": np.sqrt(6 / n),
        "kurtosis": np.sqrt(24 / n),
        "median": np.sqrt(np.pi / 2 / n),
    }
    for name, error in expected.items():
        assert found[name].error[0] == pytest.approx(error, rel=0.25), name


@pytest.mark.statistics
def test_errors_against_scipys_bootstrap():
    x = np.random.default_rng(3).gamma(2.0, 1.0, 400)
    ours = shape_intervals(x[:, None], replicates=1000)
    functions = {"skewness": stats.skew, "trimmed_mean": lambda v, axis: stats.trim_mean(v, 0.1, axis)}
    for name, function in functions.items():
        plain = stats.bootstrap((x,), function, n_resamples=1000, method="percentile", rng=4)
        error, low = plain.standard_error, plain.confidence_interval.low
        assert ours[name].error[0] == pytest.approx(error, rel=0.12), name
        assert ours[name].low[0] == pytest.approx(low, abs=0.3 * error), name


@pytest.mark.statistics
def test_intervals_cover():
    """400 exponential samples of 300: 95 % intervals hold the truth in 90 % at least.

    Four sds of the count are 4 %. The skewness, whose interval is known to be short, is the control.
    """
    rng = np.random.default_rng(5)
    truth = {"mean": 1.0, "l_skewness": 1 / 3, "median": np.log(2)}
    found = shape_intervals(rng.standard_exponential((300, 400)), replicates=1000)
    held = {name: np.mean((found[name].low < t) & (t < found[name].high)) for name, t in truth.items()}
    assert min(held.values()) >= 0.9, held
    assert np.mean((found["skewness"].low < 2) & (found["skewness"].high > 2)) < 0.85


@pytest.mark.statistics
def test_subsamples_give_the_errors_of_the_whole():
    x = np.random.default_rng(6).gamma(2.0, 1.0, (20_000, 1))
    found = shape_intervals(x, limit=1000)
    assert found["mean"].value[0] == pytest.approx(x.mean())
    assert found["mean"].error[0] == pytest.approx(x.std() / np.sqrt(20_000), rel=0.2)
    assert found["mean"].low[0] < found["mean"].value[0] < found["mean"].high[0]


def test_constant_column_and_two_rows():
    found = shape_intervals(np.ones((50, 1)))
    assert found["mean"].value[0] == 1
    assert found["sd"].value[0] == 0
    assert np.isnan(found["skewness"].value[0])
    assert np.isnan(found["l_skewness"].value[0])
    assert shape_intervals(np.array([[0.0], [1.0]]))["median"].value[0] == 0.5
    with pytest.raises(ValueError, match="two rows"):
        shape_intervals(np.ones((1, 1)))


def test_gate():
    """A law with moments below 1.6; a sample whose tail denies the kurtosis; one that denies nothing."""
    found = shape_intervals(np.random.default_rng(7).standard_normal((500, 3)))
    limit = np.array([1.6, np.inf, np.inf])
    row = gated(found, 500, limit, np.array([np.inf, 3.5, 20.0]))
    known = {name: np.isfinite(row.statistics[name].value).tolist() for name in ORDERS}
    assert known["mean"] == [True, True, True]
    assert known["sd"] == [False, True, True]
    assert known["kurtosis"] == [False, False, True]
    assert known["l_skewness"] == known["median"] == [True, True, True]
    errors = {name: np.isfinite(row.statistics[name].error).tolist() for name in ORDERS}
    assert errors["mean"] == errors["l_scale"] == [False, True, True]
    assert errors["sd"] == [False, False, True]
    assert errors["moors_kurtosis"] == [True, True, True]
    assert row.exists_below.tolist() == [1.6, 3.5, 20.0]


def test_section():
    ensemble = fake_ensemble(200, 6, ("sgd", "levy"))
    for number, view in enumerate(ensemble.views.values()):
        shape = (6, 200, 4, 4)
        view.arrays["end_to_end"] = np.random.default_rng(number).standard_normal(shape)
    settings = Settings(permutations=49, directions=8, sliced_limit=60, kernel_limit=60, projections=2)
    analysis = analyze(ensemble, settings=settings)
    found = analysis.sections["shape"]
    assert found.quantities[:5] == analysis.quantities
    assert found.quantities[5:] == (
        *("modes along 1", "modes along 2"),
        *("end_to_end along 1", "end_to_end along 2"),
    )
    sgd, levy = found.models["sgd"], found.models["levy"]
    for name in ("mean", "skewness", "kurtosis"):
        expected = getattr(analysis.models["sgd"].moments, name)
        assert np.allclose(sgd.statistics[name].value[:, :5], expected, equal_nan=True), name
    assert np.isnan(levy.statistics["mean"].value).all()
    assert np.isfinite(levy.statistics["median"].error).all()
    assert np.all(levy.exists_below[:, 0] <= 0.4)
    assert np.abs(sgd.statistics["mean"].value[:, 7]).max() < 5 / np.sqrt(200)
    assert levy.count[-1] == 200 - analysis.models["levy"].diverged


def test_section_without_moments_computes_the_gate_itself():
    ensemble = fake_ensemble(150, 4, ("sgd",))
    settings = Settings(bootstrap=20)
    moments = {"sgd": analyze(ensemble, settings=settings).models["sgd"].moments}
    rows = [
        measure(Context(ensemble, ensemble.views, "", settings, Silent(), given)) for given in ({}, moments)
    ]
    assert np.allclose(rows[0].models["sgd"].exists_below, rows[1].models["sgd"].exists_below)


def test_everything_diverged():
    ensemble = fake_ensemble(50, 4, ("sgd",))
    for name in ("modes", "loss"):
        ensemble.views["sgd"].arrays[name][2:] = np.nan
    found = analyze(ensemble, settings=Settings(bootstrap=20)).sections["shape"].models["sgd"]
    assert found.count.tolist() == [50, 50, 0, 0]
    assert np.isnan(found.statistics["median"].value[2:]).all()


@pytest.mark.statistics
def test_intervals_of_trajectories_that_share_states():
    """40 states of 8 trajectories, half of the variance the states': of 100 intervals of the mean 95 hold it,
    fewer than 86 with probability 1e-4; taken for independent they hold it in about 60.
    """
    rng, held = np.random.default_rng(11), {"widened": 0, "plain": 0}
    for _ in range(100):
        x = (np.repeat(rng.normal(size=40), 8) + rng.normal(size=320))[:, None]
        plain = shape_intervals(x, 100)
        for name, found in (("plain", plain), ("widened", widened(plain, x, np.arange(320) // 8))):
            held[name] += found["mean"].low[0] < 0 < found["mean"].high[0]
    assert held["widened"] >= 86
    assert held["plain"] <= 75
