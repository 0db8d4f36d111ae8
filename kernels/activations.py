"""Activations of nonlinear networks: each a function of lanes that returns value and slope."""

from fastsde.kernels.lanes import broadcast, fma, select
from fastsde.kernels.options import inlined
from fastsde.kernels.special import error_function, hyperbolic_tangent, normal_distribution

__all__ = ["ACTIVATIONS", "LINEAR"]

TWO_OVER_ROOT_PI = 1.1283791670955126
ONE_OVER_ROOT_TWO_PI = 0.3989422804014327
LINEAR = "linear"
"""The activation that is none: neither it nor its slope is computed."""


@inlined
def relu(m, z):
    """``max(z, 0)``; the slope at 0 is 0. What is not a number stays so."""
    on = z > 0.0
    return select(on, z, z * 0.0), select(on, broadcast(m, 1.0), 0.0)


@inlined
def tanh(m, z):
    """``tanh z``, and ``1 - tanh^2 z``."""
    value = hyperbolic_tangent(m, z)
    return value, fma(0.0 - value, value, 1.0)


@inlined
def quadratic(m, z):
    """``z^2``, and ``2 z``."""
    return z * z, z + z


@inlined
def erf(m, z):
    """``erf z``, and ``2 exp(-z^2) / sqrt(pi)``."""
    value, bell = error_function(m, z)
    return value, bell * TWO_OVER_ROOT_PI


@inlined
def gelu(m, z):
    """``z Phi(z)`` with the normal distribution function, and ``Phi(z) + z phi(z)``."""
    share, bell = normal_distribution(m, z)
    return z * share, fma(z * ONE_OVER_ROOT_TWO_PI, bell, share)


ACTIVATIONS = {"relu": relu, "tanh": tanh, "quadratic": quadratic, "erf": erf, "gelu": gelu}
"""Activations by name, but for "linear"."""
