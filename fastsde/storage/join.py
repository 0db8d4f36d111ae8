"""Join part files into one ensemble file, by reference or by copy."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import write_seal
from fastsde.storage.header import define_group, write_root
from fastsde.storage.snapshot_files import BLOCK_BYTES
from fastsde.system.atomic import replacing
from fastsde.system.errors import Interrupted
from fastsde.system.hdf5 import reading

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.storage.checksum import Seal
    from fastsde.study.study import Study

__all__ = ["Piece", "join", "write_problem"]

OF_A_PART = ("coordinates", "seconds", "device")
"""Attributes that may differ between the parts of one model."""


@dataclass(frozen=True)
class Piece:
    """Trajectories `first` .. `first + count - 1`, stored from row `offset` in the part file `path`.

    `part_count` is the number of trajectories in the file, `seal` its checksum, and `modified` the time of
    its last modification.
    """

    path: Path
    first: int
    count: int
    offset: int
    part_count: int
    seal: Seal | None = None
    modified: int = -1


def join(
    study: Study,
    problem: Problem,
    pieces: Mapping[str, Sequence[Piece]],
    path: Path,
    copy: bool = False,
    stop: Callable[[], bool] | None = None,
) -> Path:
    """Write the ensemble file of a study from its parts and return its path.

    Parameters
    ----------
    study, problem
        The study of the parts, and its data.
    pieces
        For each model in file order, pieces without overlap: all trajectories 0 .. N - 1
        (`fastsde.run.run.cover`), or only some of them for partial results.
    path
        The ensemble file; an older one is replaced atomically.
    copy
        False: virtual datasets that refer to the part files by paths relative to `path`, so that the folder
        may be moved as a whole. True: the data themselves, with one snapshot of one part (or 1 MiB) in memory
        at a time.
    stop
        Called before every part of every variable, and before every copied block; joining stops if it returns
        True.

    Raises
    ------
    DiskError
        If the disk cannot be written.
    Interrupted
        If stopped by `stop`; an older file at `path` is unchanged.
    """
    with replacing(path) as temporary:
        with netcdf.open_new(temporary) as file:
            write_root(file, study, schema.ENSEMBLE_FORMAT)
            check = partial(_check, file, stop)
            for name, chain in pieces.items():
                _join_model(file, study, problem, name, chain, path.parent, copy, check)
            write_problem(file, problem)
            if not copy:
                _write_table(file, pieces, path.parent)
        write_seal(temporary)
    return path


def _join_model(
    file: Any,
    study: Study,
    problem: Problem,
    name: str,
    chain: Sequence[Piece],
    base: Path,
    copy: bool,
    check: Callable[[], None],
) -> None:
    numbers = np.concatenate([np.arange(p.first, p.first + p.count, dtype=np.int64) for p in chain])
    total = len(numbers)
    strengths = np.asarray(problem.mode_strength, dtype=np.float64)
    group = define_group(file, study, name, numbers, strengths)
    sizes = schema.dimension_sizes(study, total)
    for variable_name, variable in (schema.recorded(study) | schema.events(study)).items():
        if not all(variable.shape(sizes)):
            continue
        if copy:
            dataset = netcdf.create(group, variable_name, variable, sizes, study.dtype)
            _copy(dataset, name, variable_name, variable, chain, check)
        else:
            layout = _virtual(name, variable_name, variable, sizes, study, chain, base, check)
            group.create_virtual_dataset(variable_name, layout, fillvalue=variable.fill)
            netcdf.declare(group, variable_name, variable)
    with reading(chain[0].path), netcdf.open_old(chain[0].path) as part:
        group.attrs.update({key: value for key, value in part[name].attrs.items() if key not in OF_A_PART})


def _virtual(
    model: str,
    name: str,
    variable: schema.Variable,
    sizes: Mapping[str, int],
    study: Study,
    chain: Sequence[Piece],
    base: Path,
    check: Callable[[], None],
) -> Any:
    dtype = variable.dtype(study.dtype)
    layout = h5py.VirtualLayout(variable.shape(sizes), dtype)
    lead = (slice(None),) if variable.dims[0] == "snapshot" else ()
    for piece, place in _placed(chain):
        check()
        shape = variable.shape({**sizes, "trajectory": piece.part_count})
        where = f"/{model}/{_name_in(piece, model, name)}"
        source = h5py.VirtualSource(_relative(piece.path, base), where, shape, dtype)
        here = (*lead, slice(place, place + piece.count))
        there = (*lead, slice(piece.offset, piece.offset + piece.count))
        layout[here] = source[there]
    return layout


def _name_in(piece: Piece, model: str, name: str) -> str:
    """Return the name of a variable in a part; only a part of an older version has to be asked."""
    if name not in schema.FORMER_NAMES:
        return name
    with reading(piece.path), netcdf.open_old(piece.path) as part:
        return schema.stored_name(part[model], name)


def _placed(chain: Sequence[Piece]) -> Iterator[tuple[Piece, int]]:
    """Yield each piece with the row of the ensemble at which it begins."""
    ends = itertools.accumulate(piece.count for piece in chain)
    for piece, end in zip(chain, ends, strict=True):
        yield piece, end - piece.count


def _check(file: netcdf.NewFile, stop: Callable[[], bool] | None) -> None:
    """Raise a pending error of the disk, or `Interrupted` if joining was asked to stop."""
    file.check()
    if stop is not None and stop():
        raise Interrupted("stopped while joining; all parts are finished, rerun the command to join them")


def _copy(
    dataset: Any,
    model: str,
    name: str,
    variable: schema.Variable,
    chain: Sequence[Piece],
    check: Callable[[], None],
) -> None:
    """Copy one variable, one block of snapshots of a part at a time (events: one part at a time)."""
    timed = variable.dims[0] == "snapshot"
    for piece, place in _placed(chain):
        here = slice(place, place + piece.count)
        there = slice(piece.offset, piece.offset + piece.count)
        with reading(piece.path):
            part = netcdf.open_old(piece.path)
        with part:
            source = part[model][schema.stored_name(part[model], name)]
            for lead in _leads(source) if timed else [()]:
                check()
                with reading(piece.path):
                    values = source[(*lead, there)]
                dataset[(*lead, here)] = values


def _leads(source: Any) -> Iterator[tuple[slice]]:
    """Yield the blocks of snapshots of a dataset, as large as `BLOCK_BYTES`, or of one snapshot."""
    snapshots = len(source)
    step = max(1, BLOCK_BYTES * snapshots // source.nbytes)
    for begin in range(0, snapshots, step):
        yield (slice(begin, min(begin + step, snapshots)),)


def write_problem(file: Any, problem: Problem) -> None:
    """Write the arrays of a problem with named dimensions, its scalars as attributes."""
    group = file.create_group(schema.PROBLEM_GROUP, track_order=True)
    values = {field.name: getattr(problem, field.name) for field in dataclasses.fields(problem)}
    arrays = {name: array for name, array in values.items() if isinstance(array, np.ndarray)}
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        sizes |= dict(zip(schema.PROBLEM[name].dims, array.shape, strict=True))
    netcdf.define_dimensions(group, sizes)
    for name, array in arrays.items():
        netcdf.create(group, name, schema.PROBLEM[name], sizes, data=array)
    group.attrs.update(
        {name: value for name, value in values.items() if isinstance(value, int | float | str)}
    )


def _write_table(file: Any, pieces: Mapping[str, Sequence[Piece]], base: Path) -> None:
    """List the files that must exist: a virtual dataset silently returns fill values for missing ones."""
    table = file.create_group(schema.PARTS_GROUP)
    for name, chain in pieces.items():
        group = table.create_group(name)
        netcdf.define_dimensions(group, {"part": len(chain)})
        group["file"] = np.array([_relative(piece.path, base) for piece in chain], dtype=h5py.string_dtype())
        group["first"] = np.array([piece.first for piece in chain], dtype=np.int64)
        group["count"] = np.array([piece.count for piece in chain], dtype=np.int64)
        group["bytes"] = np.array([piece.seal.size if piece.seal else -1 for piece in chain], dtype=np.int64)
        group["sha256"] = np.array(
            [piece.seal.sha256 if piece.seal else "" for piece in chain], dtype=h5py.string_dtype()
        )
        group["modified"] = np.array([piece.modified for piece in chain], dtype=np.int64)
        for column in ("file", "first", "count", "bytes", "sha256", "modified"):
            group[column].dims[0].attach_scale(group["part"])


def _relative(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()
