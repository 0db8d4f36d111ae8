"""From pydantic's and TOML's errors to complaints: where, what was found, what is expected, how to fix it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fastsde.study.fields import Expect, Section
from fastsde.study.keys import annotation_of, bare, choices_of, keys_of, nearest, tables, tags_of, words_of
from fastsde.system.errors import Complaint

__all__ = ["complaints", "syntax_complaint"]

MOST_PLACES = 2
"""Tables that are named as the place of a misplaced key, at most."""


def complaints(error: ValidationError, root: type[Section]) -> list[Complaint]:
    """Turn all of pydantic's errors about a `root` into complaints, in the order of the file.

    A key that is missing because it is misspelt is complained of once, where it is misspelt.

    Parameters
    ----------
    error : pydantic.ValidationError
    root : type
        The model class that was validated; allowed keys are read from it.
    """
    details = error.errors(include_url=False)
    missing = {one["loc"] for one in details if one["type"] == "missing"}
    meant = {
        (*one["loc"][:-1], _meant(one, root)) for one in details if one["type"] == "extra_forbidden"
    } & missing
    return [_complaint(one, root) for one in details if one["loc"] not in meant or one["type"] != "missing"]


def syntax_complaint(error: tomllib.TOMLDecodeError, text: str) -> Complaint:
    """Say where a TOML text stops being TOML, with the line itself."""
    reason = str(error).partition(" (at ")[0]
    allowed = f"valid TOML ({reason[:1].lower()}{reason[1:]})"
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    if found is None:
        return Complaint("end of the file", "nothing more", allowed, "finish what was begun above")
    line, column = int(found[1]), int(found[2])
    lines = text.splitlines()
    got = lines[line - 1].strip() if line <= len(lines) else "nothing more"
    return Complaint(f"line {line}, column {column}", got, allowed)


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
    allowed = context.get("allowed") or _table_or(details["msg"], kind)
    mend = _near_word(value, _words(root, details["loc"])) or context.get("mend") or ""
    return Complaint(where, _show(value), allowed, mend)


def _meant(details: ErrorDetails, root: type[Section]) -> str:
    """Return the key that an unknown one is probably meant for."""
    path, owner = _trace(root, details["loc"])
    return nearest(str(path[-1]), keys_of(owner))


def _fix_of_key(key: str, owner: Any, root: type[Section]) -> str:
    """Say what to do about an unknown key: a hint, the kind that has it, a near key, its table."""
    hints = owner.hints if choices_of(owner) else {}
    if key in hints:
        return str(hints[key])
    every = list(tables(root))
    having = [(path, table) for path, table in every if key in keys_of(table)]
    own = {path for path, table in every if table is owner}
    siblings = [table for path, table in having if path in own]
    if siblings:
        return f"only kind {' or '.join(_quoted(tags_of(table)) for table in siblings)} has it"
    near = nearest(key, keys_of(owner))
    if near:
        return f'did you mean "{near}"?'
    places = list(dict.fromkeys(_place(path, table) for path, table in having))
    if places:
        return f"it belongs to {' or '.join(places[:MOST_PLACES])}"
    hint = next((table.hints[key] for _, table in every if key in table.hints), None)
    return str(hint or "remove it, or choose one of those expected")


def _place(path: Sequence[str], table: type[Section]) -> str:
    """Name a table as a file does."""
    name = f"[{'.'.join('NAME' if key == '*' else key for key in path)}]" if path else "the top of the file"
    tags = tags_of(table)
    return f'{name} of kind "{tags[0]}"' if tags else name


def _kind_missing(where: str, table: Any, union: Any) -> Complaint:
    keys = [key for key in table if isinstance(key, str)] if isinstance(table, dict) else []
    near = nearest("kind", keys)
    kinds = _quoted(_tags(union))
    if not near:
        return Complaint(f"{where}.kind", "nothing", kinds, "add it")
    found = f"the unknown key {near} = {_show(table[near])}"
    return Complaint(f"{where}.{near}", found, f"kind, one of {kinds}", 'did you mean "kind"?')


def _kind_unknown(where: str, table: Any, union: Any) -> Complaint:
    value = table.get("kind") if isinstance(table, dict) else getattr(table, "kind", table)
    tags, word = _tags(union), str(value)
    synonyms = {key: text for choice in choices_of(union) for key, text in choice.synonyms.items()}
    near = nearest(word, [*tags, *synonyms])
    if near in synonyms:
        fix = f"write {synonyms[near]}"
    else:
        fix = f'did you mean "{near}"?' if near else "choose one of those expected"
    return Complaint(f"{where}.kind", _show(value), _quoted(tags), fix)


def _trace(root: Any, loc: Sequence[int | str]) -> tuple[list[int | str], Any]:
    """Follow `loc` through the types: the path without pydantic's tags, and the type that owns its end."""
    path, owner, here = _follow(root, loc)
    return path, here if _tags(here) else owner


def _words(root: Any, loc: Sequence[int | str]) -> list[str]:
    """Return the words that may stand at `loc`, as its type or its shorthand declares them."""
    if not loc or loc[-1] == "[key]":
        return []
    path, owner, here = _follow(root, loc)
    shorthands = owner.shorthands if choices_of(owner) == (owner,) else {}
    return words_of(here) + re.findall(r'"([^"]+)"', shorthands.get(str(path[-1]), ""))


def _follow(root: Any, loc: Sequence[int | str]) -> tuple[list[int | str], Any, Any]:
    """Follow `loc` through the types: path without pydantic's tags, owner of its end, the end's type."""
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
    """Return the values of ``kind`` that tell the classes of a union apart; none for another type."""
    choices = choices_of(here)
    return [] if choices == (here,) else [tag for choice in choices for tag in tags_of(choice)]


def _allowed(owner: Any, key: str) -> str:
    """Say what the field `key` of the class `owner` may hold."""
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
    """Write a value about as TOML would, shortened."""
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
    """Suggest the word that a value is a near miss of."""
    near = nearest(value, words) if isinstance(value, str) else ""
    return f'did you mean "{near}"?' if near and near != value else ""
