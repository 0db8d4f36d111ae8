"""Primitives: functions of which other targets than CPUs have their own form (see `fastsde.kernels.gpu`)."""

__all__ = ["is_primitive", "marked", "primitive"]

_MARKED = []


def primitive(function):
    """Mark a function that other targets than CPUs replace; they must, unless it is compiled code itself."""
    _MARKED.append(function)
    return function


def is_primitive(function):
    """Return whether a function is marked."""
    return any(function is marked for marked in _MARKED)


def marked():
    """Return all functions that are marked."""
    return tuple(_MARKED)
