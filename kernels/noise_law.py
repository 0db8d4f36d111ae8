"""Laws of the noise of a step, each a named tuple whose class chooses how unit noise is drawn.

A law is declared in one module: its named tuple and its draw. An elliptical law multiplies the Gaussian
increment of a step by one factor (`noise_law`); a law of components draws each of them (`component_law`).
Both draw in ``float64`` whatever the trajectories' precision, and the numbers of a law always are
``float64``. Without a law noise is Gaussian. Those of this package are in `fastsde.kernels.noise`.

A step holds its law in the field ``clock``.
"""

from fastsde.kernels.dispatch import ByClass
from fastsde.kernels.lanes import fma, like, load, meet, share, store
from fastsde.kernels.normal import add_normals, fill_normals
from fastsde.kernels.options import in_double, never_inlined
from fastsde.kernels.precision import doubles

__all__ = [
    "add_by",
    "add_law",
    "component",
    "component_law",
    "factor",
    "fill_by",
    "fill_law",
    "noise_law",
    "stretch",
]


def stretch(m, law, stream):
    """Return the factor of this step's Gaussian increment, one for all components; 1.0 of other laws."""
    raise NotImplementedError("compiled only")


def factor(law, stream):
    """Return the same of an elliptical law in ``float64``."""
    raise NotImplementedError("compiled only")


def component(law, k, stream, purpose):
    """Return component `k` of a law of components in ``float64``, in the scale of a unit normal."""
    raise NotImplementedError("compiled only")


def fill_law(m, start, count, law, stream, purpose):
    """Write `count` lane vectors of unit noise from lane vector `start`; up to 3 more are overwritten."""
    raise NotImplementedError("compiled only")


def add_law(m, start, count, scale, law, stream, purpose):
    """Add to `count` lane vectors `scale` times the noise that `fill_law` would write."""
    raise NotImplementedError("compiled only")


def _no_stretch(m, law, stream):
    return 1.0


def _rounded_factor(m, law, stream):
    return like(m, factor(law, stream))


def _fill_gaussian(m, start, count, law, stream, purpose):
    fill_normals(m, start, count, stream, purpose)


def _add_gaussian(m, start, count, scale, law, stream, purpose):
    add_normals(m, start, count, scale, stream, purpose)


def _fill_by_component(m, start, count, law, stream, purpose):
    _fill_components(m, start, count, law, stream, purpose)


def _add_by_component(m, start, count, scale, law, stream, purpose):
    _add_components(m, start, count, scale, law, stream, purpose)


@never_inlined
def _fill_components(m, start, count, law, stream, purpose):
    for k in share(m, count):
        store(m, start + k, like(m, component(law, k, stream, purpose)))
    meet(m)


@never_inlined
def _add_components(m, start, count, scale, law, stream, purpose):
    for k in share(m, count):
        at = start + k
        store(m, at, fma(like(m, component(law, k, stream, purpose)), scale, load(m, at)))
    meet(m)


_STRETCH = ByClass(stretch, "law", "clock", otherwise=_no_stretch)
_FACTOR = ByClass(factor, "law", "clock")
_COMPONENT = ByClass(component, "law", "clock", inline=True)
_FILL = ByClass(fill_law, "law", "clock", otherwise=_fill_gaussian)
_ADD = ByClass(add_law, "law", "clock", otherwise=_add_gaussian)


def noise_law(tuple_class):
    """Register the decorated function ``(law, stream)`` as the factor of an elliptical law.

    The factor multiplies the Gaussian increment of a step, the same for all components; its square is the
    mixing law. One value per trajectory, in ``float64``.

    Examples
    --------
    >>> import math
    >>> from typing import NamedTuple
    >>> from fastsde.kernels.philox import SUBORDINATOR
    >>> from fastsde.kernels.stable import gamma
    >>> class StudentT(NamedTuple):
    ...     nu: float
    >>> @noise_law(StudentT)
    ... def student_t(law, stream):
    ...     return math.sqrt((0.5 * law.nu - 1.0) / gamma(0.5 * law.nu, 0, stream, SUBORDINATOR))
    """

    def register(function):
        _FACTOR.of(doubles(tuple_class))(in_double(function))
        _STRETCH.of(tuple_class)(_rounded_factor)
        return function

    return register


def component_law(tuple_class):
    """Register the decorated function ``(law, k, stream, purpose)`` as component `k` of a law.

    Components are independent, in the scale of a unit normal, in ``float64``; `purpose` keeps the draws of
    one step apart (`fastsde.kernels.philox.draw_words`).
    """

    def register(function):
        _COMPONENT.of(doubles(tuple_class))(in_double(function))
        _FILL.of(tuple_class)(_fill_by_component)
        _ADD.of(tuple_class)(_add_by_component)
        return function

    return register


def fill_by(tuple_class):
    """Register the decorated function as `fill_law` of a law that draws in a way of its own."""
    return _FILL.of(doubles(tuple_class))


def add_by(tuple_class):
    """Register the decorated function as `add_law` of a law that draws in a way of its own."""
    return _ADD.of(doubles(tuple_class))
