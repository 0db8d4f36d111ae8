"""From pydantic's and TOML's errors to complaints: where, what was found, what is allowed, how to mend."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fastsde.errors import Complaint
from fastsde.fields import Expect

__all__ = ["complaints", "syntax_complaint"]


def complaints(error: ValidationError, root: type[BaseModel]) -> list[Complaint]:
    """Turn all of pydantic's errors about a `root` into complaints, in the order of the file.

    Parameters
    ----------
    error : pydantic.ValidationError
    root : type
        The model class that was validated; allowed keys are read from it.
    """
    return [_complaint(details, root) for details in error.errors(include_url=False)]


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


def _complaint(details: ErrorDetails, root: type[BaseModel]) -> Complaint:
    path, owner = _trace(root, details["loc"])
    where, value, kind = _dotted(path), details["input"], details["type"]
    context = details.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(path[-1])
        keys = _keys(owner)
        return Complaint(where, f"the unknown key {key} = {_show(value)}", _join(keys), _nearest(key, keys))
    if kind == "missing":
        return Complaint(where, "nothing", _allowed(owner, str(path[-1])), "add it")
    if kind == "union_tag_not_found":
        return Complaint(f"{where}.kind", "nothing", _join(_tags(owner)), "add it")
    if kind == "union_tag_invalid":
        tag, tags = str(context["tag"]), _tags(owner)
        return Complaint(f"{where}.kind", f'"{tag}"', _join(f'"{t}"' for t in tags), _nearest(tag, tags))
    allowed = context.get("allowed") or _table_or(details["msg"], kind)
    mend = context.get("mend") or _near_word(value, allowed)
    return Complaint(where, _show(value), allowed, mend)


def _trace(root: Any, loc: Sequence[int | str]) -> tuple[list[int | str], Any]:
    """Follow `loc` through the types: the path without pydantic's tags, and the type that owns its end."""
    path: list[int | str] = []
    owner, here = None, root
    for item in loc:
        if item in ("[key]", "tuple[...]"):
            continue
        if _tags(here) and item in _tags(here):
            here = next(c for c in get_args(here) if item in _tags_of(c))
            continue
        path.append(item)
        owner, here = here, _bare(_step(here, item))
    return path, here if _tags(here) else owner


def _bare(here: Any) -> Any:
    """Return a type without its annotations, and without the None that an absent table is."""
    if get_origin(here) is Annotated:
        return _bare(get_args(here)[0])
    choices = get_args(here) if get_origin(here) in (Union, UnionType) else ()
    if NoneType in choices and len(choices) == 2:
        return _bare(next(choice for choice in choices if choice is not NoneType))
    return here


def _step(here: Any, item: int | str) -> Any:
    if isinstance(here, type) and issubclass(here, BaseModel):
        field = here.model_fields.get(str(item))
        return field.annotation if field else None
    if get_origin(here) is dict:
        value = get_args(here)[1]
        return get_args(value)[0] if get_origin(value) is Annotated else value
    return None


def _tags_of(choice: Any) -> list[str]:
    if not (isinstance(choice, type) and issubclass(choice, BaseModel)) or "kind" not in choice.model_fields:
        return []
    annotation = choice.model_fields["kind"].annotation
    return [str(tag) for tag in get_args(annotation)] if get_origin(annotation) is Literal else []


def _tags(here: Any) -> list[str]:
    """Give the values of ``kind`` that tell the classes of a union apart; none for another type."""
    if isinstance(here, type):
        return []
    return [tag for choice in get_args(here) for tag in _tags_of(choice)]


def _keys(owner: Any) -> list[str]:
    return list(owner.model_fields) if isinstance(owner, type) and issubclass(owner, BaseModel) else []


def _allowed(owner: Any, key: str) -> str:
    """Say what the field `key` of the class `owner` may hold."""
    field = owner.model_fields[key]
    texts = [mark.text for mark in field.metadata if isinstance(mark, Expect)]
    if texts:
        return texts[-1]
    keys = _keys(field.annotation)
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


def _nearest(word: str, words: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f'did you mean "{near[0]}"?' if near else "remove it, or choose one of those allowed"


def _near_word(value: Any, allowed: str) -> str:
    """Suggest a near miss of a quoted or listed word."""
    words = re.findall(r'"([^"]+)"', allowed) or allowed.removeprefix("one of ").split(", ")
    near = difflib.get_close_matches(value, words, n=1) if isinstance(value, str) else []
    return f'did you mean "{near[0]}"?' if near else ""
