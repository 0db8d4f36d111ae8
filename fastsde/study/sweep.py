"""Sweeps: one file that stands for every combination of some lists of values.

A study file may have a table of lists, by dotted keys::

    [sweep]
    "models.levy.alpha" = [1.2, 1.5, 1.8, 2.0]
    "time.learning_rate" = [1e-3, 2e-3]
    "data.seed" = [0, 1, 2, 3]

A value of one model alone replaces the model of the file by one model for each combination, named after it
(``levy-alpha1_2``), in the same study. Everything else is what several models share: learning rate, data and
network, a key of all models that have it (``"models.*.batch"``), and the batch of the reference (the first
``sgd`` model) where models without a batch of their own follow it. Trajectories are a function of one study
and its data, and the distances of an analysis are between models on the same data at the same times. Each
combination of shared values is therefore a study of its own, a *case*, with its own directory, and a sweep is
analysed over its cases together. Neither files nor analyses know of sweeps: what they hold is a resolved
study like any other.

Cases are independent: each has a seed of its own, made from the file's seed and the case's name, unless
``seed`` itself is swept. The data keep the seed of the file unless ``data.seed`` is swept.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.study.fields import Fault, refuse
from fastsde.study.keys import misspelt
from fastsde.study.models import fields_of, follows_batch
from fastsde.system.errors import Complaint, StudyError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["TABLE", "Case", "cases_of", "load_cases", "with_swept_models"]

TABLE = "sweep"
MOST = 1000
"""Most models that a study is unfolded to, and most cases of a sweep."""


@dataclass(frozen=True)
class Case:
    """One study of a sweep.

    Attributes
    ----------
    name : str
        Of its directory; empty where nothing but models is swept, or nothing at all.
    values : dict of str to object
        What the case has of the swept keys that several models share.
    study : Study
    swept : tuple of str
        All swept keys of the file, those of single models included.
    """

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    study: Study = None  # type: ignore[assignment]
    swept: tuple[str, ...] = ()


def load_cases(path: str | Path) -> list[Case]:
    """Read a study file with or without a sweep.

    Raises
    ------
    StudyError
        When the file cannot be read, or some combination is not a valid study.
    """
    from fastsde.study.study import Study

    path = Path(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return [Case("", {}, Study.load(path))]  # which says what is wrong
    cases = cases_of(document, str(path))
    for case in cases:
        case.study.read_from(path.parent)
    return cases


def cases_of(document: Mapping[str, Any], source: str = "") -> list[Case]:
    """Unfold a document to its cases, in the order of the values.

    Examples
    --------
    >>> document = {
    ...     "trajectories": 4,
    ...     "network": {"widths": [2, 3, 2], "init": {"std": 0.1}},
    ...     "data": {"samples": "population", "teacher": {"singular_values": [2.0, 1.0]}},
    ...     "time": {"learning_rate": 0.01, "steps": 100},
    ...     "models": {"sde": {"kind": "sde", "noise": "gradient"}},
    ...     "sweep": {"models.sde.alpha": [1.5, 2.0], "time.learning_rate": [0.01, 0.02]},
    ... }
    >>> [case.name for case in cases_of(document)]
    ['learning_rate0_01', 'learning_rate0_02']
    >>> list(cases_of(document)[0].study.models)
    ['sde-alpha1_5', 'sde-alpha2']
    """
    from fastsde.study.study import Study

    lists, faults = _lists(document)
    if faults:
        raise StudyError([_complaint(fault) for fault in faults], source)
    shared = {key: values for key, values in lists.items() if _shared(document, key)}
    swept = tuple(".".join(key) for key in lists)
    rest = dict(document)
    rest.pop(TABLE, None)
    own = {".".join(key): values for key, values in lists.items() if key not in shared}
    if own:
        rest[TABLE] = own
    if not shared:
        return [Case("", {}, Study.from_mapping(rest, source), swept)]
    found = []
    for values in _combinations(shared):
        name = _name(values)
        changed = _reseeded(rest, values, name)
        for key, value in values.items():
            for one in _targets(changed, key):
                _put(changed, one, value)
        study = Study.from_mapping(changed, f"{source}, {name}" if source else name)
        found.append(Case(name, {".".join(key): value for key, value in values.items()}, study, swept))
    return found


def with_swept_models(document: dict[str, Any]) -> dict[str, Any]:
    """Replace each swept model by one for every combination of its values; refuse what several models share.

    Raises
    ------
    pydantic.ValidationError
    """
    lists, faults = _lists(document)
    refuse(faults)
    mend = "`fastsde sweep FILE` runs a study for each combination and analyses them together"
    refuse(
        Fault((TABLE, ".".join(key)), values, _alone(document, key), mend)
        for key, values in lists.items()
        if _shared(document, key)
    )
    models: dict[str, Any] = {}
    for name, model in document.get("models", {}).items():
        own = {key[2:]: values for key, values in lists.items() if key[1] == name}
        if not own:
            models[name] = model
            continue
        for values in _combinations(own):
            changed = copy.deepcopy(model)
            for key, value in values.items():
                _put(changed, key, value)
            models[f"{name}-{_name(values)}"] = changed
    return {**{key: value for key, value in document.items() if key != TABLE}, "models": models}


_Key = tuple[str, ...]


def _shared(document: Mapping[str, Any], key: _Key) -> bool:
    """Whether a swept key is a matter of several models, so that its values make cases."""
    return key[0] != "models" or key[1] == "*" or bool(_followers(document, key))


def _followers(document: Mapping[str, Any], key: _Key) -> list[str]:
    """Return the models that have no batch of their own, if the key is the batch of the model they follow."""
    models = {k: model for k, model in document.get("models", {}).items() if isinstance(model, dict)}
    reference = next((name for name, model in models.items() if model.get("kind") == "sgd"), None)
    if key != ("models", reference, "batch"):
        return []
    own = set(_flat_keys(document))
    return [
        name
        for name, model in models.items()
        if follows_batch(model) and "batch" not in model and ("models", name, "batch") not in own
    ]


def _alone(document: Mapping[str, Any], key: _Key) -> str:
    """Say what may be swept in one study, and why this key may not."""
    followers = _followers(document, key)
    if followers:
        return f"values of one model alone in one study, and {', '.join(followers)} would follow this batch"
    return "values of one model alone, models.NAME.KEY, in one study"


def _targets(document: Mapping[str, Any], key: _Key) -> list[_Key]:
    """Return the keys that a swept key stands for: of every model that has it, where its name is a star."""
    if key[:2] != ("models", "*") or len(key) < 3:
        return [key]
    models = document.get("models", {})
    kinds = {name: model.get("kind") for name, model in models.items() if isinstance(model, dict)}
    return [("models", name, *key[2:]) for name, kind in kinds.items() if key[2] in fields_of(kind)]


def _lists(document: Mapping[str, Any]) -> tuple[dict[_Key, list[Any]], list[Fault]]:
    """Return the swept keys with their values, and what is wrong with them."""
    from fastsde.study.study import Study

    table = document.get(TABLE, {})
    if not isinstance(table, dict):
        return {}, [
            Fault((TABLE,), table, "a table of lists, by dotted keys", 'as "models.levy.alpha" = [1.5, 2]')
        ]
    lists, faults = {}, []
    several = {one for key, _ in _flat(table) for one in _targets(document, key) if one != key}
    for key, values in _flat(table):
        where = (TABLE, ".".join(key))
        if not _sound(values):
            faults.append(Fault(where, values, "a list of different numbers or words, one or more"))
        elif not _exists(document, key):
            allowed = "a key of the study, its table being there, as time.learning_rate or models.NAME.alpha"
            faults.append(Fault(where, values, allowed, _fix(document, key)))
        elif misspelt(Study, document, key) is not None:
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


def _fix(document: Mapping[str, Any], key: _Key) -> str:
    """Offer the right spelling of a swept key."""
    from fastsde.study.study import Study

    wrong, near = misspelt(Study, document, key) or ("", "")
    if not near:
        return "correct the key, or add the table"
    return f'did you mean "{".".join(near if part == wrong else part for part in key)}"?'


def _flat_keys(document: Mapping[str, Any]) -> list[_Key]:
    table = document.get(TABLE, {})
    return [key for key, _ in _flat(table)] if isinstance(table, dict) else []


def _flat(table: Mapping[str, Any], before: _Key = ()) -> Iterator[tuple[_Key, Any]]:
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


def _exists(document: Mapping[str, Any], key: _Key) -> bool:
    """Whether the table that a key stands in is there; the key itself may have its default."""
    if key[0] == TABLE or (key[0] == "models" and len(key) < 3):
        return False
    if key[:2] == ("models", "*"):
        return len(key) == 3 and bool(_targets(document, key))
    table: Any = document
    for name in key[:-1]:
        table = table.get(name) if isinstance(table, dict) else None
    return isinstance(table, dict)


def _combinations(lists: Mapping[_Key, Sequence[Any]]) -> Iterator[dict[_Key, Any]]:
    for values in itertools.product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def _name(values: Mapping[_Key, Any]) -> str:
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


def _put(document: dict[str, Any], key: _Key, value: Any) -> None:
    for name in key[:-1]:
        document = document[name]
    document[key[-1]] = value


def _reseeded(document: Mapping[str, Any], values: Mapping[_Key, Any], name: str) -> dict[str, Any]:
    """Copy a document, with a seed of its own for the case and the file's seed for the data."""
    changed = copy.deepcopy(dict(document))
    seed = changed.get("seed", 0)
    if ("seed",) not in values and isinstance(seed, int):
        data = changed.get("data")
        if isinstance(data, dict):
            data.setdefault("seed", seed)
        digest = hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
        changed["seed"] = int.from_bytes(digest, "little") >> 1
    return changed


def _complaint(fault: Fault) -> Complaint:
    return Complaint(".".join(map(str, fault.where)), str(fault.value), fault.allowed, fault.mend)
