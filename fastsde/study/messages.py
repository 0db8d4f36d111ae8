"""Messages for pydantic's and TOML's errors: the place, what was found, what is expected, how to fix it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fastsde.study.fields import Expect, Section, explain_with
from fastsde.study.keys import annotation_of, bare, choices_of, keys_of, nearest, tables, tags_of, words_of
from fastsde.system.errors import Complaint

__all__ = ["complaints", "syntax_complaint"]

MOST_PLACES = 2
"""Largest number of tables that are suggested for a misplaced key."""


def complaints(error: ValidationError, root: type[Section]) -> list[Complaint]:
    """Turn all of pydantic's errors about a `root` into complaints, in the order of the file.

    A key that is missing because it is misspelt is reported once, at the misspelt key.

    Parameters
    ----------
    error : pydantic.ValidationError
    root : type
        The model class that was validated; valid keys are read from it.
    """
    details = error.errors(include_url=False)
    missing = {item["loc"] for item in details if item["type"] == "missing"}
    meant = {
        (*item["loc"][:-1], _meant(item, root)) for item in details if item["type"] == "extra_forbidden"
    } & missing
    return [
        _complaint(item, root) for item in details if item["loc"] not in meant or item["type"] != "missing"
    ]


def syntax_complaint(error: tomllib.TOMLDecodeError, text: str) -> Complaint:
    """Return the place of a syntax error in a TOML text, with the line itself."""
    reason = str(error).partition(" (at ")[0]
    expected = f"valid TOML ({reason[:1].lower()}{reason[1:]})"
    position = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    if position is None:
        fix = "complete the last entry: close its quotes, brackets or braces"
        return Complaint("end of the file", "the end of the file", expected, fix)
    line, column = int(position[1]), int(position[2])
    lines = text.splitlines()
    found = lines[line - 1].strip() if line <= len(lines) else "the end of the file"
    return Complaint(f"line {line}, column {column}", found, expected)


def _complaint(details: ErrorDetails, root: type[Section]) -> Complaint:
    path, owner = _trace(root, details["loc"])
    where, value, kind = _dotted(path), details["input"], details["type"]
    context = details.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(path[-1])
        return Complaint(
            where,
            f"the unknown key {key} = {_show(value)}",
            _join(keys_of(owner)),
            _fix_of_key(key, owner, root),
        )
    if kind == "missing":
        key = str(path[-1])
        return Complaint(where, "nothing", _allowed(owner, key), owner.hints.get(key, "add it"))
    if kind == "union_tag_not_found":
        return _kind_missing(where, value, owner)
    if kind == "union_tag_invalid":
        return _kind_unknown(where, value, owner)
    expected = context.get("expected") or _table_or(details["msg"], kind)
    fix = _near_word(value, _words(root, details["loc"])) or context.get("fix") or ""
    return Complaint(where, _show(value), expected, fix)


def _meant(details: ErrorDetails, root: type[Section]) -> str:
    """Return the key that was probably meant by an unknown one."""
    path, owner = _trace(root, details["loc"])
    return nearest(str(path[-1]), keys_of(owner))


def _fix_of_key(key: str, owner: Any, root: type[Section]) -> str:
    """Return how to fix an unknown key: a hint, the kind that has it, a similar key, or its table."""
    hints = owner.hints if choices_of(owner) else {}
    if key in hints:
        return str(hints[key])
    every = list(tables(root))
    having = [(path, table) for path, table in every if key in keys_of(table)]
    own = {path for path, table in every if table is owner}
    siblings = [table for path, table in having if path in own]
    if siblings:
        kinds = " or ".join(_quoted(tags_of(table)) for table in siblings)
        return f"remove it; only kind = {kinds} has this key"
    near = nearest(key, keys_of(owner))
    if near:
        return f'did you mean "{near}"?'
    places = list(dict.fromkeys(_place(path, table) for path, table in having))
    if places:
        return f"move it to {' or '.join(places[:MOST_PLACES])}"
    hint = next((table.hints[key] for _, table in every if key in table.hints), None)
    return str(hint or "remove it, or use one of the expected keys")


def _place(path: Sequence[str], table: type[Section]) -> str:
    """Return the name of a table as in a file."""
    name = f"[{'.'.join('NAME' if key == '*' else key for key in path)}]" if path else "the top of the file"
    tags = tags_of(table)
    return f'{name} with kind = "{tags[0]}"' if tags else name


def _kind_missing(where: str, table: Any, union: Any) -> Complaint:
    keys = [key for key in table if isinstance(key, str)] if isinstance(table, dict) else []
    near = nearest("kind", keys)
    kinds = _quoted(_tags(union))
    if not near:
        return Complaint(f"{where}.kind", "nothing", kinds, "add it")
    unknown = f"the unknown key {near} = {_show(table[near])}"
    return Complaint(f"{where}.{near}", unknown, f"kind = {kinds}", 'did you mean "kind"?')


def _kind_unknown(where: str, table: Any, union: Any) -> Complaint:
    value = table.get("kind") if isinstance(table, dict) else getattr(table, "kind", table)
    tags, word = _tags(union), str(value)
    synonyms = {key: text for choice in choices_of(union) for key, text in choice.synonyms.items()}
    near = nearest(word, [*tags, *synonyms])
    if near in synonyms:
        fix = f"write {synonyms[near]}"
    else:
        fix = f'did you mean "{near}"?' if near else "use one of the expected kinds"
    return Complaint(f"{where}.kind", _show(value), _quoted(tags), fix)


def _trace(root: Any, loc: Sequence[int | str]) -> tuple[list[int | str], Any]:
    """Follow `loc` through the types: the path without pydantic's tags, and the type with its last key."""
    path, owner, here = _follow(root, loc)
    return path, here if _tags(here) else owner


