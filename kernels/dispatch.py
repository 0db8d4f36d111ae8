"""Compiled functions with one implementation per class of named tuple, registered where it is defined."""

import inspect

from fastsde.kernels.extensions import adopt
from fastsde.kernels.options import choice, is_absent

__all__ = ["ByClass"]


class ByClass:
    """The implementations of a function, chosen by the class of one argument when a call is compiled.

    Parameters
    ----------
    function : callable
        What compiled code calls; only its signature and name count.
    argument : str
        The argument whose class chooses.
    field : str
        The field of a step in which that argument is found (`fastsde.kernels.options.choice`).
    enters : bool
        Whether the argument is itself a step, inside the one whose field it is.
    inline : bool
        Whether implementations are compiled into their callers.
    otherwise : callable, optional
        The implementation for all other classes, and for None.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Square(NamedTuple):
    ...     side: float
    >>> def area(shape):
    ...     raise NotImplementedError("compiled only")
    >>> areas = ByClass(area, "shape", "shape")
    >>> @areas.of(Square)
    ... def square(shape):
    ...     return shape.side * shape.side
    >>> areas.find(Square(2.0)) is square
    True
    """

    def __init__(self, function, argument, field, *, enters=False, inline=False, otherwise=None):
        self._function, self._signature = function, inspect.signature(function)
        self._implementations, self._otherwise = {}, otherwise
        place = list(self._signature.parameters).index(argument)

        def choose(*args, **named):
            return self.find(named[argument] if argument in named else args[place])

        choose.__signature__ = self._signature
        choice(function, inline=inline, argument=argument, field=field, enters=enters)(choose)

    def of(self, tuple_class):
        """Register the decorated function as the implementation for a class.

        Raises
        ------
        TypeError
            If its arguments have other names than those of the function it implements.
        ValueError
            If the class has another implementation already.
        """

        def register(implementation):
            found = inspect.signature(implementation)
            if list(found.parameters) != list(self._signature.parameters):
                name = f"{implementation.__module__}.{implementation.__name__}"
                raise TypeError(f"{name}{found} must have the arguments {self._signature}, under these names")
            before = self._implementations.setdefault(tuple_class, implementation)
            if before is not implementation:
                raise ValueError(f"{tuple_class.__name__} has an implementation of {self._function.__name__}")
            adopt(tuple_class, implementation)
            return implementation

        return register

    def find(self, kind):
        """Return the implementation for a value or its numba type; None if there is none."""
        if is_absent(kind):
            return self._otherwise
        tuple_class = getattr(kind, "instance_class", type(kind))
        return self._implementations.get(tuple_class, self._otherwise)
