"""Partial results of an unfinished run: all trajectories up to a given step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.integration import split_events
from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import write_seal
from fastsde.storage.header import define_group, model_attributes, write_root
from fastsde.storage.in_progress import found, look
from fastsde.storage.inventory import take_stock
from fastsde.storage.join import write_problem
from fastsde.storage.layout import PARTIAL_FILE
from fastsde.storage.plan import Part
from fastsde.storage.run_directory import study_of
from fastsde.storage.snapshot_files import Source, Sources
from fastsde.study.dimensions import passage_shapes
from fastsde.study.stops import stop_masks, stopped_steps
from fastsde.system.atomic import replacing
from fastsde.system.errors import IncompleteError, StoreError
from fastsde.system.hdf5 import reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastsde.study.study import Study

__all__ = ["peek"]


@dataclass(frozen=True)
class _Seen:
    """A part that has reached the requested step: the files of its snapshots, and its events."""

    part: Part
    sources: Sources
    events: dict[str, NDArray[Any]]


def peek(directory: Path | str, step: int) -> Path:
    """Write ``partial.h5``, the ensemble of all trajectories that have reached a step, and return its path.

    The file is an ensemble of the study shortened to that step. It contains the data themselves, so it does
    not change while the run continues. The files of the run are not modified.

    Parameters
    ----------
    directory
        Directory of the run; other processes may be computing in it. Finished parts are read, and unfinished
        ones up to their last checkpoints.
    step
        A learning-rate step above 0 at which the study takes a snapshot.

    Raises
    ------
    IncompleteError
        If no trajectory has reached the step.
    StoreError
        If the study takes no snapshot at this step, or if a part is broken.

    Notes
    -----
    First passages are those detected by the regular checks (``events.every``) up to the step.
    """
    directory = Path(directory)
    study = study_of(directory)
    taken = [int(s) for s in study.time.snapshot_steps() if s > 0]
    if step not in taken:
        raise StoreError(
            f"there is no snapshot at step {step}; snapshots are at {', '.join(map(str, taken))}"
        )
    short = study.replace(time={"steps": step, "snapshots": {"at": [0, *(s for s in taken if s <= step)]}})
    for attempt in range(3):
        try:
            return _write(
                short, {name: _seen(study, short, directory, name) for name in study.models}, directory
            )
        except (FileNotFoundError, StoreError) as error:
            gone = isinstance(error.__cause__ or error, FileNotFoundError)
            if attempt == 2 or not gone:  # otherwise a part has been finished, and its segments removed
                raise
    raise AssertionError


def _seen(study: Study, short: Study, directory: Path, name: str) -> list[_Seen]:
    """Return the parts of a model that have reached the step, without overlap."""
    stock = take_stock(study, directory)
    stock.refuse_broken()
    seen = []
    for standing in [*stock.whole, *stock.shorter]:
        if standing.part.model == name and standing.steps >= short.time.steps:
            sources = Sources(short, standing.part, [Source(standing.path)])
            seen.append(_Seen(standing.part, sources, _events_of_part(standing.path, short, name)))
    for part, _, _ in found(directory):
        loaded = look(directory, part, short) if part.model == name else None
        if loaded is not None and loaded[1].have(len(short.time.snapshot_steps())):
            seen.append(_Seen(part, loaded[1], _events_of_checkpoint(loaded[0], short, name)))
    chosen: list[_Seen] = []
    for item in sorted(seen, key=lambda item: item.part):
        if not chosen or item.part.first >= chosen[-1].part.last:
            chosen.append(item)
    return chosen


def _events_of_part(path: Path, short: Study, name: str) -> dict[str, NDArray[Any]]:
    with reading(path), netcdf.open_old(path) as file:
        group = file[name]
        stored = {event: schema.stored_name(group, event) for event in schema.events(short)}
        values = {event: group[place][...] for event, place in stored.items() if place in group}
    return _until(values, short, name)


def _events_of_checkpoint(checkpoint: Checkpoint, short: Study, name: str) -> dict[str, NDArray[Any]]:
    from fastsde.problem.data import build_problem

    values = split_events(checkpoint.diverged, checkpoint.passed, passage_shapes(short))
    if short.events.stops:
        masks = stop_masks(short, build_problem(short).mode_strength)
        values["stopped_step"] = stopped_steps(checkpoint.passed, masks)
    return _until(values, short, name)


def _until(values: dict[str, NDArray[Any]], short: Study, name: str) -> dict[str, NDArray[Any]]:
    """Remove events after the end of the shortened study."""
    last = short.time.steps * short.models[name].substeps
    return {event: np.where(steps <= last, steps, -1) for event, steps in values.items()}


def _write(short: Study, seen: dict[str, list[_Seen]], directory: Path) -> Path:
    from fastsde.problem.data import build_problem

    if not any(seen.values()):
        raise IncompleteError(f"no trajectory in {directory} has reached step {short.time.steps} yet")
    path, problem = directory / PARTIAL_FILE, build_problem(short)
    strengths = np.asarray(problem.mode_strength, dtype=np.float64)
    with replacing(path) as temporary:
        with netcdf.open_new(temporary) as file:
            write_root(file, short, schema.ENSEMBLE_FORMAT)
            for name, parts in seen.items():
                if parts:
                    _write_model(file, short, name, parts, strengths)
            write_problem(file, problem)
        write_seal(temporary)
    return path


def _write_model(
    file: Any, short: Study, name: str, parts: Sequence[_Seen], strengths: NDArray[np.float64]
) -> None:
    numbers = np.concatenate([np.arange(i.part.first, i.part.last, dtype=np.int64) for i in parts])
    group = define_group(file, short, name, numbers, strengths)
    sizes = schema.dimension_sizes(short, len(numbers))
    for variable_name, variable in (schema.recorded(short) | schema.events(short)).items():
        if all(variable.shape(sizes)):
            netcdf.create(group, variable_name, variable, sizes, short.dtype)
    end = 0
    for item in parts:
        begin, end = end, end + item.part.count
        for event, values in item.events.items():
            if event in group:
                group[event][begin:end] = values
        for first, block in item.sources.blocks(sizes["snapshot"]):
            for variable_name, values in block.items():
                if variable_name in group:
                    group[variable_name][first : first + len(values), begin:end] = values
            file.check()
    group.attrs.update(model_attributes(short, name))
