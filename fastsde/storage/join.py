"""Join part files to one ensemble file, by reference or by copy."""

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
"""Attributes of a part that its neighbours need not share."""


@dataclass(frozen=True)
class Piece:
    """Trajectories `first` .. `first + count - 1`, standing at `offset` .. in the part file `path`.

    `part_count` is how many the file has, `seal` its checksum, `modified` when it was last changed.
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
        What the parts belong to.
    pieces
        For each model in file order, pieces without overlap: all trajectories 0 .. N - 1
        (`fastsde.run.run.cover`), or, for a part of the ensemble, some of them.
    path
        The ensemble file; it appears whole, replacing an older one.
    copy
        False: virtual datasets that name the part files relative to `path`, so the folder may be moved as a
        whole. True: the numbers themselves, one snapshot of one part (or 1 MiB) in memory at a time.
    stop
        Asked before every part of every variable, and every block that is copied, whether to stop.

    Raises
    ------
    DiskError
        If the disk refuses.
    Interrupted
        If `stop` said so; what stood at `path` still does.
    """
    with replacing(path) as temporary:
        with netcdf.open_new(temporary) as file:
            write_root(file, study, schema.ENSEMBLE_FORMAT)
            look = partial(_look, file, stop)
            for name, chain in pieces.items():
                _join_model(file, study, problem, name, chain, path.parent, copy, look)
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
    look: Callable[[], None],
) -> None:
    numbers = np.concatenate([np.arange(p.first, p.first + p.count, dtype=np.int64) for p in chain])
    total = len(numbers)
    strengths = np.asarray(problem.mode_strength, dtype=np.float64)
    group = define_group(file, study, name, numbers, strengths)
    sizes = schema.dimension_sizes(study, total)
    for variable_name, variable in (schema.recorded(study) | schema.EVENTS).items():
        if not all(variable.shape(sizes)):
            continue
        where = f"/{name}/{variable_name}"
        if copy:
            dataset = netcdf.create(group, variable_name, variable, sizes, study.dtype)
            _copy(dataset, where, variable, chain, look)
        else:
            layout = _virtual(where, variable, sizes, variable.dtype(study.dtype), chain, base, look)
            group.create_virtual_dataset(variable_name, layout, fillvalue=variable.fill)
            netcdf.declare(group, variable_name, variable)
    with reading(chain[0].path), netcdf.open_old(chain[0].path) as part:
        group.attrs.update({key: value for key, value in part[name].attrs.items() if key not in OF_A_PART})


def _virtual(
    where: str,
    variable: schema.Variable,
    sizes: Mapping[str, int],
    dtype: np.dtype[Any],
    chain: Sequence[Piece],
    base: Path,
    look: Callable[[], None],
) -> Any:
    layout = h5py.VirtualLayout(variable.shape(sizes), dtype)
    lead = (slice(None),) if variable.dims[0] == "snapshot" else ()
    for piece, place in _placed(chain):
        look()
        shape = variable.shape({**sizes, "trajectory": piece.part_count})
        source = h5py.VirtualSource(_relative(piece.path, base), where, shape, dtype)
        here = (*lead, slice(place, place + piece.count))
        there = (*lead, slice(piece.offset, piece.offset + piece.count))
        layout[here] = source[there]
    return layout


def _placed(chain: Sequence[Piece]) -> Iterator[tuple[Piece, int]]:
    """Yield each piece with the row of the ensemble at which it begins."""
    ends = itertools.accumulate(piece.count for piece in chain)
    for piece, end in zip(chain, ends, strict=True):
        yield piece, end - piece.count


def _look(file: netcdf.NewFile, stop: Callable[[], bool] | None) -> None:
    """Raise what the disk has refused, or that the joining was asked to stop."""
    file.check()
    if stop is not None and stop():
        raise Interrupted("stopped while joining, with all parts finished; the same command joins them")


def _copy(
    dataset: Any, where: str, variable: schema.Variable, chain: Sequence[Piece], look: Callable[[], None]
) -> None:
    """Copy one variable, a block of snapshots of a part at a time (events: a part at a time)."""
    timed = variable.dims[0] == "snapshot"
    for piece, place in _placed(chain):
        here = slice(place, place + piece.count)
        there = slice(piece.offset, piece.offset + piece.count)
        with reading(piece.path):
            part = netcdf.open_old(piece.path)
        with part:
            source = part[where]
            for lead in _leads(source) if timed else [()]:
                look()
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
    """List the files that must be there: a virtual dataset shows fill values in silence where one is not."""
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
