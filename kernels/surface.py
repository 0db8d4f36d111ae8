"""Landscapes: energy and gradient of functions of few variables, one block of trajectories.

A landscape takes the place of a network of one layer, the point x being its weights (d x 1): its gradient
takes the place of the end-to-end gradient R, and every step, noise and observable that works through R works
on it. Landscapes that are means over samples have mini-batches and gradient noise through the samples'
weights, as networks have.

Each landscape is one function, registered by `surface` or `sample_surface`; fastsde's own are in
`fastsde.kernels.surfaces`. On CPUs the steps are compiled once for all landscapes and call the function by
its address (`fastsde.kernels.routine`). For a GPU each program is compiled for its own landscape.
"""

import pkgutil
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from fastsde.kernels.lanes import broadcast, fma, load, scalar, store
from fastsde.kernels.options import choice, inlined
from fastsde.kernels.routine import address_of, call_routine, is_own, with_callee

__all__ = [
    "Surface",
    "is_kept",
    "place_of",
    "routines",
    "sample_surface",
    "surface",
    "surface_energy",
    "surface_residual",
    "surface_trace",
    "surface_weighted",
]

OWN = "fastsde.kernels.surfaces"


class Surface(NamedTuple):
    """A landscape, in the place of a learning problem.

    ``table`` (2-d) and ``vector`` (1-d) hold its numbers.
    """

    kind: int  # place among the registered functions
    inputs: Any  # (n, k), n = 0 unless the landscape is a mean over samples
    labels: Any  # (n, 1)
    table: Any
    vector: Any
    optimum: Any  # (d, 1): the point about which distances are measured
    scale: float  # of the energy
    floor: float  # 0
    address: int  # of a user's function of one point; 0 if there is none
    value: int  # address of `surface_value`, compiled for this landscape
    trace: int  # the same of the noise trace; 0 unless a mean over samples


class _Registered(NamedTuple):
    """A landscape's function, and whether it is that of one sample."""

    name: str
    function: Any
    mean: bool


_REGISTERED = {}


def surface(name):
    """Register ``function(m, net, data, target)`` as the energy of the landscapes of that name.

    The function reads coordinate k of a block of trajectories by ``load(m, k)``, writes entry k of the
    gradient by ``store(m, target + k, ...)``, and returns the energy. `data` is the `Surface`,
    ``net.parameters`` the dimension.

    Examples
    --------
    >>> @surface("bowl")
    ... def bowl(m, net, data, target):
    ...     store(m, target, load(m, 0))
    ...     return load(m, 0) * load(m, 0) * 0.5
    >>> del _REGISTERED["bowl"]
    """
    return _register(name, mean=False)


def sample_surface(name):
    """Register ``function(m, net, data, i, weight, target)``, one sample of a mean over samples.

    The function adds `weight` times the gradient of sample `i` to the gradient at `target`, and returns the
    sample's energy. It may use ``net.left`` and ``net.right`` as workspace.
    """
    return _register(name, mean=True)


def _register(name, *, mean):
    def decorate(function):
        before = _REGISTERED.get(name)
        if before is not None and before.function.__code__.co_filename != function.__code__.co_filename:
            where = before.function.__code__.co_filename
            raise ValueError(f"there is a surface named {name!r} already, in {where}; take another name")
        _REGISTERED[name] = _Registered(name, function, mean)
        return function

    return decorate


@cache
def _import_own():
    for module in pkgutil.iter_modules(import_module(OWN).__path__, f"{OWN}."):
        import_module(module.name)


def _named(name):
    _import_own()
    return _REGISTERED[name]


def place_of(name):
    """Return the place of a registered function, for ``Surface.kind``."""
    _named(name)
    return list(_REGISTERED).index(name)


def _at(place):
    return list(_REGISTERED.values())[place]


def routines(name, net, data):
    """Return the addresses of a landscape's `surface_value` and noise trace, compiled for CPUs.

    Parameters
    ----------
    name : str
        Under which the function is registered.
    net : fastsde.kernels.layout.Network
    data : Surface
        Of which only the types count.

    Returns
    -------
    tuple of int
        ``Surface.value`` and ``Surface.trace``.
    """
    one = _named(name)
    if not one.mean:
        return address_of(one.function, net, data), 0
    sums = (with_callee(template, "sample_value", one.function) for template in (_weighted, _trace))
    value, trace = sums
    return address_of(value, net, data), address_of(trace, net, data, with_lanes=True)


def is_kept(name):
    """Return whether what is compiled of a landscape is kept on disk: only of fastsde's own."""
    return is_own(_named(name).function)


def surface_value(m, net, data, target):
    """Write the gradient to `target` and return the energy; of a mean over samples, by their weights."""
    raise NotImplementedError("compiled only")


@choice(surface_value, inline=True)
def _surface_value(m, net, data, target):
    if isinstance(data, Surface):  # the landscape itself is known, not only its type
        return _weighted if _at(data.kind).mean else _at(data.kind).function
    return lambda m, net, data, target: call_routine(data.value, m, net, data, target)


def sample_value(m, net, data, i, weight, target):
    """Add `weight` times the gradient of sample `i` to `target`; return its energy."""
    raise NotImplementedError("compiled only")


@choice(sample_value)
def _sample_value(m, net, data, i, weight, target):
    return _at(data.kind).function


def trace_value(m, net, data, target, gradient_square):
    """Return the trace of the covariance of one sample's gradient; overwrites `target`."""
    raise NotImplementedError("compiled only")


@choice(trace_value, inline=True)
def _trace_value(m, net, data, target, gradient_square):
    if isinstance(data, Surface):
        return _trace
    return lambda m, net, data, target, gradient_square: call_routine(
        data.trace, m, net, data, target, gradient_square
    )


def _weighted(m, net, data, target):
    """Write the sum of the samples' gradients by their weights to `target`; return that of their energies."""
    energy = broadcast(m, 0.0)
    for k in range(net.parameters):
        store(m, target + k, broadcast(m, 0.0))
    for i in range(len(data.inputs)):
        weight = load(m, net.weights + i)
        energy = fma(weight, sample_value(m, net, data, i, weight, target), energy)
    return energy


def _trace(m, net, data, target, gradient_square):
    n = len(data.inputs)
    total = broadcast(m, 0.0)
    for i in range(n):
        for k in range(net.parameters):
            store(m, target + k, broadcast(m, 0.0))
        sample_value(m, net, data, i, broadcast(m, 1.0), target)
        for k in range(net.parameters):
            total = fma(load(m, target + k), load(m, target + k), total)
    return total * (data.scale * data.scale / scalar(m, n)) - gradient_square


def surface_residual(m, net, data):
    """Write the gradient in the place of R."""
    _weigh_alike(m, net, data)
    surface_value(m, net, data, net.residual)


def surface_energy(m, net, data):
    """Return the energy; overwrites `spare`."""
    _weigh_alike(m, net, data)
    return surface_value(m, net, data, net.spare)


@inlined
def _weigh_alike(m, net, data):
    """Give all samples of a mean the same weight."""
    n = len(data.inputs)
    for i in range(n):
        store(m, net.weights + i, broadcast(m, data.scale / scalar(m, n)))


def surface_weighted(m, net, data):
    """Write the sum of the samples' gradients by their weights in the place of R."""
    surface_value(m, net, data, net.residual)


def surface_trace(m, net, data, gradient_square):
    """Return the trace of the covariance of one sample's gradient; overwrites `spare`."""
    return trace_value(m, net, data, net.spare, gradient_square)
