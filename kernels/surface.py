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

from fastsde.kernels.routine import is_own

__all__ = [
    "Surface",
    "is_kept",
    "named",
    "place_of",
    "registered_at",
    "sample_surface",
    "surface",
]

OWN = "fastsde.kernels.surfaces"


class Surface(NamedTuple):
    """A landscape, in the place of a learning problem.

    ``table`` (2-d) and ``vector`` (1-d) hold its numbers.
    """

    kind: int  # place among the registered functions
    inputs: Any  # (n, k), n = 0 unless the landscape is a mean over samples
    labels: Any  # (n, q)
    rows: Any  # (n, k + q and padding to a multiple of 4): inputs beside labels
    table: Any
    vector: Any
    optimum: Any  # (d, 1): the point about which distances are measured
    scale: float  # of the energy
    floor: float  # 0
    address: int  # of a user's function of one point; 0 if there is none
    value: int  # address of `surface_value`, compiled for this landscape
    trace: int  # the same of the noise trace; 0 unless a mean over samples
    members: int  # the same of the members of a batch; 0 unless a model draws batches


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
    sample's energy. It reads the sample by ``data.inputs[i, k]`` and ``data.labels[i, k]``, which are numbers
    where all trajectories see the same sample and lane vectors where each sees its own (mini-batches, see
    `fastsde.kernels.lane_rows`), and ``data.inputs.shape[1]`` is the number of inputs. What takes both are
    arithmetic, comparisons, `fma`, `select`, `broadcast` and ``math.sqrt``; a function that takes numbers
    only (say in ``if``) works too, but each step of SGD then goes over all samples. It may use ``net.left``
    and ``net.right``, of ``net.parameters`` lane vectors each, as workspace, and as many lane vectors at
    ``net.work`` as the landscape's `workspace` says.
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


def named(name):
    """Return what is registered under a name: the function, and whether it is that of one sample."""
    _import_own()
    return _REGISTERED[name]


def place_of(name):
    """Return the place of a registered function, for ``Surface.kind``."""
    named(name)
    return list(_REGISTERED).index(name)


def registered_at(place):
    """Return what is registered at the place that `place_of` gave."""
    return list(_REGISTERED.values())[place]


def is_kept(name):
    """Return whether what is compiled of a landscape is kept on disk: only of fastsde's own."""
    return is_own(named(name).function)
