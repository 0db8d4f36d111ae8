"""What a target puts in the place of primitives (`fastsde.kernels.primitive`), registered one by one."""

from types import FunctionType

from fastsde.kernels.primitive import is_primitive

__all__ = ["Replacements", "with_names"]


class Replacements:
    """Forms of primitives for a target.

    Examples
    --------
    >>> from fastsde.kernels import lanes
    >>> plain = Replacements()
    >>> @plain.of(lanes.load)
    ... def load(m, place):
    ...     return m[place]
    >>> plain.made(lambda function: function)[lanes.load] is load
    True
    """

    def __init__(self):
        self._forms = {}

    def of(self, original):
        """Register the decorated function as the form of a primitive.

        Raises
        ------
        TypeError
            If that is not marked as one.
        """
        if not is_primitive(original):
            raise TypeError(f"{original} is not marked as a primitive, which targets replace")

        def register(function):
            self._forms[original] = function
            return function

        return register

    def made(self, make, names=None):
        """Return the forms by their originals; `make` turns a function into what kernels call.

        With `names` they refer to what these say instead of what they find under those names.
        """
        forms = self._forms.items()
        return {
            original: make(function if names is None else with_names(function, names))
            for original, function in forms
        }


def with_names(function, names):
    """Return a copy of a function that refers to other things by the same names."""
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)
