"""Random numbers: published answers, errors of the formulas, laws of the variates.

Statistical tests have fixed seeds; each p-value threshold is 1e-4, so a false alarm has probability 1e-4 a check.
"""

import math

import numpy as np
import pytest
from scipy import stats

from fastsde.kernels import elementary, normal, sampling
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.philox import philox

KEY = (np.uint64(11), np.uint64(7))
LANES = lane_count("float64")
ALARM = 1e-4


def words(*values):
    return tuple(np.array([value], dtype=np.uint64) for value in values)


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter, key, answer):
    with np.errstate(over="ignore"):
        got = philox(*words(*counter), *words(*key))
    assert " ".join(f"{int(w[0]) & 0xFFFFFFFF:08x}" for w in got) == answer


def ulp_error(got, exact):
    return np.max(np.abs(got.astype(np.longdouble) - exact) / np.spacing(np.abs(exact.astype(got.dtype))))


def test_logarithms_hold_their_stated_errors_over_the_whole_range():
    random = np.random.default_rng(0)
    x = np.exp(random.uniform(-80, 80, 200_000)).astype(np.float32)
    assert ulp_error(elementary.log32(x), np.log(x.astype(np.longdouble))) < 1.5
    near = (1 + random.uniform(-0.2, 0.2, 200_000)).astype(np.float32)
    error = np.abs(elementary.log32(near) - np.log(near.astype(np.float64)))
    assert np.all(error <= 1.3e-7 * np.maximum(np.abs(near - 1.0), 1e-30))
    y = np.exp(random.uniform(-700, 700, 200_000))
    assert ulp_error(elementary.log64(y), np.log(y.astype(np.longdouble))) < 2.5
    tiny = 1 - random.random(1000) * 1e-10
    assert np.allclose(elementary.log64(tiny), np.log(tiny), rtol=1e-15, atol=0)


def test_exponential_and_sines_hold_their_stated_errors():
    x = np.linspace(-700, 700, 200_001)
    exact = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(elementary.exp64(x) / exact - 1)) < 4e-16
    u = np.concatenate([np.linspace(0, 1, 100_001), np.geomspace(1e-300, 1, 1000)])
    pi = np.longdouble("3.14159265358979323846264338327950288")
    close = np.minimum(u, 1 - u).astype(np.longdouble)
    sine = np.sin(pi * close)
    assert np.all(np.abs(elementary.sin_pi64(u) - sine) <= 5e-16 * sine)
    for function, dtype, bound in ((elementary.cos_sin32, "f4", 7e-7), (elementary.cos_sin64, "f8", 1.2e-15)):
        v = np.linspace(-math.pi / 2, math.pi / 2, 100_001).astype(dtype)
        c, s = function(v)
        assert np.max(np.abs(c - np.cos(2 * v.astype(np.longdouble)))) < bound
        assert np.max(np.abs(s - np.sin(2 * v.astype(np.longdouble)))) < bound


def test_uniforms_and_normals_stay_finite_for_extreme_words():
    extreme = np.array([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF], dtype=np.uint64)
    a, b = (w.ravel() for w in np.meshgrid(extreme, extreme))
    assert np.all((normal.uniform64(a, b) > 0) & (normal.uniform64(a, b) < 1))
    assert np.all((normal.uniform32(a) > 0) & (normal.uniform32(a) <= 1))
    for values in (*normal.normals32(a, b), *normal.normals64(a, b, b, a)):
        assert np.isfinite(values).all()
    assert normal.normals32(np.zeros(1, np.uint64), np.full(1, 1 << 31, np.uint64))[
        0
    ].item() == pytest.approx(-math.sqrt(2 * 32 * math.log(2)), rel=1e-5)


def drawn_normals(dtype):
    lanes, rows = lane_count(dtype), 240
    out = np.empty((rows + 4) * lanes, dtype=dtype)
    pieces = []
    for seed in range(400):
        sampling.sample_normals(out, rows, 1, (np.uint64(seed), np.uint64(5)))
        pieces.append(out[: rows * lanes].astype(np.float64))
    return np.concatenate(pieces)


@pytest.mark.statistics
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normals_are_normal_with_their_tails(dtype):
    x = drawn_normals(dtype)
    assert stats.kstest(x, "norm").pvalue > ALARM
    assert stats.kstest(x * 1.01, "norm").pvalue < ALARM  # negative control: one per cent too wide
    n = x.size
    for threshold in (3.0, 4.0):
        expected = 2 * n * stats.norm.sf(threshold)
        assert ALARM < stats.poisson.cdf(np.sum(np.abs(x) > threshold), expected) < 1 - ALARM
    neighbours = np.corrcoef(x[:-1], x[1:])[0, 1]
    assert abs(neighbours) * math.sqrt(n) < 4.5


def filled(function, *arguments, rows=20_000):
    out = np.empty(rows * LANES)
    function(out, rows, *arguments, KEY)
    return out


def far(sample, exact):
    """Standardised distance of a bounded sample's mean from its exact value."""
    return abs(sample.mean() - exact) / (sample.std() / math.sqrt(sample.size) + 1e-15)


@pytest.mark.statistics
@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5, 1.9, 2.0])
def test_symmetric_stable_numbers_have_their_characteristic_function(alpha):
    x = filled(sampling.sample_stable, alpha)
    assert np.isfinite(x).all()
    for u in (0.5, 1.0, 2.0):
        assert far(np.cos(u * x), math.exp(-(u**alpha))) < 4.1  # false alarm 4e-5
    assert far(np.cos(x), math.exp(-(1.1**alpha))) > 10  # negative control: scale ten per cent off


@pytest.mark.statistics
@pytest.mark.parametrize("a", [0.3, 0.5, 0.8, 0.95])
def test_positive_stable_numbers_have_their_laplace_transform(a):
    x = np.exp(filled(sampling.sample_positive_stable, a))
    for s in (0.5, 1.0, 2.0):
        assert far(np.exp(-s * x), math.exp(-(s**a))) < 4.1
    assert far(np.exp(-x), math.exp(-(1.1**a))) > 5


@pytest.mark.statistics
def test_tempered_increments_have_mean_one_and_the_stated_variance():
    for a, rate, pieces in ((0.8, 0.5, 1), (0.8, 2.0, 4), (0.6, 1.0, 2)):
        x = filled(sampling.sample_tempered, a, math.log(rate / pieces / a) / a, pieces, rate)
        assert far(x, 1.0) < 4.1
        assert far((x - 1) ** 2, (1 - a) / rate) < 4.1
    x = filled(sampling.sample_tempered, 0.5, math.log(1.0) / 0.5, 1, 0.5)
    # at a = 1/2 the law is inverse Gaussian: mean 1, variance 1 / (2 rate)
    assert stats.kstest(x, stats.invgauss(mu=1.0, scale=1.0).cdf).pvalue > ALARM
    assert stats.kstest(x, stats.invgauss(mu=1.1, scale=1.0).cdf).pvalue < ALARM


@pytest.mark.statistics
@pytest.mark.parametrize("shape", [0.3, 1.0, 2.5, 20.0])
def test_gamma_numbers_have_their_law(shape):
    x = filled(sampling.sample_gammas, shape, rows=5000)
    assert stats.kstest(x, stats.gamma(shape).cdf).pvalue > ALARM
    assert stats.kstest(x, stats.gamma(shape * 1.1).cdf).pvalue < ALARM
