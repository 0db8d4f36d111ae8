"""Existing snapshots of an unfinished range of trajectories, read from files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.storage import netcdf, schema
from fastsde.system.hdf5 import reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastsde.storage.plan import Part
    from fastsde.study.study import Study

__all__ = ["BLOCK_BYTES", "Source", "Sources", "reading"]

BLOCK_BYTES = 1 << 20
"""Snapshots smaller than this are read and written several at a time, because every HDF5 call is slow."""


class Source:
    """Snapshots of one file, a segment or a part.

    Parameters
    ----------
    path
        The file; its checksum has been verified before.
    before
        Only snapshots before this learning-rate step are used; None: all.

    Raises
    ------
    UnreadableError, DamageError
        If the file cannot be read, or is damaged (`fastsde.system.hdf5.reading`).
    """

    def __init__(self, path: Path, before: int | None = None) -> None:
        self.path = path
        with reading(path), netcdf.open_old(path) as file:
            model = str(file.attrs["model"])
            steps = [int(step) for step in file[model]["step"][...]]
            begin, end = file.attrs.get("snapshots", (0, len(steps)))
        self.model = model
        self.rows = {
            steps[row]: row for row in range(int(begin), int(end)) if before is None or steps[row] < before
        }


class Sources:
    """All files that hold snapshots of a part.

    Parameters
    ----------
    study, part
        What is being computed.
    files
        Files with snapshots. A snapshot that is in several files is read from the last one; all are equal.
    """

    def __init__(self, study: Study, part: Part, files: Iterable[Source] = ()) -> None:
        self._study, self._part = study, part
        self._steps = [int(step) for step in study.time.snapshot_steps()]
        self._shapes = _shapes(study, part.count)
        self._where: dict[int, Source] = {}
        for file in files:
            self.add(file)

    def __bool__(self) -> bool:
        return bool(self._where)

    def add(self, file: Source) -> None:
        """Add a file."""
        self._where |= dict.fromkeys(file.rows, file)

    def have(self, snapshots: int) -> bool:
        """Return whether the first `snapshots` snapshots of the study are available."""
        return all(step in self._where for step in self._steps[:snapshots])

    def blocks(self, snapshots: int) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
        """Read the first `snapshots` snapshots in order, several at a time if they are small.

        Yields
        ------
        begin : int
            Number of the first snapshot of a block.
        values : dict of str to ndarray
            All variables, shape (snapshots of the block, trajectories, ...).

        Raises
        ------
        UnreadableError, DamageError
            If the file cannot be read, or is damaged (`fastsde.system.hdf5.reading`).
        """
        begin = 0
        while begin < snapshots:
            values = self._read(begin, self._reach(begin, snapshots))
            yield begin, values
            begin += len(next(iter(values.values())))

    def _reach(self, begin: int, snapshots: int) -> int:
        """Return the end of the block of consecutive rows of one file that starts at `begin`."""
        source, row = self._row(begin)
        last = min(snapshots, begin + self._block())
        end = begin + 1
        while end < last and self._row(end) == (source, row + end - begin):
            end += 1
        return end

    def _row(self, index: int) -> tuple[Source, int]:
        step = self._steps[index]
        return self._where[step], self._where[step].rows[step]

    def _block(self) -> int:
        """Return how many snapshots are read at a time."""
        values = sum(math.prod(shape) for shape in self._shapes.values())
        return max(1, BLOCK_BYTES // max(1, values * np.dtype(self._study.dtype).itemsize))

    def _read(self, begin: int, end: int) -> dict[str, NDArray[Any]]:
        source, row = self._row(begin)
        rows = slice(row, row + end - begin)
        with reading(source.path), netcdf.open_old(source.path) as file:
            group = file[source.model]
            return {
                name: group[name][rows] if all(shape) else np.empty((end - begin, *shape))
                for name, shape in self._shapes.items()
            }


def _shapes(study: Study, count: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every recorded variable in one snapshot."""
    sizes = schema.dimension_sizes(study, count)
    return {name: variable.shape(sizes)[1:] for name, variable in schema.recorded(study).items()}
