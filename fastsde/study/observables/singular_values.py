"""Singular values of the end-to-end matrix, and the ranks that are made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.study.observable import Observable, register

__all__ = ["effective_rank", "stable_rank"]

Array = NDArray[Any]


def effective_rank(singular_values: Array) -> Array:
    """Return the exponential of the entropy of the normalised singular values (Roy and Vetterli 2007).

    Parameters
    ----------
    singular_values : (..., K) array
        Not negative.

    Returns
    -------
    (...) array, from 1 to K; NaN for a zero matrix.

    Examples
    --------
    >>> effective_rank(np.array([[1.0, 1.0, 0.0], [5.0, 0.0, 0.0]])).round(12)
    array([2., 1.])
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = singular_values / singular_values.sum(axis=-1, keepdims=True)
        terms = np.where(share > 0, share * np.log(np.where(share > 0, share, 1)), 0)
        return np.where(np.isnan(share).any(axis=-1), np.nan, np.exp(-terms.sum(axis=-1)))


def stable_rank(singular_values: Array) -> Array:
    """Return the sum of the squared singular values over the largest square (Rudelson and Vershynin 2007).

    Parameters
    ----------
    singular_values : (..., K) array
        Not negative.

    Returns
    -------
    (...) array, from 1 to K; NaN for a zero matrix.

    Examples
    --------
    >>> stable_rank(np.array([[1.0, 1.0, 0.0], [5.0, 0.0, 0.0], [2.0, 1.0, 0.0]]))
    array([2.  , 1.  , 1.25])
    """
    largest = singular_values.max(axis=-1, keepdims=True)
    share = singular_values / np.where(largest > 0, largest, np.nan)
    return np.asarray((share**2).sum(axis=-1))


register(
    Observable(
        name="singular_values",
        order=50,
        dims=("mode",),
        long_name="singular values of the end-to-end matrix, descending",
        objectives=("network",),
        default_for=("network",),
        needs=(),
        measure=lambda snapshot: snapshot.singular_values,
    )
)
register(
    Observable(
        name="effective_rank",
        order=60,
        long_name="exponential of the entropy of the normalised singular values (Roy, Vetterli 2007)",
        objectives=("network",),
        default_for=("network",),
        needs=(),
        measure=lambda snapshot: effective_rank(snapshot.singular_values),
    )
)
register(
    Observable(
        name="stable_rank",
        order=190,
        long_name="|W|_F^2 / |W|_2^2 of the end-to-end matrix",
        objectives=("network",),
        needs=(),
        measure=lambda snapshot: stable_rank(snapshot.singular_values),
    )
)
