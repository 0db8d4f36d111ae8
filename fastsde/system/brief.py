"""Short representations of records, for interactive sessions."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

__all__ = ["brief", "html_table", "listed", "make_brief"]

LENGTH = 400
"""Approximate largest number of characters of a representation."""
TEXT = 40
NAMES = 6


def brief(record: Any) -> str:
    """Return a dataclass in one line: arrays as their type and shape, records as the name of their class.

    A class uses it by ``__repr__ = brief``.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Result:
    ...     name: str
    ...     value: float
    ...     course: Any
    ...     __repr__ = brief
    >>> Result("a mode", 1 / 3, np.zeros((64, 4)))
    Result(name='a mode', value=0.3333, course=<float64 64 x 4>)
    """
    text = f"{type(record).__name__}("
    for index, (name, value) in enumerate(vars(record).items()):
        text += f"{', ' if index else ''}{name}={_value(value)}"
        if len(text) > LENGTH and index + 1 < len(vars(record)):
            return f"{text}, ...)"
    return f"{text})"


def html_table(sentence: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence and a table for a notebook; every row has the keys of the first.

    Examples
    --------
    >>> html_table("Two < three.", [{"x": 1}])
    '<p>Two &lt; three.</p><table><tr><th>x</th></tr><tr><td>1</td></tr></table>'
    """
    heads = "".join(f"<th>{escape(str(head))}</th>" for head in (rows[0] if rows else ()))
    lines = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row.values()) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<p>{escape(sentence)}</p><table><tr>{heads}</tr>{body}</table>"


def listed(names: Any) -> str:
    """Return names separated by commas; if there are many, the first few and their number.

    Examples
    --------
    >>> listed(["sgd", "sde"]), listed(range(9))
    ('sgd, sde', '0, 1, 2, 3, 4, 5, ... (9)')
    """
    known = [str(name) for name in names]
    return ", ".join(known if len(known) <= NAMES else [*known[:NAMES], f"... ({len(known)})"])


def make_brief(*kinds: type[Any]) -> None:
    """Give these dataclasses, and those in the annotations of their fields, a brief representation."""
    waiting, done = list(kinds), set()
    while waiting:
        kind = waiting.pop()
        if kind in done:
            continue
        done.add(kind)
        kind.__repr__ = brief  # type: ignore[assignment]
        for hint in typing.get_type_hints(kind).values():
            waiting += [
                part for part in _classes(hint) if isinstance(part, type) and dataclasses.is_dataclass(part)
            ]


def _classes(hint: Any) -> Iterator[Any]:
    """Yield an annotation and all annotations inside it."""
    yield hint
    for inside in typing.get_args(hint):
        yield from _classes(inside)


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} {' x '.join(map(str, value.shape)) or 'number'}>"
    if dataclasses.is_dataclass(value):
        return f"<{type(value).__name__}>"
    if isinstance(value, dict):
        return f"{{{listed(value)}}}"
    if isinstance(value, tuple):
        return f"({listed(value)})"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    text = repr(value)
    return text if len(text) <= TEXT else f"{text[: TEXT - 4]}...{text[0]}"
