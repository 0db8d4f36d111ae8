"""The swept keys of a study file: which there are, and what each stands for."""

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
"""Most models that a study is unfolded to, and most cases of a sweep."""


def with_swept_models(document: dict[str, Any]) -> dict[str, Any]:
    """Replace each swept model by one for every combination of its values; refuse what several models share.

    Raises
    ------
    pydantic.ValidationError
    """
    lists, faults = swept_lists(document)
    refuse(faults)
    mend = "`fastsde sweep FILE` runs a study for each combination and analyses them together"
    refuse(
        Fault((TABLE, ".".join(key)), values, _alone(document, key), mend)
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
    """Whether a swept key is a matter of several models, so that its values make cases."""
    return key[0] != "models" or key[1] == "*" or bool(_followers(document, key))


def _followers(document: Mapping[str, Any], key: Key) -> list[str]:
    """Return the models that have no batch of their own, if the key is the batch of the model they follow."""
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
    """Say what may be swept in one study, and why this key may not."""
    followers = _followers(document, key)
    if followers:
        return f"values of one model alone in one study, and {', '.join(followers)} would follow this batch"
    return "values of one model alone, models.NAME.KEY, in one study"


def targets(document: Mapping[str, Any], key: Key) -> list[Key]:
    """Return the keys that a swept key stands for: of every model that has it, where its name is a star."""
    if key[:2] != ("models", "*") or len(key) < 3:
        return [key]
    models = document.get("models", {})
    return [("models", name, *key[2:]) for name, model in models.items() if key[2] in fields_of(model)]


def swept_lists(document: Mapping[str, Any]) -> tuple[dict[Key, list[Any]], list[Fault]]:
    """Return the swept keys with their values, and what is wrong with them."""
    table = document.get(TABLE, {})
    if not isinstance(table, dict):
        return {}, [
            Fault((TABLE,), table, "a table of lists, by dotted keys", 'as "models.levy.alpha" = [1.5, 2]')
        ]
    lists, faults = {}, []
    several = {one for key, _ in _flat(table) for one in targets(document, key) if one != key}
    for key, values in _flat(table):
        where = (TABLE, ".".join(key))
        if not _sound(values):
            faults.append(Fault(where, values, "a list of different numbers or words, one or more"))
        elif not _exists(document, key):
            allowed = "a key of the study, its table being there, as time.learning_rate or models.NAME.alpha"
            faults.append(Fault(where, values, allowed, _fix(document, key)))
        elif misspelt(Content, document, key) is not None:
            allowed = "a key that its table may have"
            faults.append(Fault(where, values, allowed, _fix(document, key)))
        elif key in several:
            allowed = "a key of all models, models.*.KEY, or of single ones"
            faults.append(Fault(where, values, allowed, "remove one of the two"))
        else:
            lists[key] = values
    count = math.prod(len(values) for values in lists.values())
    if count > MOST:
        faults.append(Fault((TABLE,), count, f"at most {MOST} combinations", "shorten a list"))
    return lists, faults


def _fix(document: Mapping[str, Any], key: Key) -> str:
    """Offer the right spelling of a swept key, or the table that it stands in."""
    places = _places(document, key[0]) if len(key) == 1 else []
    if places:
        return f"write {' or '.join(places)}"
    wrong, near = misspelt(Content, document, key) or ("", "")
    if not near:
        return "correct the key, or add the table"
    return f'did you mean "{".".join(near if part == wrong else part for part in key)}"?'


def _places(document: Mapping[str, Any], key: str) -> list[str]:
    """Return the dotted keys that a key without its table may stand for: of models, else of tables."""
    having = targets(document, ("models", "*", key))
    if having:
        every = [f'"models.*.{key}" for all models that have it'] if len(having) > 1 else []
        return [f'"{".".join(having[0])}"', *every]
    found = [path for path, table in tables(Content) if len(path) == 1 and key in keys_of(table)]
    return list(dict.fromkeys(f'"{path[0]}.{key}"' for path in found if path[0] in document))


def _flat_keys(document: Mapping[str, Any]) -> list[Key]:
    table = document.get(TABLE, {})
    return [key for key, _ in _flat(table)] if isinstance(table, dict) else []


def _flat(table: Mapping[str, Any], before: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield the leaves of a table; a key that has dots counts as so many keys."""
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
    """Whether the table that a key stands in is there; the key itself may have its default."""
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
    """Name a combination after its values, as ``alpha1_5-batch4``."""
    return "-".join(f"{key[-1]}{_word(value)}" for key, value in values.items()).lower()


def _word(value: Any) -> str:
    """Write a value in the letters that names may have.

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
    """Set a key of nested tables that are there."""
    for name in key[:-1]:
        document = document[name]
    document[key[-1]] = value
