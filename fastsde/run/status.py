"""How far a run is: done, running, stopped, missing, broken, unreadable, and how long is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.storage.in_progress import found, saved_step
from fastsde.storage.inventory import Stock, take_stock
from fastsde.storage.plan import Part, divide, gaps
from fastsde.storage.run_directory import study_of
from fastsde.system.errors import UnreadableError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["ModelStatus", "RunStatus", "Running", "status"]


@dataclass(frozen=True)
class Running:
    """A part that is being computed, or was when its process ended.

    Attributes
    ----------
    part
        Which.
    alive
        Whether a process is at work on it.
    done
        Share of it that is done; of one that is not `alive`, up to its checkpoint.
    rate
        Trajectory-steps a second, as its process told; 0 before it did.
    host, process, updated
        Who told, and when (by its own clock).
    """

    part: Part
    alive: bool
    done: float
    rate: float = 0.0
    host: str = ""
    process: int = 0
    updated: str = ""


@dataclass(frozen=True)
class ModelStatus:
    """How far one model is: its parts by what is known of them, and trajectories done and wanted."""

    model: str
    parts_done: int
    parts_running: int
    parts_stopped: int
    parts_unreadable: int
    parts_missing: int
    trajectories_done: int
    trajectories: int


@dataclass(frozen=True)
class RunStatus:
    """How far a run is.

    Attributes
    ----------
    study
        What it computes.
    models
        In the order of the study.
    running
        Parts at work or stopped.
    broken
        Why each broken file is.
    unreadable
        Why each file cannot be read of which nothing else is known.
    joined
        Whether there is an ensemble file.
    seconds_left
        Estimate from the speed of the processes at work; None if none is, or none has told yet.
    """

    study: Study = field(repr=False)
    models: list[ModelStatus]
    running: list[Running]
    broken: list[str]
    unreadable: list[str]
    joined: bool
    seconds_left: float | None

    @property
    def whole(self) -> bool:
        """Whether every part is there and sound."""
        return all(model.trajectories_done == model.trajectories for model in self.models)

    def to_mapping(self) -> dict[str, Any]:
        """Give it as plain values, for JSON."""
        return {
            "whole": self.whole,
            "joined": self.joined,
            "seconds_left": self.seconds_left,
            "models": [vars(model) for model in self.models],
            "running": [
                {**vars(item.part), **{k: v for k, v in vars(item).items() if k != "part"}}
                for item in self.running
            ],
            "broken": self.broken,
            "unreadable": self.unreadable,
        }


def status(directory: Path | str, *, verify: bool = False) -> RunStatus:
    """Return how far the run in a directory is.

    Only files are looked at, so any process on any machine that sees the directory may ask.

    Parameters
    ----------
    directory
        Of the run.
    verify
        Compute every checksum; else files cut short are found, flipped bytes are not.

    Raises
    ------
    StoreError
        If the directory has no study, or a sound part is of another one.
    """
    from fastsde.storage.layout import ENSEMBLE_FILE

    study = study_of(directory)
    stock = take_stock(study, directory, verify=verify)
    unreadable = [item.reason for item in stock.unreadable]
    whole = [standing.part for standing in stock.whole]
    begun = [item for item in found(directory) if item[0].model in study.models and _lacking(item[0], whole)]
    running = [_running(study, directory, *item, unreadable) for item in begun]
    models = [_model(study, name, stock, running) for name in study.models]
    return RunStatus(
        study,
        models,
        running,
        [item.reason for item in stock.broken],
        unreadable,
        (Path(directory) / ENSEMBLE_FILE).is_file(),
        _seconds_left(study, models, running),
    )


def _lacking(part: Part, whole: list[Part]) -> bool:
    """Whether a part that was begun is not there yet: its folder outlives its file for an instant."""
    mine = sorted(other for other in whole if other.model == part.model)
    return bool(gaps(mine, part.last, part.first))


def _running(
    study: Study,
    directory: Path | str,
    part: Part,
    told: dict[str, Any] | None,
    alive: bool,
    unreadable: list[str],
) -> Running:
    """Return how far a part is; a checkpoint that cannot be read is added to `unreadable`."""
    steps = study.time.steps * study.models[part.model].substeps
    told = told or {}
    try:
        step = told.get("step", 0) if alive else saved_step(directory, part) or 0
    except UnreadableError as error:
        unreadable.append(str(error))
        step = 0
    return Running(
        part,
        alive,
        min(1.0, step / steps),
        float(told.get("rate", 0.0)) if alive else 0.0,
        str(told.get("host", "")),
        int(told.get("process", 0)),
        str(told.get("updated", "")),
    )


def _model(study: Study, name: str, stock: Stock, running: list[Running]) -> ModelStatus:
    done = [standing.part for standing in stock.whole if standing.part.model == name]
    mine = [item for item in running if item.part.model == name]
    lacking = sum(b - a for a, b in gaps(done, study.trajectories))
    taken = sorted([*done, *(item.part for item in mine)])
    unreadable = _unreadable(study, name, stock, taken)
    return ModelStatus(
        name,
        parts_done=len(done),
        parts_running=sum(item.alive for item in mine),
        parts_stopped=sum(not item.alive for item in mine),
        parts_unreadable=len(unreadable),
        parts_missing=_missing(study, name, sorted([*taken, *unreadable])),
        trajectories_done=study.trajectories - lacking,
        trajectories=study.trajectories,
    )


def _unreadable(study: Study, name: str, stock: Stock, taken: list[Part]) -> list[Part]:
    """Return the parts that cannot be read, each up to the next file, or as large as it would be planned."""
    names = [item.path.stem.rpartition("-") for item in stock.unreadable]
    firsts = sorted(int(first) for model, _, first in names if model == name)
    parts = []
    for first in firsts:
        after = [part.first for part in taken if part.first > first]
        end = min([*(other for other in firsts if other > first), *after, study.trajectories])
        parts += divide(study, name, first, end, None)[:1]
    return parts


def _missing(study: Study, name: str, taken: list[Part]) -> int:
    """Return how many parts nobody has begun."""
    return sum(len(divide(study, name, a, b, None)) for a, b in gaps(taken, study.trajectories))


def _seconds_left(study: Study, models: list[ModelStatus], running: list[Running]) -> float | None:
    rate = sum(item.rate for item in running)
    if rate <= 0:
        return None
    left = 0.0
    for model in models:
        steps = study.time.steps * study.models[model.model].substeps
        begun = sum(i.part.count * i.done for i in running if i.part.model == model.model)
        left += steps * max(0.0, model.trajectories - model.trajectories_done - begun)
    return left / rate
