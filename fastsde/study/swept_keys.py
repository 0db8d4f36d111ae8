"""The swept keys of a study file, and the keys of models to which each refers."""

from __future__ import annotations

import copy
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastsde.study.contents import TABLE, Content
from fastsde.study.fields import Fault, refuse
from fastsde.study.keys import keys_of, misspelt, tables
from fastsde.study.models.model import fields_of, first_setting_batch, follows_batch

MOST = 1000
"""Largest number of models of a study, and of cases of a sweep."""


def with_swept_models(document: dict[str, Any]) -> dict[str, Any]:
    """Replace each swept model by one for every combination of its values; refuse shared keys.

    Raises
    ------
    pydantic.ValidationError
    """
    lists, faults = swept_lists(document)
    refuse(faults)
    fix = "use `fastsde sweep FILE`, which runs a study for each combination and analyses them together"
    refuse(
        Fault((TABLE, ".".join(key)), values, _alone(document, key), fix)
        for key, values in lists.items()
        if is_shared(document, key)
    )
    models: dict[str, Any] = {}
    for name, model in document.get("models", {}).items():
        own = {key[2:]: values for key, values in lists.items() if key[1] == name}
        if not own:
            models[name] = model
            continue
        for values in combinations(own):
            changed = copy.deepcopy(model)
            for key, value in values.items():
                put(changed, key, value)
            models[f"{name}-{name_of(values)}"] = changed
    return {**{key: value for key, value in document.items() if key != TABLE}, "models": models}


Key = tuple[str, ...]


def is_shared(document: Mapping[str, Any], key: Key) -> bool:
    """Return whether several models share a swept key, so that its values are separate cases."""
    return key[0] != "models" or key[1] == "*" or bool(_followers(document, key))


def _followers(document: Mapping[str, Any], key: Key) -> list[str]:
    """Return the models without a batch of their own, if the key is the batch of their reference model."""
    models = {k: model for k, model in document.get("models", {}).items() if isinstance(model, dict)}
    if key != ("models", first_setting_batch(models), "batch"):
        return []
    own = set(_flat_keys(document))
    return [
        name
        for name, model in models.items()
        if follows_batch(model) and "batch" not in model and ("models", name, "batch") not in own
    ]


def _alone(document: Mapping[str, Any], key: Key) -> str:
    """Return what can be swept in one study, and why this key cannot."""
    followers = _followers(document, key)
    if followers:
        names = ", ".join(f"models.{name}" for name in followers)
        return f"a key of a single model (in one study); {names} would use this batch too"
    return "a key of a single model, models.NAME.KEY (in one study)"


def targets(document: Mapping[str, Any], key: Key) -> list[Key]:
    """Return the keys to which a swept key refers: those of all models that have it, for ``models.*``."""
    if key[:2] != ("models", "*") or len(key) < 3:
        return [key]
    models = document.get("models", {})
    return [("models", name, *key[2:]) for name, model in models.items() if key[2] in fields_of(model)]


def swept_lists(document: Mapping[str, Any]) -> tuple[dict[Key, list[Any]], list[Fault]]:
    """Return the swept keys with their values, and the problems of the table."""
    table = document.get(TABLE, {})
    if not isinstance(table, dict):
        fix = 'write, for example, "models.levy.alpha" = [1.5, 2]'
        return {}, [Fault((TABLE,), table, "a table of lists with dotted keys", fix)]
    lists, faults = {}, []
    several = {target for key, _ in _flat(table) for target in targets(document, key) if target != key}
    for key, values in _flat(table):
        where = (TABLE, ".".join(key))
        if not _sound(values):
            faults.append(Fault(where, values, "a list of one or more distinct numbers or words"))
        elif not _exists(document, key):
            expected = "a key in an existing table, such as time.learning_rate or models.NAME.alpha"
            faults.append(Fault(where, values, expected, _fix(document, key)))
        elif misspelt(Content, document, key) is not None:
            expected = "a valid key of its table"
            faults.append(Fault(where, values, expected, _fix(document, key)))
        elif key in several:
            expected = "a key of all models, models.*.KEY, or the same key of single models, but not both"
            faults.append(Fault(where, values, expected, "remove one of the two"))
        else:
            lists[key] = values
    count = math.prod(len(values) for values in lists.values())
    if count > MOST:
        faults.append(Fault((TABLE,), count, f"at most {MOST} combinations", "shorten a list"))
    return lists, faults


def _fix(document: Mapping[str, Any], key: Key) -> str:
    """Suggest the correct spelling of a swept key, or its table."""
    places = _places(document, key[0]) if len(key) == 1 else []
    if places:
        return f"write {' or '.join(places)}"
    wrong, near = misspelt(Content, document, key) or ("", "")
    if not near:
        return "correct the key, or add the table"
    return f'did you mean "{".".join(near if part == wrong else part for part in key)}"?'


def _places(document: Mapping[str, Any], key: str) -> list[str]:
    """Return the dotted keys that may be meant by a key without its table: those of models, or of tables."""
    having = targets(document, ("models", "*", key))
    if having:
        every = [f'"models.*.{key}" for all models that have it'] if len(having) > 1 else []
        return [f'"{".".join(having[0])}"', *every]
    paths = [path for path, table in tables(Content) if len(path) == 1 and key in keys_of(table)]
    return list(dict.fromkeys(f'"{path[0]}.{key}"' for path in paths if path[0] in document))


def _flat_keys(document: Mapping[str, Any]) -> list[Key]:
    table = document.get(TABLE, {})
    return [key for key, _ in _flat(table)] if isinstance(table, dict) else []


def _flat(table: Mapping[str, Any], before: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield the leaves of a table; a key with dots is split into several keys."""
    for key, value in table.items():
        path = (*before, *key.split("."))
        if isinstance(value, dict):
            yield from _flat(value, path)
        else:
            yield path, value


def _sound(values: Any) -> bool:
    plain = isinstance(values, list) and values and all(isinstance(v, int | float | str) for v in values)
    return bool(plain) and len({_word(v) for v in values}) == len(values)


def _exists(document: Mapping[str, Any], key: Key) -> bool:
    """Return whether the table of a key exists; the key itself may be unset."""
    if key[0] == TABLE or (key[0] == "models" and len(key) < 3):
        return False
    if key[:2] == ("models", "*"):
        return len(key) == 3 and bool(targets(document, key))
    table: Any = document
    for name in key[:-1]:
        table = table.get(name) if isinstance(table, dict) else None
    return isinstance(table, dict)


def combinations(lists: Mapping[Key, Sequence[Any]]) -> Iterator[dict[Key, Any]]:
    """Yield every combination of the values of swept keys, the last key varying fastest."""
    for values in itertools.product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def name_of(values: Mapping[Key, Any]) -> str:
    """Return the name of a combination of values, such as ``alpha1_5-batch4``."""
    return "-".join(f"{key[-1]}{_word(value)}" for key, value in values.items()).lower()


def _word(value: Any) -> str:
    """Return a value in characters that are valid in names.

    Examples
    --------
    >>> _word(1.5), _word(1e-4), _word("without-replacement")
    ('1_5', '0_0001', 'without-replacement')
    """
    text = (
        f"{value:.12f}".rstrip("0").rstrip(".")
        if isinstance(value, float) and abs(value) >= 1e-6
        else str(value)
    )
    return re.sub(r"[^a-z0-9_-]", "_", text.lower())


def put(document: dict[str, Any], key: Key, value: Any) -> None:
    """Set a key in existing nested tables."""
    for name in key[:-1]:
        document = document[name]
    document[key[-1]] = value
