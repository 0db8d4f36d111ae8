"""Primitives: functions of which every target has a form of its own (see `fastsde.kernels.gpu`)."""

__all__ = ["is_primitive", "primitive"]

_MARKED = []


def primitive(function):
    """Mark a function that other targets than CPUs must replace."""
    _MARKED.append(function)
    return function


def is_primitive(function):
    """Return whether a function is marked."""
    return any(function is marked for marked in _MARKED)
