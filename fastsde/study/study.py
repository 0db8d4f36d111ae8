"""The study file: one TOML text that says everything, resolved and checked before anything runs."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import tomli_w
from pydantic import (
    BaseModel,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from fastsde.study.checks import (
    data_faults,
    event_faults,
    landscape_faults,
    missing_faults,
    model_faults,
    saddle_faults,
)
from fastsde.study.contents import TABLE, Content
from fastsde.study.extension_imports import EXTENSIONS, looking_in
from fastsde.study.extensions import import_extensions
from fastsde.study.fields import Section, Seed, Size, refuse
from fastsde.study.keys import nearest
from fastsde.study.landscapes import LANDSCAPES
from fastsde.study.messages import complaints, syntax_complaint
from fastsde.study.models.batches import Sampling
from fastsde.study.models.model import first_setting_batch, with_default_batch
from fastsde.study.observable import default_observables, record_faults
from fastsde.study.swept_keys import with_swept_models
from fastsde.system.brief import html_table
from fastsde.system.errors import Complaint, StudyError

__all__ = ["Study"]

CHECKS = (data_faults, saddle_faults, model_faults, record_faults, landscape_faults, event_faults)
"""Of several tables at once."""


class Study(Content):
    """Everything that determines a run: seed, network, data, time, what is recorded, and the models.

    Parameters
    ----------
    extensions : list of str, optional
        Python files that define ingredients of this study, imported before the rest of it is validated, see
        `fastsde.study.extensions` and docs/extending.md.
    seed : int, default 0
        Seed of the trajectories, and of the data unless ``data.seed`` says otherwise.
    trajectories : int
        Trajectories of each model.
    dtype : {"float64", "float32"}
        Precision of the state.
    start : {"independent", "paired"}
        Whether models draw their own starting points from the same law, or share them.
    network : Network
        Widths of the deep linear network, how its layers start, and its loss.
    data : Data
        Samples, the law of inputs, the teacher, and label noise.
    landscape : Landscape, optional
        A potential in place of `network` and `data`, see `fastsde.study.landscapes`; these are None then.
    time : Time
        Learning rate, its schedule, number of steps, and when snapshots are taken.
    record : Record
        The observables that each snapshot keeps.
    events : Events
        Thresholds whose first passages are recorded.
    models : dict of str to Model
        The dynamics by name, in the order of the file, see `fastsde.study.models`.
    sweep : dict of str to list, optional
        Values by dotted key: those of one model (``"models.levy.alpha"``) make one model each in the same
        study; those that models share (``"time.learning_rate"``, ``"models.*.batch"``) make one study for
        each combination, which ``fastsde sweep`` runs. See `fastsde.study.sweep`.

    Raises
    ------
    StudyError
        With everything that is wrong, whether the study is made in code, from a file or by `replace`.

    Examples
    --------
    >>> study = Study.from_toml('''
    ... trajectories = 16
    ... network = { widths = [2, 3, 2], init = { std = 0.1 } }
    ... data = { samples = "population", teacher = { singular_values = [2.0, 1.0] } }
    ... time = { learning_rate = 0.01, steps = 100 }
    ... models.sgd = { kind = "sgd" }
    ... ''')
    >>> study.models["sgd"].sampling
    'fresh'
    >>> Study.from_toml(study.to_toml()) == study
    True
    """

    _folder: Path | None = PrivateAttr(default=None)
    _source: str = PrivateAttr(default="")

    def __init__(self, /, **content: Any) -> None:
        try:
            super().__init__(**_written(content))
        except ValidationError as error:
            raise StudyError(complaints(error, type(self))) from None

    def __eq__(self, other: object) -> bool:
        """Whether the content is the same, wherever it was read from."""
        return isinstance(other, Study) and self.to_mapping() == other.to_mapping()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Name the models, and how many trajectories of how many steps."""
        models = ", ".join(self.models)
        return f"Study(models={models}; trajectories={self.trajectories:,}; steps={self.time.steps:,})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Show the models in a notebook."""
        rows = [{"model": name, "what it is": model.summary()} for name, model in self.models.items()]
        return html_table(repr(self), rows)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a study file.

        Raises
        ------
        StudyError
            When the file cannot be read, is not TOML, or is not a valid study.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise StudyError("no such file", str(path)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise StudyError(f"cannot be read: {error}", str(path)) from None
        with looking_in(path.parent):
            return cls.from_toml(text, str(path)).read_from(path.parent, str(path))

    @classmethod
    def from_toml(cls, text: str, source: str = "") -> Self:
        """Read a study from TOML `text`; `source` names it in messages."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise StudyError([syntax_complaint(error, text)], source) from None
        return cls.from_mapping(document, source)

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any], source: str = "") -> Self:
        """Make a study from nested dicts of the shape of the file."""
        try:
            return cls(**document)
        except StudyError as error:
            raise StudyError(error.complaints, source) from None

    def read_from(self, folder: Path | None, source: str = "") -> Self:
        """Note the folder of the study file, where files it names are looked for first, and its name."""
        self._folder, self._source = folder, source
        return self

    @property
    def source(self) -> str:
        """The name of the study file for messages; empty where there is none."""
        return self._source

    def places(self) -> list[Path]:
        """Return where files and modules that the study names are looked for, in this order."""
        return list(dict.fromkeys(place.absolute() for place in (self._folder, Path()) if place is not None))

    def locate(self, name: str, key: str) -> Path:
        """Return the file or directory of that name: beside the study file, or in the working directory.

        Parameters
        ----------
        name : str
            As the study has it.
        key : str
            Where the study has it, for the message.

        Raises
        ------
        StudyError
            If it is in neither, with all that were looked at.
        """
        looked = list(dict.fromkeys(place / name for place in self.places()))
        for path in looked:
            if path.exists():
                return path
        where = " and ".join(map(str, looked))
        expected = f"a path that exists; looked for {where}"
        raise StudyError([Complaint(key, f'"{name}"', expected, "correct the path")], self._source)

    def to_mapping(self) -> dict[str, Any]:
        """Give the resolved content as nested dicts and lists, without what is not set."""
        return self.model_dump(mode="json", exclude_none=True)

    def to_toml(self) -> str:
        """Write the resolved study; reading it back gives an equal study."""
        return tomli_w.dumps(self.to_mapping())

    def replace(self, **changes: Any) -> Self:
        """Make a changed study: a dict is merged into the table of that name, anything else replaces it.

        The other fields keep their resolved values: a new ``seed`` leaves ``data.seed`` as it is.

        Examples
        --------
        ``study.replace(trajectories=64, time={"steps": 100})``
        """
        document = self.to_mapping()
        for key, change in changes.items():
            merged = isinstance(change, Mapping) and isinstance(document.get(key), dict)
            document[key] = {**document[key], **change} if merged else change
        with looking_in(self._folder):
            return self.from_mapping(document, self._source).read_from(self._folder, self._source)

    def extended(self, steps: int) -> Self:
        """Make a longer study with the same snapshots as far as this one goes, continued in the same way.

        Snapshots after the old end keep their spacing: the ratio of "log", the distance of "linear"; a list
        `at` gains the new end only. A finished run of this study can then be made longer without computing
        anything twice.

        Parameters
        ----------
        steps
            Learning-rate steps in all.

        Raises
        ------
        StudyError
            If that is fewer than there are.
        """
        time = self.time
        if steps < time.steps:
            expected = f"at least the {time.steps} that the study has: a run can be made longer, not shorter"
            raise StudyError([Complaint("time.steps", str(steps), expected)], self._source)
        if steps == time.steps:
            return self
        taken = [int(step) for step in time.snapshot_steps()]
        later: list[float] = []
        here, count = float(time.steps), time.snapshots.count or 0
        ratio = here ** (1 / (count - 2)) if time.snapshots.spacing == "log" and count > 2 else 1.0
        stride = here / (count - 1) if time.snapshots.spacing == "linear" else 0.0
        while (here := here * ratio + stride) < steps and (ratio > 1 or stride > 0):
            later.append(here)
        at = sorted({*taken, *(round(step) for step in later), steps})
        return self.replace(time={"steps": steps, "snapshots": {"at": at}})

    def fingerprint(self) -> str:
        """Give the SHA-256 (hex) of all but `trajectories`, so that more of them extend a study."""
        return _hash(self._content())

    def lineage(self, model: str | None = None) -> str:
        """Give the SHA-256 (hex) of all that a model's trajectories depend on, but how many and how long.

        Without the other models, and without `trajectories`, `time.steps` and `time.snapshots`: two studies
        with the same lineage of a model compute the same numbers for it as far as both go. With None: of what
        all models share.
        """
        content = self._content()
        del content["time"]["snapshots"]
        if self.time.schedule is None or self.time.schedule.kind != "cosine":  # which ends with the run
            del content["time"]["steps"]
        content["models"] = {} if model is None else {model: content["models"][model]}
        return _hash(content)

    def _content(self) -> dict[str, Any]:
        """Give what the numbers depend on: without `trajectories`, and places of known states and code."""
        content = self.to_mapping()
        del content["trajectories"]
        if self.extensions is not None:
            content[EXTENSIONS] = [extension.sha256 for extension in self.extensions]
        if self.landscape is not None:
            for key in self.landscape.places_aside:
                content["landscape"].pop(key, None)
        if self.network is not None and self.network.init.origin is not None:
            for place in ("ensemble", "file"):
                content["network"]["init"].pop(place, None)
        return content

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        document = _with_resolved_landscape(import_extensions(document))
        return _filled(with_swept_models(document) if TABLE in document else document)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        refuse(missing_faults(self))
        refuse(fault for check in CHECKS for fault in check(self))
        return self


def _written(value: Any) -> Any:
    """Turn sections, and numbers and arrays of NumPy, into what a file would have; leave the rest."""
    if isinstance(value, BaseModel):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        return kind | {key: _written(getattr(value, key)) for key in value.model_fields_set}
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _hash(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _with_resolved_landscape(document: dict[str, Any]) -> dict[str, Any]:
    """Fill in what a landscape's table does not say itself; a wrong kind is left to validation."""
    table = document.get("landscape")
    kind = table.get("kind") if isinstance(table, dict) else None
    if not isinstance(kind, str) or kind not in LANDSCAPES:
        return document
    return {**document, "landscape": dict(LANDSCAPES[kind].resolved(table or {}))}


def _filled(document: dict[str, Any]) -> dict[str, Any]:
    """Fill the defaults that depend on another table: the data's seed, the batches of the SDEs.

    Only sound values are taken over, so that a wrong one is complained of where it stands and nowhere else.
    """
    document = dict(document)
    data, models = document.get("data"), document.get("models")
    if isinstance(data, dict) and _sound(document.get("seed"), Seed):
        document["data"] = data = {"seed": document["seed"], **data}
    if not isinstance(models, dict):
        return document
    models = {name: _as_table(model) for name, model in models.items()}
    if any(nearest(key, ["landscape"]) for key in document):
        document = {"network": None, "data": None} | document
    if "landscape" in document:
        document.setdefault("record", {"observables": list(default_observables("landscape"))})
        if isinstance(document.get("events", {}), dict):
            document["events"] = {"mode_learned": []} | document.get("events", {})
    population = isinstance(data, dict) and data.get("samples") == "population"
    default = {"batch": 1, "sampling": "fresh" if population else "epoch"}
    tables = {name: model for name, model in models.items() if isinstance(model, dict)}
    reference = tables.get(first_setting_batch(tables) or "", {})
    kinds = {"batch": Size, "sampling": Sampling}
    noise = default | {key: reference[key] for key, kind in kinds.items() if _sound(reference.get(key), kind)}
    document["models"] = models | {
        name: with_default_batch(model, default, noise) for name, model in tables.items()
    }
    return document


def _as_table(model: Any) -> Any:
    """Give a model made in code as a table, without a batch and sampling that nobody set."""
    if not isinstance(model, Section):
        return model
    unset = {"batch", "sampling"} - model.model_fields_set
    return {key: value for key, value in model.model_dump(exclude_none=True).items() if key not in unset}


def _sound(value: Any, kind: Any) -> bool:
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
