"""Logarithm, exponential, sine and cosine as polynomials, on lane vectors and on NumPy values.

Written for the numbers that random draws produce: finite, and positive and normal where a logarithm is
taken. The coefficients of sine and cosine are Chebyshev fits, those of the logarithms Moshier's (Cephes,
1989) and Sun's (fdlibm, 1993). The error of each over its whole range is stated and tested.
"""

from fastsde.kernels.lanes import alike, as_bits, as_float, fma, select, to_float, to_int
from fastsde.kernels.options import in_double, inlined

__all__ = ["cos_sin32", "cos_sin64", "exp64", "log32", "log64", "sin_pi64"]

LN2 = 0.6931471805599453
LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10


@inlined
def log32(x):
    """Natural logarithm of ``float32``: error at most 1.1 ulp, also near 1."""
    bits = as_bits(x)
    exponent = (bits - 0x3F3504F3) >> 23
    m = as_float(bits - (exponent << 23)) - 1.0
    z = m * m
    y = fma(m, 7.0376836292e-2, -1.1514610310e-1)
    y = fma(y, m, 1.1676998740e-1)
    y = fma(y, m, -1.2420140846e-1)
    y = fma(y, m, 1.4249322787e-1)
    y = fma(y, m, -1.6668057665e-1)
    y = fma(y, m, 2.0000714765e-1)
    y = fma(y, m, -2.4999993993e-1)
    y = fma(y, m, 3.3333331174e-1)
    y = fma(z, fma(y, m, -0.5), m)
    return fma(to_float(exponent), LN2, y)


@inlined
@in_double
def log64(x):
    """Natural logarithm of ``float64``: error at most 1 ulp, also near 1."""
    bits = as_bits(x)
    exponent = (bits - 0x3FE6A09E667F3BCD) >> 52
    f = as_float(bits - (exponent << 52)) - 1.0
    s = f / (f + 2.0)
    z = s * s
    r = fma(z, 1.479819860511658591e-01, 1.531383769920937332e-01)
    r = fma(r, z, 1.818357216161805012e-01)
    r = fma(r, z, 2.222219843214978396e-01)
    r = fma(r, z, 2.857142874366239149e-01)
    r = fma(r, z, 3.999999999940941908e-01)
    r = fma(r, z, 6.666666666666735130e-01) * z
    half = f * f * 0.5
    k = to_float(exponent)
    return fma(k, LN2_HIGH, f - (half - fma(s, half + r, k * LN2_LOW)))


@inlined
@in_double
def exp64(x):
    """Exponential of ``float64``, `x` held within [-708, 709]: relative error at most 2.5e-16."""
    x = select(x > 709.0, 709.0, select(x < -708.0, -708.0, x))
    k = to_int(fma(x, 1.4426950408889634, select(x > 0.0, alike(x, 0.5), -0.5)))
    n = to_float(k)
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    y = fma(r, 2.511003760596377771e-8, 2.763263963904102975e-7)
    y = fma(y, r, 2.755724091857896982e-6)
    y = fma(y, r, 2.480148548232849242e-5)
    y = fma(y, r, 1.984126989004711371e-4)
    y = fma(y, r, 1.388888895231477465e-3)
    y = fma(y, r, 8.333333333319600611e-3)
    y = fma(y, r, 4.16666666664880955e-2)
    y = fma(y, r, 1.666666666666668081e-1)
    y = fma(y, r, 0.5000000000000018386)
    y = fma(y, r, 1.0)
    y = fma(y, r, 1.0)
    return y * as_float((k + 1023) << 52)


@inlined
@in_double
def sin_pi64(x):
    """``sin(pi x)`` of ``float64`` in [0, 1]: relative error at most 4e-16, also near 0 and 1."""
    y = select(x > 0.5, 1.0 - x, x)
    z = y * y
    s = fma(z, 7.697826768224190645e-7, -2.190349707462601719e-5)
    s = fma(s, z, 4.662998161898393801e-4)
    s = fma(s, z, -7.370430505916943405e-3)
    s = fma(s, z, 8.214588657310289502e-2)
    s = fma(s, z, -0.5992645293189446813)
    s = fma(s, z, 2.550164039877300474)
    s = fma(s, z, -5.167712780049969608)
    s = fma(s, z, 3.141592653589793238)
    return s * y


@inlined
def cos_sin32(x):
    """``cos 2x`` and ``sin 2x`` of ``float32`` in [-pi/2, pi/2]: absolute error at most 7e-7."""
    z = x * x
    s = fma(z, 2.60510763533478813e-6, -1.98090174086780038e-4)
    s = fma(s, z, 8.33305017067177325e-3)
    s = fma(s, z, -0.166666579478460114)
    s = fma(s, z, 0.999999995698809019) * x
    c = fma(z, -2.60506574937197433e-7, 2.47601096731598743e-5)
    c = fma(c, z, -1.38883602844030181e-3)
    c = fma(c, z, 4.16666361597231933e-2)
    c = fma(c, z, -0.499999993554378566)
    c = fma(c, z, 0.999999999779154032)
    twice = s + s
    return fma(-twice, s, 1.0), twice * c


@inlined
@in_double
def cos_sin64(x):
    """``cos 2x`` and ``sin 2x`` of ``float64`` in [-pi/2, pi/2]: absolute error at most 1.4e-15."""
    z = x * x
    s = fma(z, 2.72157494229834428e-15, -7.64302655797163266e-13)
    s = fma(s, z, 1.60589408784865599e-10)
    s = fma(s, z, -2.50521068905695195e-8)
    s = fma(s, z, 2.75573192112296066e-6)
    s = fma(s, z, -1.98412698412086752e-4)
    s = fma(s, z, 8.33333333333318638e-3)
    s = fma(s, z, -0.166666666666666653)
    s = fma(s, z, 1.0) * x
    c = fma(z, 4.60897700300179703e-14, -1.14629019017572748e-11)
    c = fma(c, z, 2.08765618399331633e-9)
    c = fma(c, z, -2.75573163910257508e-7)
    c = fma(c, z, 2.48015872774149244e-5)
    c = fma(c, z, -1.38888888887729899e-3)
    c = fma(c, z, 4.16666666666638823e-2)
    c = fma(c, z, -0.499999999999999742)
    c = fma(c, z, 1.0)
    twice = s + s
    return fma(-twice, s, 1.0), twice * c
