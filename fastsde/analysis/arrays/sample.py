"""What a user gives: arrays, pandas and xarray objects, read as float64 and checked in one place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.protocols import Floats
from fastsde.system.errors import RequestError

__all__ = ["column_names", "columns", "floats", "snapshots"]


def floats(values: ArrayLike, name: str) -> Floats:
    """Return an array of numbers as float64.

    Raises
    ------
    RequestError
        If there are no values, or they are not real numbers.

    Examples
    --------
    >>> floats([1, 2], "x")
    array([1., 2.])
    """
    found = np.asarray(values)
    if found.dtype.kind == "O":
        found = _numbers(found, name)
    if found.dtype.kind not in "fiub":
        raise RequestError(
            f"{name}: found values of type {found.dtype}, expected real numbers. "
            "Fix: convert them, for example with numpy.asarray(values, dtype=float)"
        )
    if not found.size:
        raise RequestError(f"{name}: found an empty array of shape {found.shape}, expected some values")
    return np.asarray(found, dtype=np.float64)


def columns(values: ArrayLike, name: str) -> Floats:
    """Return a sample as (n, column): one row per draw. One dimension is one column.

    Examples
    --------
    >>> columns([1.0, 2.0], "x").shape
    (2, 1)
    """
    found = floats(values, name)
    if found.ndim == 1:
        return found[:, None]
    if found.ndim != 2:
        raise RequestError(f"{name}: found an array of shape {found.shape}, expected (n,) or (n, column)")
    return found


def snapshots(values: ArrayLike, name: str) -> Floats:
    """Return a sample as (snapshot, trajectory, coordinate), from that, (n, d) or (n,).

    Examples
    --------
    >>> snapshots([[1.0, 2.0]], "x").shape
    (1, 1, 2)
    """
    found = floats(values, name)
    if found.ndim == 3:
        return found
    if found.ndim > 3:
        expected = "(n,), (n, coordinate) or (snapshot, n, coordinate)"
        raise RequestError(f"{name}: found an array of shape {found.shape}, expected {expected}")
    return columns(found, name)[None]


def column_names(values: Any, count: int, word: str) -> tuple[str, ...]:
    """Return the names of the columns: those of a table of pandas, or numbers.

    Examples
    --------
    >>> column_names(np.zeros((3, 2)), 2, "coordinate")
    ('coordinate 1', 'coordinate 2')
    """
    known = getattr(values, "columns", None)
    if known is None and getattr(values, "name", None) is not None and count == 1:
        known = [values.name]
    if known is not None and len(known) == count:
        return tuple(map(str, known))
    return tuple(f"{word} {number + 1}" for number in range(count))


def _numbers(found: Any, name: str) -> Any:
    """Return an array of objects as numbers, as pandas makes them of whole numbers with gaps."""
    try:
        return found.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise RequestError(f"{name}: found values that are not numbers ({error}), expected numbers") from None
