"""Elementary functions: their stated errors, compiled and in plain NumPy, over the whole range."""

import math

import numpy as np
import probes
import pytest

from fastsde.kernels import elementary
from fastsde.kernels.lanes import lane_count

LONG = np.longdouble
PI = LONG("3.14159265358979323846264338327950288")
FORMS = ["compiled", "plain"]
MOST = {"float32": 24, "float64": 53}

pytestmark = [
    pytest.mark.parametrize("form", FORMS),
    pytest.mark.skipif(np.finfo(LONG).nmant < 63, reason="long double is no wider than double here"),
]


def values(form, name, x):
    """`x`, cut to whole lane vectors, and what the function of that name gives on it."""
    lanes = lane_count(x.dtype)
    x = x[: x.size // lanes * lanes]
    if form == "plain":
        plain = {"logs": "log", "exps": "exp", "sines_pi": "sin_pi", "cosines_sines": "cos_sin"}
        result = getattr(elementary, plain[name[:-2]] + name[-2:])(x)
        return x, np.atleast_2d(result)
    out = np.empty(2 * x.size, dtype=x.dtype)
    getattr(probes, name)(x, out, x.size // lanes)
    return x, out.reshape(2, -1)


def numbers(dtype, low, high, count=200_000):
    """Numbers spread evenly in the logarithm, evenly near 1, and at powers of two away from 1."""
    random = np.random.default_rng(0)
    close = random.choice([-1, 1], count) * 2.0 ** -random.integers(1, MOST[dtype], count)
    near = [random.uniform(0.5, 2, count), 1 + close * random.uniform(0.5, 1, count)]
    return np.concatenate([np.exp(random.uniform(low, high, count)), *near]).astype(dtype)


def worst_ulp(got, exact):
    return np.max(np.abs(got - exact) / np.spacing(np.abs(exact).astype(got.dtype)))


@pytest.mark.parametrize(
    ("name", "dtype", "low", "high"), [("logs32", "float32", -87, 88.7), ("logs64", "float64", -708, 709.7)]
)
def test_logarithms(form, name, dtype, low, high):
    smallest, largest = np.finfo(dtype).tiny, np.finfo(dtype).max
    edges = np.array([smallest, largest, 1, 0.70710677, 0.7071068, 1.4142135, 1.4142137] * 16, dtype=dtype)
    x, (got, *_) = values(form, name, np.concatenate([numbers(dtype, low, high), edges]))
    exact = np.log(x.astype(LONG))
    assert np.all(got[exact == 0] == 0)
    assert worst_ulp(got[exact != 0], exact[exact != 0]) < (1.1 if name == "logs32" else 1)


def test_every_single_precision_logarithm_of_two_octaves(form):
    """The range where cancellation threatens, each 7th number of it."""
    bits = np.arange(0x3F000000, 0x40000000, 7, dtype=np.int32)
    x, (got, *_) = values(form, "logs32", bits.view(np.float32))
    exact = np.log(x.astype(np.float64))
    assert np.max(np.abs(got - exact)[exact != 0] / np.spacing(np.abs(exact[exact != 0]).astype("f4"))) < 1


def test_exponential(form):
    random = np.random.default_rng(1)
    x = np.concatenate(
        [random.uniform(-708, 709, 200_000), random.uniform(-1, 1, 200_000), [-708, 709, 0, 1] * 8]
    )
    x, (got, *_) = values(form, "exps64", x)
    assert np.max(np.abs(got / np.exp(x.astype(LONG)) - 1)) < 2.5e-16


def test_exponential_holds_its_argument_within_range(form):
    x, (got, *_) = values(form, "exps64", np.array([-1e300, -709.0, 710.0, 1e300] * 8))
    assert np.allclose(got, np.exp(np.clip(x, -708, 709)), rtol=3e-16)


def test_sine_of_pi_x(form):
    random = np.random.default_rng(2)
    tiny = np.exp(-random.uniform(0, 700, 50_000))
    x = np.concatenate([random.random(200_000), tiny, 1 - tiny, [0, 0.5, 1, 2.0**-54] * 8])
    x, (got, *_) = values(form, "sines_pi64", x)
    exact = np.sin(PI * np.minimum(x, 1 - x.astype(LONG)))
    assert np.all(got[exact == 0] == 0)
    assert np.max(np.abs(got[exact > 0] / exact[exact > 0] - 1)) < 4e-16


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 7e-7), ("float64", 1.4e-15)])
def test_cosine_and_sine_of_the_double_angle(form, dtype, bound):
    end = np.nextafter(np.array(math.pi / 2, dtype=dtype), np.array(0, dtype=dtype))
    x = np.concatenate([np.random.default_rng(3).uniform(-end, end, 1_000_000), [end, -end, 0, end / 2] * 8])
    x, (cosine, sine) = values(form, f"cosines_sines{dtype[-2:]}", x.astype(dtype))
    angle = 2 * x.astype(LONG)
    assert np.max(np.abs(cosine - np.cos(angle))) < bound
    assert np.max(np.abs(sine - np.sin(angle))) < bound
    assert np.max(np.abs(np.hypot(cosine.astype(LONG), sine) - 1)) < bound
