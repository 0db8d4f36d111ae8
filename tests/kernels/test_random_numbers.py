"""Laws of the random numbers. Fixed seeds; a check (`ALARM`, 4 sigma) alarms falsely at most once in 10^4."""

import math
from itertools import product

import numpy as np
import probes
import pytest
from scipy import special, stats

from fastsde.kernels import box_muller, sampling, stable
from fastsde.kernels.cpu import standard_normals
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.philox import START, counter_words, philox

KEY = (np.uint64(11), np.uint64(7))
LANES = lane_count("float64")
ALARM = 1e-4
EXTREME = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
DTYPES = ["float32", "float64"]


def compiled(function, words, dtype, *arguments):
    """Pass rows of four words through a probe; two columns of numbers."""
    groups = -(-len(words) // LANES)
    padded = np.resize(words, (groups * LANES, 4)).astype(np.uint64)
    out = np.empty(2 * len(padded), dtype=dtype)
    lanes = np.ascontiguousarray(padded.reshape(groups, LANES, 4).transpose(0, 2, 1)).ravel()
    function(lanes, out, groups, *arguments)
    return out.reshape(groups, 2, LANES).transpose(1, 0, 2).reshape(2, -1)[:, : len(words)]


def some_words(count=4000):
    extreme = np.array(list(product(EXTREME, repeat=4)), dtype=np.uint64)
    return np.concatenate([extreme, np.random.default_rng(0).integers(0, 2**32, (count, 4), dtype=np.uint64)])


def test_uniforms_are_never_at_a_forbidden_end():
    a, b = some_words()[:, :2].T
    single, double = box_muller.uniform32(a), box_muller.uniform64(a, b)
    assert np.all((single > 0) & (single <= 1))
    assert np.all((double > 0) & (double < 1))
    assert double.min() == 2.0**-53
    assert double.max() == 1 - 2.0**-53
    assert single.min() == np.float32(2.0**-32)
    assert np.array_equal(double, (((a << 32 | b) >> 12).astype(np.float64) + 0.5) / 2.0**52)


@pytest.mark.parametrize("dtype", DTYPES)
def test_normals_of_any_words_are_finite_and_the_same_in_plain_numpy(dtype):
    words = some_words()
    if dtype == "float32":
        plain, got = box_muller.normals32(*words.T[:2]), compiled(probes.pairs32, words, dtype)
    else:
        plain, got = box_muller.normals64(*words.T), compiled(probes.pairs64, words, dtype)
    assert np.isfinite(got).all()
    assert np.allclose(got, np.stack(plain), rtol=0, atol=40 * np.finfo(dtype).eps)
    most = math.sqrt(2 * math.log(2) * (32 if dtype == "float32" else 53))
    assert np.hypot(*got.astype(np.float64)).max() == pytest.approx(most, rel=1e-6)


def plain_normals(count, trajectories, key, dtype):
    """What `standard_normals` returns, draw by draw in plain NumPy."""
    counter = counter_words(np.array(trajectories, dtype=np.uint64), np.uint64(0), START)
    columns = []
    with np.errstate(over="ignore"):
        while len(columns) < count:
            number = np.uint64(len(columns) // (4 if dtype == "float32" else 2))
            words = philox(number, *counter, *key)
            if dtype == "float32":
                columns += [*box_muller.normals32(*words[:2]), *box_muller.normals32(*words[2:])]
            else:
                columns += box_muller.normals64(*words)
    return np.stack(columns[:count], axis=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_count_of_normals_is_what_single_draws_make(dtype):
    """Counts around the ends of draws, of fours and of passes; added normals are the same."""
    first, tolerance = 2**32 - 3, 40 * np.finfo(dtype).eps
    plain = plain_normals(131, np.arange(first, first + 2 * lane_count(dtype)), KEY, dtype)
    for count in (1, 2, 3, 4, 5, 7, 63, 64, 65, 131):
        got = standard_normals(count, first, len(plain), KEY, dtype)
        assert np.allclose(got, plain[:, :count], rtol=0, atol=tolerance)
        out = np.full((count + 1) * lane_count(dtype), 2.0, dtype=dtype)
        probes.normals_added(out, count, 0.5, first, START, KEY)
        added = out.reshape(count + 1, -1).T
        assert np.allclose(added[:, :count], 2 + 0.5 * got[: len(added)], rtol=0, atol=tolerance)
        assert np.all(added[:, count] == 2.0)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.5, 2.0])
def test_stable_numbers_of_any_words_are_numbers_and_the_same_in_plain_numpy(alpha):
    words, a = some_words(), min(alpha / 2, 0.95)
    x, log_a = compiled(probes.stables, words, "float64", alpha, a)
    assert np.isfinite(x).all()
    assert np.isfinite(log_a).all()
    assert np.allclose(x, stable.symmetric_stable(alpha, *words.T), rtol=1e-12, atol=1e-12)
    assert np.allclose(log_a, stable.log_positive_stable(a, *words.T), rtol=1e-13, atol=1e-12)


@pytest.mark.statistics
@pytest.mark.parametrize("dtype", DTYPES)
def test_normals_are_standard_normal(dtype):
    x = standard_normals(250, 0, 4096, KEY, dtype).astype(np.float64)
    n = x.size
    assert stats.kstest(x.ravel(), "norm").pvalue > ALARM
    assert stats.kstest(x.ravel() * 1.01, "norm").pvalue < ALARM  # negative control: one per cent too wide
    for order, variance in ((1, 1), (2, 2), (3, 15), (4, 96)):  # variance of x^k, for k = 1 .. 4
        exact = 0 if order % 2 else special.factorial2(order - 1)
        assert abs((x**order).mean() - exact) < 4 * math.sqrt(variance / n)


@pytest.mark.statistics
@pytest.mark.parametrize("dtype", DTYPES)
def test_normals_of_neighbouring_draws_and_trajectories_are_independent(dtype):
    """Largest of 250 x 250 correlations of 4096 trajectories: below 6 standard errors but for 6e-5."""
    x = standard_normals(250, 0, 4096, KEY, dtype).astype(np.float64)
    correlation = np.corrcoef(x.T) - np.eye(250)
    assert np.abs(correlation).max() * 64 < 6
    for power in (1, 2):
        y = x**power - (power - 1)
        for shifted, kept in ((y[1:], y[:-1]), (y[:, 1:], y[:, :-1])):
            assert abs((shifted * kept).mean()) < 4 * power / math.sqrt(kept.size)


@pytest.mark.statistics
@pytest.mark.parametrize("dtype", DTYPES)
def test_tails_of_normals_hold_as_many_as_they_should(dtype):
    """30 million numbers: about 1900 beyond 4 standard deviations, 17 beyond 5 (Poisson)."""
    rows = 120_000 // lane_count(dtype)
    out = np.empty((rows + 4) * lane_count(dtype), dtype=dtype)
    counts, n = np.zeros((2, 2)), 0
    for seed in range(250):
        sampling.sample_normals(out, rows, 1, (np.uint64(seed), np.uint64(5)))
        x = out[: rows * lane_count(dtype)]
        n += x.size
        far = x[np.abs(x) > 4]
        counts += [[np.sum(sign * far > threshold) for threshold in (4, 5)] for sign in (-1, 1)]
    for count, threshold in zip(counts.T, (4, 5), strict=True):
        expected = n * stats.norm.sf(threshold)
        assert np.all(stats.poisson.cdf(count, expected) > ALARM)
        assert np.all(stats.poisson.sf(count - 1, expected) > ALARM)


def filled(function, *arguments, count=160_000):
    """Numbers of a law, as many whatever the vector width: negative controls need them."""
    rows = count // LANES
    out = np.empty(rows * LANES)
    function(out, rows, *arguments, KEY)
    return out


def far(sample, exact):
    """Standardised distance of a sample's mean from its exact value; normal for the bounded samples here."""
    return abs(sample.mean() - exact) / (sample.std() / math.sqrt(sample.size) + 1e-15)


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5, 1.9, 2.0])
def test_symmetric_stable_numbers_have_their_characteristic_function(alpha):
    x = filled(sampling.sample_stable, alpha)
    assert np.isfinite(x).all()
    for u in (0.25, 0.5, 1.0, 2.0):
        assert far(np.cos(u * x), math.exp(-(u**alpha))) < 4
        assert far(np.sin(u * x), 0) < 4
    assert far(np.cos(x), math.exp(-(1.1**alpha))) > 10  # negative control: scale ten per cent off