def _words(root: Any, loc: Sequence[int | str]) -> list[str]:
    """Return the words that are valid at `loc`, as declared by its type or its shorthand."""
    if not loc or loc[-1] == "[key]":
        return []
    path, owner, here = _follow(root, loc)
    shorthands = owner.shorthands if choices_of(owner) == (owner,) else {}
    return words_of(here) + re.findall(r'"([^"]+)"', shorthands.get(str(path[-1]), ""))


def _follow(root: Any, loc: Sequence[int | str]) -> tuple[list[int | str], Any, Any]:
    """Follow `loc` through the types: path without pydantic's tags, the type with the last key, its type."""
    path: list[int | str] = []
    owner, here = None, root
    for item in loc:
        if item in ("[key]", "tuple[...]"):
            continue
        if item in _tags(here):
            here = next(choice for choice in choices_of(here) if item in tags_of(choice))
            continue
        path.append(item)
        owner, here = here, bare(annotation_of(here, str(item)))
    return path, owner, here


def _tags(here: Any) -> list[str]:
    """Return the values of ``kind`` of the classes of a union; an empty list for another type."""
    choices = choices_of(here)
    return [] if choices == (here,) else [tag for choice in choices for tag in tags_of(choice)]


def _allowed(owner: Any, key: str) -> str:
    """Return what is expected in the field `key` of the class `owner`."""
    field = owner.model_fields[key]
    texts = [mark.text for mark in field.metadata if isinstance(mark, Expect)]
    if texts:
        return texts[-1]
    keys = keys_of(bare(field.annotation))
    return f"a table with the keys {_join(keys)}" if keys else "a table"


def _table_or(message: str, kind: str) -> str:
    return "a table" if kind in ("model_type", "model_attributes_type", "dict_type") else message


def _dotted(path: Sequence[int | str]) -> str:
    parts = [f"[{item}]" if isinstance(item, int) else f".{item}" for item in path]
    return "".join(parts).removeprefix(".")


def _show(value: Any) -> str:
    """Return a value approximately as in TOML, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, dict):
        text = f"{{ {_join(f'{key} = {_show(item)}' for key, item in value.items())} }}" if value else "{}"
    elif isinstance(value, list | tuple):
        text = f"[{_join(map(_show, value))}]"
    else:
        text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _join(words: Iterable[str]) -> str:
    return ", ".join(words)


def _quoted(words: Iterable[str]) -> str:
    return _join(f'"{word}"' for word in words)


def _near_word(value: Any, words: Iterable[str]) -> str:
    """Suggest the word that was probably meant by a value."""
    near = nearest(value, words) if isinstance(value, str) else ""
    return f'did you mean "{near}"?' if near and near != value else ""


explain_with(complaints)
