"""Records of results: frozen dataclasses of arrays and numbers; to HDF5 and back, and as plain data."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import h5py
import numpy as np

Record = TypeVar("Record")


def stack(records: Sequence[Record]) -> Record:
    """Stack records of arrays along a new leading axis, field by field.

    Examples
    --------
    >>> from fastsde.analysis.shape.moments import moments
    >>> two = stack([moments(np.zeros((3, 2))), moments(np.ones((3, 2)))])
    >>> two.mean.tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    first: Any = records[0]
    fields = [field.name for field in dataclasses.fields(first)]
    return type(first)(**{name: np.stack([getattr(one, name) for one in records]) for name in fields})  # type: ignore[no-any-return]


def write(group: h5py.Group, record: Any) -> None:
    """Write a record: arrays as datasets, records and dictionaries as groups, all else as attributes.

    Fields may be records, dictionaries of records, arrays, numbers or text, arrays, tuples of text, numbers,
    text and None.
    """
    items = record.items() if isinstance(record, dict) else _fields_of(record)
    for name, value in items:
        if value is None:
            continue
        if dataclasses.is_dataclass(value) or isinstance(value, dict):
            write(group.create_group(name, track_order=True), value)
        elif isinstance(value, np.ndarray):
            group.create_dataset(name, data=value)
        elif isinstance(value, tuple):
            group.attrs.create(name, list(value), dtype=h5py.string_dtype())
        else:
            group.attrs[name] = value


def read(group: h5py.Group, kind: type[Record], leave_out: Sequence[str] = ()) -> Record:
    """Read a record of the given class, fields as annotated, with their defaults where they are absent."""
    hints = _hints(kind)  # type: ignore[arg-type]
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    there = {*group, *group.attrs}
    names = [
        field.name
        for field in fields
        if field.name not in leave_out and (field.name in there or not _has_default(field))
    ]
    return kind(**{name: _field(group, name, hints[name]) for name in names})


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Return the annotations of a class, evaluated; a file has records of the same few classes."""
    return typing.get_type_hints(kind)


def _fields_of(record: Any) -> list[tuple[str, Any]]:
    """Return names and values of the fields of a record, without what its class caches beside them."""
    return [(field.name, getattr(record, field.name)) for field in dataclasses.fields(record)]


def _has_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _field(group: h5py.Group, name: str, hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        if name not in group and name not in group.attrs:
            return None
        hint = next(one for one in typing.get_args(hint) if one is not types.NoneType)
    if dataclasses.is_dataclass(hint):
        return read(group[name], typing.cast(type[Any], hint))
    origin = typing.get_origin(hint)
    if origin is dict:
        kind = typing.get_args(hint)[1]
        inner = group[name]
        return {key: _field(inner, key, kind) for key in (*inner, *inner.attrs)}
    if origin is tuple:
        return tuple(str(value) for value in group.attrs[name])
    if hint in (str, int, float, bool):
        return hint(group.attrs[name])
    return group[name][...]


def plain(value: Any) -> Any:
    """Return a record as dictionaries, lists, numbers and text, with None for what is not finite.

    Examples
    --------
    >>> plain({"index": np.array([1.5, np.nan])})
    {'index': [1.5, None]}
    """
    if dataclasses.is_dataclass(value):
        return {name: plain(one) for name, one in _fields_of(value)}
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