@pytest.mark.statistics
def test_symmetric_stable_numbers_have_the_laws_and_quantiles_known():
    cauchy, gaussian = filled(sampling.sample_stable, 1.0), filled(sampling.sample_stable, 2.0)
    assert stats.kstest(cauchy, "cauchy").pvalue > ALARM
    assert stats.kstest(gaussian, stats.norm(scale=math.sqrt(2)).cdf).pvalue > ALARM
    x = filled(sampling.sample_stable, 1.5)  # quantiles of order 0.75, 0.95, 0.99 at alpha = 1.5
    for order, quantile in ((0.75, 0.9689), (0.95, 3.0519), (0.99, 7.7364)):
        assert far((x < quantile).astype(float), order) < 4
        assert far((x < -quantile).astype(float), 1 - order) < 4


@pytest.mark.statistics
@pytest.mark.parametrize("a", [0.3, 0.5, 0.8, 0.95, 0.999])
def test_positive_stable_numbers_have_their_laplace_transform(a):
    x = np.exp(filled(sampling.sample_positive_stable, a))
    for s in (0.5, 1.0, 2.0):
        assert far(np.exp(-s * x), math.exp(-(s**a))) < 4
    assert far(np.exp(-x), math.exp(-(1.1**a))) > 5  # negative control


