"""Exponential, hyperbolic tangent and error function, on lane vectors and on NumPy values.

Polynomials are Chebyshev interpolants. The error function is ``1 - exp(-x^2) q(x)`` away from 0, with ``q``
the scaled complementary error function, a polynomial in ``(x - a) / (x + a)`` over ``1 + 2 x`` (Shepherd and
Laframboise 1981). The error of each function over its whole range is stated and tested.
"""

from fastsde.kernels.elementary import LN2_HIGH, LN2_LOW, exp64, log32, log64
from fastsde.kernels.lanes import alike, as_float, fma, select, to_float, to_int
from fastsde.kernels.options import choice, in_double, inlined, is_single

__all__ = [
    "erf32",
    "erf64",
    "error_function",
    "exp32",
    "exponential",
    "hyperbolic_tangent",
    "logarithm",
    "normal32",
    "normal64",
    "normal_distribution",
    "tanh32",
    "tanh64",
]

LOG2_E = 1.4426950408889634
HIGH_32 = 0.693359375
LOW_32 = -2.12194440e-4
ROOT_HALF = 0.7071067811865476


@inlined
def _reduced32(x):
    """Return k, nearest to ``x / ln 2``, and ``exp(x - k ln 2) - 1`` of ``float32``."""
    y = x * LOG2_E
    k = to_int(select(y > 0.0, y + 0.5, y - 0.5))
    n = to_float(k)
    r = fma(n, -LOW_32, fma(n, -HIGH_32, x))
    q = fma(r, 0.0001989099082, 0.001393365)
    q = fma(q, r, 0.008333310925)
    q = fma(q, r, 0.04166646493)
    q = fma(q, r, 0.1666666668)
    q = fma(q, r, 0.5000000013)
    return k, fma(r * r, q, r)


@inlined
@in_double
def _reduced64(x):
    """Return the same of ``float64``."""
    y = x * LOG2_E
    k = to_int(select(y > 0.0, y + 0.5, y - 0.5))
    n = to_float(k)
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    q = fma(r, 2.0914686968086877e-9, 2.5105217004720745e-8)
    q = fma(q, r, 2.7557273643110295e-7)
    q = fma(q, r, 2.7557255400206424e-6)
    q = fma(q, r, 2.4801587325547741e-5)
    q = fma(q, r, 1.9841269874820625e-4)
    q = fma(q, r, 1.3888888888883748e-3)
    q = fma(q, r, 8.3333333333261351e-3)
    q = fma(q, r, 4.166666666666667e-2)
    q = fma(q, r, 0.16666666666666671)
    q = fma(q, r, 0.5)
    return k, fma(r * r, q, r)


@inlined
def exp32(x):
    """Exponential of ``float32``, `x` held within [-87, 88]: relative error at most 1.2e-7."""
    k, rest = _reduced32(select(x > 88.0, 88.0, select(x < -87.0, -87.0, x)))
    power = as_float((k + 127) << 23)
    return fma(rest, power, power)


@inlined
def tanh32(x):
    """Hyperbolic tangent of ``float32``: error at most 3 ulp, also near 0."""
    size = select(x < 0.0, 0.0 - x, x)
    k, rest = _reduced32(select(size > 10.0, 10.0, size) * 2.0)
    power = as_float((k + 127) << 23)
    grown = fma(rest, power, power - 1.0)
    y = grown / (grown + 2.0)
    return select(x < 0.0, 0.0 - y, y)


@inlined
@in_double
def tanh64(x):
    """Hyperbolic tangent of ``float64``: error at most 3 ulp, also near 0."""
    size = select(x < 0.0, 0.0 - x, x)
    k, rest = _reduced64(select(size > 20.0, 20.0, size) * 2.0)
    power = as_float((k + 1023) << 52)
    grown = fma(rest, power, power - 1.0)
    y = grown / (grown + 2.0)
    return select(x < 0.0, 0.0 - y, y)


@inlined
def gauss32(x, factor):
    """``exp(-factor x^2)`` of ``float32``, `factor` 1 or 1/2; the rounding of the square is made up for.

    The size of `x` is held below 13, where the result is 0 beside 1.
    """
    x = select(x > 13.0, 13.0, select(x < -13.0, -13.0, x))
    square = x * x
    left = fma(x, x, 0.0 - square) * factor
    value = exp32(square * (0.0 - factor))
    return fma(value, 0.0 - left, value)


@inlined
@in_double
def gauss64(x, factor):
    """Return the same of ``float64``, the size of `x` held below 37."""
    x = select(x > 37.0, 37.0, select(x < -37.0, -37.0, x))
    square = x * x
    left = fma(x, x, 0.0 - square) * factor
    value = exp64(square * (0.0 - factor))
    return fma(value, 0.0 - left, value)


@inlined
def tail32(x):
    """``exp(x^2) erfc(x)`` of ``float32``, `x` from 0, held below 9.5: relative error at most 4e-7."""
    x = select(x > 9.5, 9.5, x)
    u = (x - 3.0) / (x + 3.0)
    p = fma(u, -0.0002829783491, -0.0008143326379)
    p = fma(p, u, 0.001981948838)
    p = fma(p, u, 0.002582070954)
    p = fma(p, u, -0.02378353939)
    p = fma(p, u, 0.06829468256)
    p = fma(p, u, -0.1192736351)
    p = fma(p, u, 0.1296463302)
    p = fma(p, u, -0.04756223653)
    p = fma(p, u, -0.1356211344)
    p = fma(p, u, 1.253008058)
    return p / fma(x, 2.0, 1.0)


