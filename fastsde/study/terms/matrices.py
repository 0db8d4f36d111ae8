"""Matrices in a study file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fastsde.study.fields import Expect, Number, listed

__all__ = ["Row", "Rows", "ragged"]

Row = Annotated[tuple[Number, ...], listed, Expect("a row of numbers")]
Rows = Annotated[tuple[Row, ...], listed, Field(min_length=1), Expect("a list of rows of numbers")]


def ragged(rows: tuple[tuple[float, ...], ...]) -> bool:
    """Whether rows differ in length.

    Examples
    --------
    >>> ragged(((1.0, 2.0), (3.0,)))
    True
    """
    return any(len(row) != len(rows[0]) for row in rows)
