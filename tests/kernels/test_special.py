"""Exponential, hyperbolic tangent, error function: their stated errors over the whole range, compiled."""

import math

import numpy as np
import pytest
from scipy import special

from fastsde.kernels.lanes import lane_count, load, store
from fastsde.kernels.options import kernel
from fastsde.kernels.special import (
    error_function,
    exponential,
    hyperbolic_tangent,
    logarithm,
    normal_distribution,
)


@kernel
def all_of(x, out, count):
    for i in range(count):
        v = load(x, i)
        erf, bell = error_function(out, v)
        share, half_bell = normal_distribution(out, v)
        store(out, i, hyperbolic_tangent(out, v))
        store(out, count + i, exponential(out, v))
        store(out, 2 * count + i, erf)
        store(out, 3 * count + i, bell)
        store(out, 4 * count + i, share)
        store(out, 5 * count + i, half_bell)
        store(out, 6 * count + i, logarithm(out, exponential(out, v)))


def values(x):
    lanes = lane_count(x.dtype)
    out = np.empty(7 * x.size, dtype=x.dtype)
    all_of(x, out, x.size // lanes)
    return out.reshape(7, -1)


def ulps(got, exact):
    return np.max(np.abs(got - exact) / np.spacing(np.abs(exact).astype(got.dtype)))


def normal_law(x):
    """The standard normal distribution function, by erfc at a rounded argument and its slope there."""
    wide = -x.astype(np.longdouble) / np.sqrt(np.longdouble(2))
    y = wide.astype(np.float64)
    near = np.array([math.erfc(value) for value in y], dtype=np.longdouble)
    return (near - 2 / math.sqrt(math.pi) * np.exp(-np.square(y.astype(np.longdouble))) * (wide - y)) / 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_errors_are_a_few_units_in_the_last_place(dtype):
    """Against NumPy in long double and SciPy, whose own error is about 1 ulp; the normal law from -8 on."""
    random = np.random.default_rng(0)
    tiny = random.choice([-1, 1], 2**16) * np.exp(random.uniform(-30, 0, 2**16))
    x = np.concatenate([random.uniform(-8, 8, 2**17), random.normal(size=2**16), tiny]).astype(dtype)
    tanh, exp, erf, bell, share, half_bell, log = values(x)
    wide, double = x.astype(np.longdouble), x.astype(np.float64)
    assert ulps(tanh, np.tanh(wide)) < 3
    assert np.max(np.abs(exp / np.exp(wide) - 1)) < (1.2e-7 if dtype == "float32" else 2.5e-16)
    assert ulps(erf, special.erf(double)) < 4
    assert ulps(bell, np.exp(-wide * wide)) < 3
    assert ulps(share, normal_law(double)) < 9
    assert ulps(half_bell, np.exp(-wide * wide / 2)) < 3
    assert np.max(np.abs(log - double)) < 20 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ends_and_what_is_not_a_number(dtype):
    x = np.array([0.0, 1e30, -1e30, np.nan, np.inf, -np.inf, 30.0, -30.0] * 2, dtype=dtype)
    with np.errstate(all="ignore"):
        tanh, exp, erf, _, share, _, _ = values(x)
    for got, ends in ((tanh, (-1, 0, 1)), (erf, (-1, 0, 1)), (share, (0, 0.5, 1))):
        low, middle, high = ends
        assert got[0] == pytest.approx(middle, rel=4 * float(np.finfo(dtype).eps))
        assert np.allclose(got[[1, 4, 6]], high, rtol=1e-7)
        assert np.allclose(got[[2, 5, 7]], low, atol=1e-30)
        assert np.isnan(got[3])
    assert exp[0] == 1
    assert np.isfinite(exp[[1, 2, 4, 5]]).all()
    assert np.isnan(exp[3])