@inlined
@in_double
def tail64(x):
    """Return the same of ``float64``, `x` held below 27: relative error at most 8e-16."""
    x = select(x > 27.0, 27.0, x)
    u = (x - 3.75) / (x + 3.75)
    p = fma(u, -2.3377063125226789e-9, -6.5934721097370006e-10)
    p = fma(p, u, 3.2858622449136449e-8)
    p = fma(p, u, 1.5447520210241471e-8)
    p = fma(p, u, -2.5296234439438509e-7)
    p = fma(p, u, -4.7600165999688581e-8)
    p = fma(p, u, 1.7486585524429923e-6)
    p = fma(p, u, -9.804551146365723e-7)
    p = fma(p, u, -1.1443386715647735e-5)
    p = fma(p, u, 2.2387333351774619e-5)
    p = fma(p, u, 5.164908072285061e-5)
    p = fma(p, u, -0.00029015496980854525)
    p = fma(p, u, 0.00029371362337406086)
    p = fma(p, u, 0.001755626014932829)
    p = fma(p, u, -0.0097465795467645253)
    p = fma(p, u, 0.028362277401029122)
    p = fma(p, u, -0.058693398590904264)
    p = fma(p, u, 0.092304321161477397)
    p = fma(p, u, -0.10880393014168528)
    p = fma(p, u, 0.082276738490114036)
    p = fma(p, u, 0.0035854154854632971)
    p = fma(p, u, -0.1402405985855467)
    p = fma(p, u, 1.2375126308378276)
    return p / fma(x, 2.0, 1.0)


@inlined
def erf32(x):
    """Error function of ``float32``, and ``exp(-x^2)``: error at most 3 ulp, also near 0."""
    bell = gauss32(x, 1.0)
    size = select(x < 0.0, 0.0 - x, x)
    far = fma(0.0 - bell, tail32(size), 1.0)
    s = select(size > 0.5, alike(x, 0.25), x * x)
    p = fma(s, -0.0007694212094, 0.005200395582)
    p = fma(p, s, -0.0268631395)
    p = fma(p, s, 0.1128377399)
    p = fma(p, s, -0.3761263852)
    p = fma(p, s, 0.1283791671)
    near = fma(x, p, x)
    return select(size > 0.5, select(x < 0.0, 0.0 - far, far), near), bell


@inlined
@in_double
def erf64(x):
    """Return the same of ``float64``."""
    bell = gauss64(x, 1.0)
    size = select(x < 0.0, 0.0 - x, x)
    far = fma(0.0 - bell, tail64(size), 1.0)
    s = select(size > 0.5, alike(x, 0.25), x * x)
    p = fma(s, 1.3213778399713015e-8, -1.6273067498640664e-7)
    p = fma(p, s, 1.6459030738902205e-6)
    p = fma(p, s, -1.4925586460369781e-5)
    p = fma(p, s, 0.00012055332129506838)
    p = fma(p, s, -0.00085483270161419401)
    p = fma(p, s, 0.0052239776254030848)
    p = fma(p, s, -0.026866170645130031)
    p = fma(p, s, 0.11283791670955124)
    p = fma(p, s, -0.37612638903183752)
    p = fma(p, s, 0.12837916709551257)
    near = fma(x, p, x)
    return select(size > 0.5, select(x < 0.0, 0.0 - far, far), near), bell


@inlined
def normal32(x):
    """Return the normal distribution function of ``float32``, and ``exp(-x^2 / 2)``: error at most 6 ulp."""
    bell = gauss32(x, 0.5)
    half = bell * tail32(select(x < 0.0, 0.0 - x, x) * ROOT_HALF) * 0.5
    return select(x < 0.0, half, 1.0 - half), bell


@inlined
@in_double
def normal64(x):
    """Return the same of ``float64``."""
    bell = gauss64(x, 0.5)
    half = bell * tail64(select(x < 0.0, 0.0 - x, x) * ROOT_HALF) * 0.5
    return select(x < 0.0, half, 1.0 - half), bell


def exponential(m, x):
    """Return the exponential in the precision of the block `m`."""
    raise NotImplementedError("compiled only")


@choice(exponential, inline=True)
def _exponential(m, x):
    return _exponential32 if is_single(m) else _exponential64


def _exponential32(m, x):
    return exp32(x)


def _exponential64(m, x):
    return exp64(x)


def logarithm(m, x):
    """Return the natural logarithm in the precision of the block `m`."""
    raise NotImplementedError("compiled only")


@choice(logarithm, inline=True)
def _logarithm(m, x):
    return _logarithm32 if is_single(m) else _logarithm64


def _logarithm32(m, x):
    return log32(x)


def _logarithm64(m, x):
    return log64(x)


def hyperbolic_tangent(m, x):
    """Return the hyperbolic tangent in the precision of the block `m`."""
    raise NotImplementedError("compiled only")


@choice(hyperbolic_tangent, inline=True)
def _hyperbolic_tangent(m, x):
    return _tanh32 if is_single(m) else _tanh64


def _tanh32(m, x):
    return tanh32(x)


def _tanh64(m, x):
    return tanh64(x)


def error_function(m, x):
    """Return the error function, and ``exp(-x^2)``, in the precision of the block `m`."""
    raise NotImplementedError("compiled only")


@choice(error_function, inline=True)
def _error_function(m, x):
    return _erf32 if is_single(m) else _erf64


def _erf32(m, x):
    return erf32(x)


def _erf64(m, x):
    return erf64(x)


def normal_distribution(m, x):
    """Return the standard normal distribution function, and ``exp(-x^2 / 2)``, in the block's precision."""
    raise NotImplementedError("compiled only")


@choice(normal_distribution, inline=True)
def _normal_distribution(m, x):
    return _normal32 if is_single(m) else _normal64


def _normal32(m, x):
    return normal32(x)


def _normal64(m, x):
    return normal64(x)
