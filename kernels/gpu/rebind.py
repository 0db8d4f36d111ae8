"""Copies of the kernels for another target: the same source, with what it calls exchanged.

A kernel is a function of names: of other kernels, of primitives (`load`, `fma`, `broadcast`, ...), of
functions whose implementation the types of their arguments choose (`fastsde.kernels.options.choice`), and of
numbers. `Rebinding` copies a function and, recursively, all kernels it calls, puts a target's own primitives
in the place of the originals, and settles every choice at once, since the values are known: the step of
``Scheduled(Momentum(FiniteNoise))`` becomes three functions, each of which calls the next.
"""

import inspect
from types import CodeType, FunctionType

import numpy as np

from fastsde.kernels.extensions import is_own
from fastsde.kernels.options import CHOICES, plain
from fastsde.kernels.primitive import is_primitive

__all__ = ["Rebinding"]


class Rebinding:
    """Copies of kernels for one target, one problem and one dynamics.

    Parameters
    ----------
    primitives : dict
        From an original function (or module) to what takes its place; nothing behind it is looked at.
    doubles : dict
        The same for functions marked `in_double`, over `primitives`.
    make : callable
        Turns a copied Python function into what other copies call.
    dtype : numpy dtype
        Of the trajectories. In ``float32``, numbers in the copies are ``float32`` but for those marked.
    data, dynamics
        The named tuples that choose implementations.
    constants : dict, optional
        Values of global names, in the place of those that kernels find.

    Attributes
    ----------
    names : set of str
        What the functions that have been copied refer to by name: globals, and fields of named tuples.
    """

    def __init__(self, primitives, doubles, make, dtype, data, dynamics=None, constants=None):
        self._single = np.dtype(dtype) == np.float32
        self._primitives = {id(key): value for key, value in primitives.items()}
        self._doubles = self._primitives | {id(key): value for key, value in doubles.items()}
        self._keys = [*primitives, *doubles]  # alive, so that no other object takes their ids
        self._make, self._data, self._outer = make, data, _Outer(dynamics)
        self._array, self._constants = np.empty(0, dtype), constants or {}
        self._made, self._varies = {}, {}
        self.names = set()

    def bind(self, function):
        """Return the copy of a kernel, as a Python function: what it calls is made, itself it is not."""
        return self._copy(plain(function), self._outer, False)

    def _bound(self, value, level, double):
        function = plain(value)
        key = id(function), id(level) if self._depends(function) else None, double
        if key not in self._made:
            self._made[key] = (self._make(self._copy(function, level, double)), function, level)
        return self._made[key][0]

    def _copy(self, function, level, double):
        """Return the copy of a function, which computes in ``float64`` where its caller does (`double`)."""
        double = double or getattr(function, "in_double", False)
        single = self._single and not double
        primitives = self._doubles if double else self._primitives
        bound = {"__builtins__": __builtins__, "__name__": function.__module__}
        self.names |= _all_names(function.__code__)
        for name, value in _names(function):
            if name in self._constants:
                bound[name] = self._constants[name]
            elif id(value) in primitives:
                bound[name] = primitives[id(value)]
            elif _is_choice(value):
                bound[name] = self._chosen(value, level)
            elif _is_kernel(value, function):
                bound[name] = self._bound(value, level, double and not is_own(plain(value)))
            elif isinstance(value, float):
                bound[name] = np.float32(value) if single else value
            elif is_primitive(value):
                raise TypeError(f"{function.__name__} calls {name}, which this target has no form of")
            else:
                bound[name] = value
        code = _in_single(function.__code__) if single else function.__code__
        return FunctionType(code, bound, function.__name__, function.__defaults__)

    def _chosen(self, function, level):
        choice = CHOICES[function]
        known = {"m": self._array, "data": self._data}
        if choice.field is not None:
            known[choice.argument] = getattr(level, choice.field, None)
        key = id(function), id(level) if choice.field is not None else None
        if key not in self._made:
            names = inspect.signature(choice.choose).parameters
            chosen = choice.choose(**{name: known.get(name) for name in names})
            if chosen is None:
                raise TypeError(f"{function.__name__} has no form for {known}")
            inside = known[choice.argument] if choice.enters else level
            self._made[key] = (self._make(self._copy(chosen, inside, False)), chosen, level)
        return self._made[key][0]

    def _depends(self, function):
        """Say whether a function calls, at any depth, what differs from level to level."""
        if function not in self._varies:
            self._varies[function] = False  # while it is looked at
            self._varies[function] = any(
                CHOICES[value].field is not None
                if _is_choice(value)
                else _is_kernel(value, function) and self._depends(plain(value))
                for _, value in _names(function)
                if id(value) not in self._primitives
            )
        return self._varies[function]


class _Outer:
    """What is around the outermost step."""

    def __init__(self, inner):
        self.inner = inner


def _names(function):
    """Yield the global names a function refers to, with their values."""
    if function.__closure__:
        raise TypeError(f"{function.__name__} has values of its surroundings, which cannot be exchanged")
    for name in sorted(_all_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]


def _all_names(code):
    inside = (_all_names(c) for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*inside)


def _is_choice(value):
    return type(value).__hash__ is not None and value in CHOICES


def _is_kernel(value, caller):
    """Say whether a value is compiled code, or a function of the same file of an extension as its caller."""
    function = plain(value)
    if function is None:
        return False
    marked = function is not value or getattr(function, "is_kernel", False)
    return marked or (function.__module__ == caller.__module__ and not is_own(function))


def _in_single(value):
    """Return code whose floating-point constants are ``float32``."""
    if isinstance(value, CodeType):
        return value.replace(co_consts=tuple(_in_single(c) for c in value.co_consts))
    if isinstance(value, tuple):
        return tuple(_in_single(c) for c in value)
    return np.float32(value) if isinstance(value, float) else value
