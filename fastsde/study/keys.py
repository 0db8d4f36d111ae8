"""The keys of a study file, read from the classes of its tables."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from fastsde.study.fields import NameIn, Section
from fastsde.study.kinds import Kind

__all__ = [
    "Path",
    "annotation_of",
    "bare",
    "choices_of",
    "keys_of",
    "misspelt",
    "nearest",
    "tables",
    "tags_of",
    "words_of",
]

Path = tuple[str, ...]


def bare(annotation: Any) -> Any:
    """Return a type without its annotations, and without the None of an optional table."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    choices = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()
    if NoneType in choices and len(choices) == 2:
        return bare(next(choice for choice in choices if choice is not NoneType))
    return annotation


def choices_of(here: Any) -> tuple[type[Section], ...]:
    """Return the classes of a table, all of them for a union or a registry; empty if it is no table."""
    here = bare(here)
    if isinstance(here, type) and issubclass(here, Kind) and "kinds" in vars(here):
        return tuple(here.kinds.values())
    members = map(bare, get_args(here) if get_origin(here) in (Union, UnionType) else (here,))
    return tuple(member for member in members if isinstance(member, type) and issubclass(member, Section))


def tags_of(choice: type[Section]) -> list[str]:
    """Return the value of ``kind`` that selects a class, if it is one of several."""
    field = choice.model_fields.get("kind")
    tags = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    return [str(tag) for tag in tags] if len(tags) == 1 else []


def words_of(annotation: Any) -> list[str]:
    """Return the words that a value or an item of a list may be; an empty list for a table.

    Examples
    --------
    >>> words_of(Literal["matched"] | float)
    ['matched']
    """
    if choices_of(annotation):
        return []
    if isinstance(annotation, type) and issubclass(annotation, NameIn):
        return list(annotation.registry)
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if isinstance(word, str)]
    return [word for part in get_args(annotation) for word in words_of(part)]


def keys_of(owner: Any) -> list[str]:
    """Return the possible keys of a table in a file."""
    return [*owner.model_fields, *owner.shorthands] if choices_of(owner) == (owner,) else []


def annotation_of(here: Any, key: str) -> Any:
    """Return the type of a key of a class, or of the items of a list or table of tables; None if unknown."""
    if choices_of(here) == (here,):
        field = here.model_fields.get(key)
        return field.annotation if field else None
    if get_origin(here) is tuple:
        return bare(get_args(here)[0])
    return bare(get_args(here)[1]) if get_origin(here) is dict else None


def tables(root: type[Section]) -> Iterator[tuple[Path, type[Section]]]:
    """Yield the path and the class of every table of a file, with all classes of a union; ``*`` is any name.

    Examples
    --------
    >>> from fastsde.study.tables import Time
    >>> [".".join(path) for path, _ in tables(Time)]
    ['', 'snapshots', 'snapshots.late', 'schedule']
    """
    yield from _tables(root, ())


def _tables(here: Any, path: Path) -> Iterator[tuple[Path, type[Section]]]:
    here = bare(here)
    if get_origin(here) is dict:
        yield from _tables(get_args(here)[1], (*path, "*"))
    elif get_origin(here) is tuple:
        yield from _tables(get_args(here)[0], path)
    for choice in choices_of(here):
        yield path, choice
        for key, field in choice.model_fields.items():
            yield from _tables(field.annotation, (*path, key))


def misspelt(root: type[Section], document: Mapping[str, Any], path: Sequence[str]) -> tuple[str, str] | None:
    """Return the first key along a path that no table of a document can have, and the most similar valid key.

    The latter is empty if there is none. The document's ``kind`` selects the class of a union; without it,
    keys of all classes are accepted.

    Examples
    --------
    >>> from fastsde.study.study import Study
    >>> misspelt(Study, {"time": {"steps": 10}}, ("time", "step"))
    ('step', 'steps')
    """
    return _misspelt(root, document, path)


def _misspelt(here: Any, table: Any, path: Sequence[str]) -> tuple[str, str] | None:
    for place, key in enumerate(path):
        if get_origin(here) is dict:
            names = list(table) if isinstance(table, Mapping) else []
            if key != "*" and key not in names:
                fitting = [name for name in names if _fits(here, table, (name, *path[place + 1 :]))]
                return key, nearest(key, fitting) or nearest(key, names)
        else:
            owners = _chosen(here, table)
            names = [name for owner in owners for name in keys_of(owner)]
            if owners and key not in names:
                return key, nearest(key, names)
            having = [owner for owner in owners if key in owner.model_fields]
            with_tables = [owner for owner in having if choices_of(annotation_of(owner, key))]
            here = next(iter([*with_tables, *having]), None)
        here = bare(annotation_of(here, key))
        here = annotation_of(here, "0") if get_origin(here) is tuple else here
        table = table.get(key) if isinstance(table, Mapping) else None
    return None


def _fits(here: Any, table: Any, path: Sequence[str]) -> bool:
    return _misspelt(here, table, path) is None


def _chosen(here: Any, table: Any) -> tuple[type[Section], ...]:
    choices = choices_of(here)
    kind = table.get("kind") if isinstance(table, Mapping) else None
    return tuple(choice for choice in choices if kind in tags_of(choice)) or choices


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the word that was probably meant, ignoring case, hyphens and underscores; "" if there is none.

    Examples
    --------
    >>> nearest("Double_Wel", ["quadratic", "double-well"])
    'double-well'
    """
    plain = {_plain(candidate): candidate for candidate in words}
    near = difflib.get_close_matches(_plain(word), plain, n=1)
    return plain[near[0]] if near else ""


def _plain(word: str) -> str:
    return re.sub(r"[\s_-]", "", word).lower()
