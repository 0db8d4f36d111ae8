"""Which numbers of a named tuple are ``float64`` whatever the precision of the trajectories.

Kernels for GPUs take numbers in the trajectories' precision, but for those marked here where they are
defined.
"""

from typing import Annotated, get_args

__all__ = ["Float64", "double_fields", "doubles"]

MARK = "float64"
Float64 = Annotated[float, MARK]
"""The type of a field that stays ``float64``."""

_WHOLE = set()


def doubles(tuple_class):
    """Mark all numbers of a named tuple as ``float64``, as those of noise laws are."""
    _WHOLE.add(tuple_class)
    return tuple_class


def double_fields(tuple_class):
    """Return the names of the fields that stay ``float64``.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Wait(NamedTuple):
    ...     beta: Float64
    ...     dt: float
    >>> double_fields(Wait)
    {'beta'}
    """
    if tuple_class in _WHOLE:
        return set(tuple_class._fields)
    return {name for name, hint in tuple_class.__annotations__.items() if _is_marked(hint)}


def _is_marked(hint):
    """Say whether an annotation is `Float64`, also where annotations are kept as text."""
    text = getattr(hint, "__forward_arg__", hint)
    return text.split(".")[-1] == "Float64" if isinstance(text, str) else MARK in get_args(hint)
