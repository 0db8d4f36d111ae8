"""Sweeps: study files that specify lists of values, and all their combinations.

A study file may have a table of lists, with dotted keys::

    [sweep]
    "models.levy.alpha" = [1.2, 1.5, 1.8, 2.0]
    "time.learning_rate" = [1e-3, 2e-3]
    "data.seed" = [0, 1, 2, 3]

If only a key of one model is swept, the model is replaced by one model for each combination of its values,
named after them (``levy-alpha1_2``), in the same study. All other keys are shared by several models: the
learning rate, data and network; a key of all models that have it (``"models.*.batch"``); and the batch of the
reference (the first ``sgd`` model) if models without a batch of their own use it. An analysis compares models
with the same data at the same times. Therefore each combination of shared values is a separate study, called
a *case*, with its own directory, and the cases of a sweep are then analysed together. The files and the
analysis of a case do not depend on the sweep: they contain a resolved study like any other.

Cases are independent: the seed of each is derived from the file's seed and the case's name, unless ``seed``
itself is swept. The data keep the seed of the file unless ``data.seed`` is swept.
"""

from __future__ import annotations

import copy
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.study.contents import TABLE
from fastsde.study.extension_imports import looking_in
from fastsde.study.extensions import import_extensions
from fastsde.study.fields import Fault
from fastsde.study.swept_keys import Key, combinations, is_shared, name_of, put, swept_lists, targets
from fastsde.system.errors import Complaint, StudyError, naming

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["Case", "cases_of", "load_cases"]


@dataclass(frozen=True)
class Case:
    """One study of a sweep.

    Attributes
    ----------
    name : str
        Name of its directory; empty if no shared key is swept.
    values : dict of str to object
        Values of the swept keys that several models share.
    study : Study
    swept : tuple of str
        All swept keys of the file, including those of single models.
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
        If the file cannot be read, or a combination is not a valid study.
    """
    from fastsde.study.study import Study

    path = Path(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return [Case("", {}, Study.load(path))]  # raises an error that says what is wrong
    with looking_in(path.parent):
        cases = cases_of(document, str(path))
    for case in cases:
        case.study.read_from(path.parent, f"{path}, {case.name}" if case.name else str(path))
    return cases


def cases_of(document: Mapping[str, Any], source: str = "") -> list[Case]:
    """Return the cases of a document, in the order of the values.

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

    with naming(source):
        document = import_extensions(document)
    lists, faults = swept_lists(document)
    if faults:
        raise StudyError([_complaint(fault) for fault in faults], source)
    shared = {key: values for key, values in lists.items() if is_shared(document, key)}
    swept = tuple(".".join(key) for key in lists)
    rest = dict(document)
    rest.pop(TABLE, None)
    own = {".".join(key): values for key, values in lists.items() if key not in shared}
    if own:
        rest[TABLE] = own
    if not shared:
        return [Case("", {}, Study.from_mapping(rest, source), swept)]
    cases = []
    for values in combinations(shared):
        name = name_of(values)
        changed = _reseeded(rest, values, name)
        for key, value in values.items():
            for target in targets(changed, key):
                put(changed, target, value)
        study = Study.from_mapping(changed, f"{source}, {name}" if source else name)
        cases.append(Case(name, {".".join(key): value for key, value in values.items()}, study, swept))
    return cases


def _reseeded(document: Mapping[str, Any], values: Mapping[Key, Any], name: str) -> dict[str, Any]:
    """Return a copy of a document with the seed of the case, and with the file's seed for the data."""
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
    return Complaint(".".join(map(str, fault.where)), str(fault.value), fault.expected, fault.fix)
