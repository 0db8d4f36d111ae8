"""The progress of a run: parts done, running, stopped, missing, broken or unreadable, and the time left."""

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
    from fastsde.system.progress import Progress

__all__ = ["ModelStatus", "RunStatus", "Running", "status"]


@dataclass(frozen=True)
class Running:
    """A part that is being computed, or was being computed when its process ended.

    Attributes
    ----------
    part
        The part.
    alive
        Whether a process is working on it.
    done
        Fraction that is finished; if not `alive`, up to the last checkpoint.
    rate
        Trajectory-steps per second, reported by the process; 0 before its first report.
    host, process, updated
        Host and ID of the process, and the time of its last report (by its own clock).
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
    """The progress of one model: its parts by state, and trajectories done and in total."""

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
    """The progress of a run.

    Attributes
    ----------
    study
        The study of the run.
    models
        Progress of each model, in the order of the study.
    running
        Parts that are running or stopped.
    broken
        For each broken file, the reason.
    unreadable
        For each file that cannot be read, the reason.
    joined
        Whether there is an ensemble file.
    seconds_left
        Estimate from the speed of the running processes; None if there is none, or none has reported yet.
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
        """Whether every part is finished and intact."""
        return all(model.trajectories_done == model.trajectories for model in self.models)

    def to_mapping(self) -> dict[str, Any]:
        """Return the status as plain values, for JSON."""
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


def status(directory: Path | str, *, verify: bool = False, progress: Progress | None = None) -> RunStatus:
    """Return the progress of the run in a directory.

    Only files are read, so this works on any machine that sees the directory.

    Parameters
    ----------
    directory
        Directory of the run.
    verify
        Verify every checksum; otherwise truncated files are detected, but not changed bytes.
    progress
        Reports the verification of checksums; None: silent.

    Raises
    ------
    StoreError
        If the directory has no study, or contains an intact part of another study.
    """
    from fastsde.storage.layout import ENSEMBLE_FILE

    study = study_of(directory)
    stock = take_stock(study, directory, verify=verify, progress=progress)
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
    """Return whether an unfinished part has no file yet: its folder is removed shortly after."""
    mine = sorted(other for other in whole if other.model == part.model)
    return bool(gaps(mine, part.last, part.first))


def _running(
    study: Study,
    directory: Path | str,
    part: Part,
    report: dict[str, Any] | None,
    alive: bool,
    unreadable: list[str],
) -> Running:
    """Return the progress of a part; a checkpoint that cannot be read is added to `unreadable`."""
    steps = study.time.steps * study.models[part.model].substeps
    report = report or {}
    try:
        step = report.get("step", 0) if alive else saved_step(directory, part) or 0
    except UnreadableError as error:
        unreadable.append(str(error))
        step = 0
    return Running(
        part,
        alive,
        min(1.0, step / steps),
        float(report.get("rate", 0.0)) if alive else 0.0,
        str(report.get("host", "")),
        int(report.get("process", 0)),
        str(report.get("updated", "")),
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
    """Return the parts that cannot be read, each of the planned size or up to the next file."""
    names = [item.path.stem.rpartition("-") for item in stock.unreadable]
    firsts = sorted(int(first) for model, _, first in names if model == name)
    parts = []
    for first in firsts:
        after = [part.first for part in taken if part.first > first]
        end = min([*(other for other in firsts if other > first), *after, study.trajectories])
        parts += divide(study, name, first, end, None)[:1]
    return parts


def _missing(study: Study, name: str, taken: list[Part]) -> int:
    """Return how many parts have not been started."""
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
