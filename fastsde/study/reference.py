"""The page of all keys of a study file, from its classes: ``python -m fastsde.study.reference``."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo

from fastsde.study.fields import Expect, Section
from fastsde.study.keys import choices_of, tables, tags_of

__all__ = ["meanings", "page"]

HEAD = """\
# All keys of a study file

Written by `python -m fastsde.study.reference` from the classes of `fastsde`; a test compares. A table is
under its path in the file, NAME being any name of a model; where its `kind` decides what else it has, there
is one for each kind. A key without a default is required, or absent unless given. docs/models.md has the
equations.
"""


def page() -> str:
    """Return the page, in Markdown."""
    from fastsde.study.study import Study

    shown: set[tuple[tuple[str, ...], type[Section]]] = set()
    parts = [HEAD]
    for path, table in tables(Study):
        if (path, table) not in shown:
            shown.add((path, table))
            parts.append(_section(path, table))
    return "\n".join(parts)


def meanings(table: type[Section]) -> dict[str, str]:
    """Return what each key of a table means, from the docstrings of its class and of its bases.

    Examples
    --------
    >>> from fastsde.study.tables import Late
    >>> meanings(Late)["every"]
    'Steps from one to the next.'
    """
    found: dict[str, str] = {}
    for base in reversed(table.__mro__):
        text = inspect.cleandoc(base.__doc__ or "")
        parameters = re.search(r"^Parameters\n-+\n(.*?)(?=\n\n\S+\n-+\n|\Z)", text, re.DOTALL | re.MULTILINE)
        if parameters and issubclass(base, Section):
            found |= dict(_entries(parameters[1]))
    return found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a numpydoc list with their descriptions."""
    for entry in re.split(r"\n(?=\S)", text):
        head, _, body = entry.partition("\n")
        for name in head.partition(" : ")[0].split(","):
            yield name.strip(), " ".join(body.split())


def _section(path: tuple[str, ...], table: type[Section]) -> str:
    name = ".".join("NAME" if key == "*" else key for key in path)
    tags = tags_of(table)
    title = f"`[{name}]`" if name else "At the top"
    title += f' with `kind = "{tags[0]}"`' if tags else ""
    first = inspect.cleandoc(table.__doc__ or "").split("\n\n")[0]
    known = meanings(table)
    rows = [
        _row(key, _expected(field), _default(field), known.get(key, ""))
        for key, field in table.model_fields.items()
        if not (key == "kind" and tags)
    ]
    rows += [_row(key, text, "", known.get(key, "")) for key, text in table.shorthands.items()]
    head = ["| key | value | default | meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {title}", "", _plain(first), "", *(head if rows else []), *rows, ""])


def _row(key: str, expected: str, default: str, meaning: str) -> str:
    cells = (f"`{key}`", expected, f"`{default}`" if default else "", _plain(meaning))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _expected(field: FieldInfo) -> str:
    texts = [mark.text for mark in field.metadata if isinstance(mark, Expect)] or list(
        _texts(field.annotation)
    )
    if texts:
        return texts[-1]
    if choices_of(field.annotation):
        return "a table"
    return "a table of tables"


def _texts(annotation: Any) -> Iterator[str]:
    """Yield what a type says that it expects, the outermost last."""
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        if isinstance(part, Expect):
            yield part.text
        elif not choices_of(part):
            yield from _texts(part)


def _default(field: FieldInfo) -> str:
    """Write a default as a file would; nothing for what is required, or absent unless it is given."""
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    if value is None:
        return ""
    if isinstance(value, Section):
        return _toml(value.model_dump(exclude_none=True))
    return _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{value}"


if __name__ == "__main__":
    sys.stdout.write(page())