@pytest.mark.statistics
def test_the_root_of_a_positive_stable_number_makes_a_normal_one_stable():
    """The sub-Gaussian identity of elliptical stable noise: ``sqrt(2 A0) g`` is symmetric 2a-stable."""
    a = 0.75
    root = np.exp(0.5 * filled(sampling.sample_positive_stable, a))
    x = math.sqrt(2) * root * standard_normals(1, 0, root.size, KEY, "float64")[:, 0]
    for u in (0.5, 1.0, 2.0):
        assert far(np.cos(u * x), math.exp(-(u ** (2 * a)))) < 4


@pytest.mark.statistics
@pytest.mark.parametrize(
    ("a", "rate", "pieces"), [(0.8, 0.5, 1), (0.8, 2.0, 4), (0.6, 1.0, 2), (0.9, 0.05, 1)]
)
def test_tempered_increments_have_their_laplace_transform_mean_and_variance(a, rate, pieces):
    x = filled(sampling.sample_tempered, a, math.log(rate / pieces / a) / a, pieces, rate)
    assert far(x, 1.0) < 4
    assert far((x - 1) ** 2, (1 - a) / rate) < 4.5
    for s in (0.3, 1.0, 3.0):
        exponent = rate / a * ((1 + s / rate) ** a - 1)
        assert far(np.exp(-s * x), math.exp(-exponent)) < 4
        assert far(np.exp(-1.1 * s * x), math.exp(-exponent)) > 4  # negative control


@pytest.mark.statistics
@pytest.mark.parametrize(("rate", "pieces"), [(0.5, 1), (1.4, 4)])
def test_tempered_increments_at_one_half_are_inverse_gaussian(rate, pieces):
    x = filled(sampling.sample_tempered, 0.5, math.log(rate / pieces / 0.5) / 0.5, pieces, rate)
    shape = 2 * rate  # mean 1, variance 1 / (2 rate)
    assert stats.kstest(x, stats.invgauss(mu=1 / shape, scale=shape).cdf).pvalue > ALARM
    assert stats.kstest(x, stats.invgauss(mu=1.1 / shape, scale=shape).cdf).pvalue < ALARM


@pytest.mark.statistics
@pytest.mark.parametrize("shape", [0.05, 0.3, 1.0, 2.5, 20.0])
def test_gamma_numbers_have_their_law(shape):
    x = filled(sampling.sample_gammas, shape, count=40_000)
    assert stats.kstest(x, stats.gamma(shape).cdf).pvalue > ALARM
    assert stats.kstest(x, stats.gamma(shape * 1.1).cdf).pvalue < ALARM  # negative control


def test_gamma_numbers_of_a_step_keep_apart():
    """Each has draws to itself, also beyond the 65536th."""
    count = 70_000
    out = np.empty(count * LANES)
    probes.gammas(out, count, 2.5, 0, 3, 1, KEY)
    assert np.unique(out).size == out.size
