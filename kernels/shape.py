"""Noise that follows the state: how the components of a step's noise depend on where a trajectory is.

A shape is a function that turns random numbers xi into ``B(theta) xi``, registered by `shape_noise_of`, and,
where it is known, the drift by which Stratonovich's form differs from Ito's (`shape_correction_of`). Those of
this package are in `fastsde.kernels.shapes`. As with landscapes, steps are compiled once for all shapes on
CPUs and call them by their address; for a GPU each program is compiled for its own shape.

The memory at ``net.shaped`` has, one after the other: the gradient, the drift between the two forms, the
noise, and what a shape works with.
"""

import pkgutil
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from fastsde.kernels.dln import full_residual, push, scaled_loss
from fastsde.kernels.lanes import load, select, store
from fastsde.kernels.options import choice, inlined, kernel
from fastsde.kernels.routine import address_of, call_routine

__all__ = [
    "Shape",
    "correction_place",
    "empty_shape",
    "excess",
    "gradient_place",
    "keep_gradient",
    "noise_place",
    "shape_correction",
    "shape_correction_of",
    "shape_noise",
    "shape_noise_of",
    "shape_room",
    "with_routines",
    "work_place",
]

OWN = "fastsde.kernels.shapes"
SPARE = 4  # normals are written by fours


class Shape(NamedTuple):
    """The numbers of all shapes; each uses some."""

    kind: int  # place among the registered functions
    noise: int  # address of its function, compiled
    correction: int  # the same of the drift of Stratonovich's form; 0 if there is none
    draws: int  # random numbers of a step
    starts: bool  # whether normals of their own, one per parameter, begin Lanczos' method
    strength: float
    floor: float
    by_loss: bool  # whether the strength is multiplied by how far the loss is above the floor
    leading: bool  # whether only the largest eigenvalue counts
    samples: int  # whose gradients are used one by one; 0 for none
    steps: int  # of Lanczos' method; 0 for all eigenvalues
    rank: int  # columns of B that a user's function fills
    function: int  # address of that function
    nodes: Any  # of a directional derivative, `fastsde.kernels.probe`
    odd: Any
    numbers: Any  # for shapes of other files


def empty_shape(name, draws, **fields):
    """Return a registered shape without its routines; fields that are not given are 0."""
    none = np.empty(0)
    return Shape(
        **{
            "kind": _place_of(name),
            "noise": 0,
            "correction": 0,
            "draws": draws,
            "starts": False,
            "strength": 1.0,
            "floor": 0.0,
            "by_loss": False,
            "leading": False,
            "samples": 0,
            "steps": 0,
            "rank": 0,
            "function": 0,
            "nodes": none,
            "odd": none,
            "numbers": none,
            **fields,
        }
    )


class _Registered(NamedTuple):
    name: str
    noise: Any
    correction: Any


_REGISTERED = {}


def shape_noise_of(name):
    """Register ``function(m, net, data, shape)`` as what turns random numbers into the noise of that name.

    The numbers are at ``noise_place(net)``, and the noise is left there; the gradient is at
    ``gradient_place(net)``. State, product and deviation must be left as they were. Returns ``tr B B^T``.
    """

    def register(function):
        _REGISTERED[name] = _Registered(name, function, None)
        return function

    return register


def shape_correction_of(name):
    """Register ``function(m, net, data, shape, trace)``, which writes ``1/2 sum_jk (d_j B_ik) B_jk``.

    To ``correction_place(net)``; B has this trace if that is above 0. Returns any lane vector.
    """

    def register(function):
        _REGISTERED[name] = _REGISTERED[name]._replace(correction=function)
        return function

    return register


@cache
def _import_own():
    for module in pkgutil.iter_modules(import_module(OWN).__path__, f"{OWN}."):
        import_module(module.name)


def _place_of(name):
    _import_own()
    return list(_REGISTERED).index(name)


def _at(place):
    return list(_REGISTERED.values())[place]


def with_routines(shape, net, data, *, correction):
    """Return the shape with the addresses of its functions, compiled for CPUs.

    Parameters
    ----------
    shape : Shape
    net, data : named tuples
        Of which only the types count; the precision is that of ``data.optimum``.
    correction : bool
        Whether the drift of Stratonovich's form is needed.
    """
    one = _at(shape.kind)
    noise = address_of(one.noise, net, data, shape)
    other = address_of(one.correction, net, data, shape, 0.0) if correction else 0
    return shape._replace(noise=noise, correction=other)


def shape_noise(m, net, data, shape):
    """Turn the random numbers at ``noise_place(net)`` into noise, and return the trace of its covariance."""
    raise NotImplementedError("compiled only")


def shape_correction(m, net, data, shape, trace):
    """Write the drift of Stratonovich's form to ``correction_place(net)``."""
    raise NotImplementedError("compiled only")


@choice(shape_noise, argument="shape", field="shape")
def _shape_noise(m, net, data, shape):
    if isinstance(shape, Shape):  # the shape itself is known, not only its type
        return _at(shape.kind).noise
    return lambda m, net, data, shape: call_routine(shape.noise, m, net, data, shape)


@choice(shape_correction, argument="shape", field="shape")
def _shape_correction(m, net, data, shape, trace):
    if isinstance(shape, Shape):
        return _at(shape.kind).correction
    return lambda m, net, data, shape, trace: call_routine(shape.correction, m, net, data, shape, trace)


def shape_room(parameters, draws, work):
    """Return the lane vectors of memory that noise needs, `work` of its shape."""
    return 2 * (parameters + SPARE) + max(parameters, draws) + SPARE + work


@inlined
def gradient_place(net):
    """Return where the gradient is."""
    return net.shaped


@inlined
def correction_place(net):
    """Return where the drift between the two forms is."""
    return net.shaped + net.parameters + SPARE


@inlined
def noise_place(net):
    """Return where the noise is."""
    return net.shaped + 2 * (net.parameters + SPARE)


@inlined
def work_place(net, shape):
    """Return where a shape may write."""
    return noise_place(net) + max(net.parameters, shape.draws) + SPARE


@kernel
def keep_gradient(m, net, data):
    """Write the gradient of the loss to its place."""
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    for k in range(net.parameters):
        store(m, gradient_place(net) + k, load(m, net.gradient[0] + k))


@inlined
def excess(m, net, data, floor):
    """Return how far the loss is above a floor, 0 below it; overwrites `spare`."""
    above = scaled_loss(m, net, data) - floor
    return select(above > 0.0, above, 0.0)
