"""Snapshots that stand in files already, of a range of trajectories that is not finished."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde import netcdf, schema
from fastsde.hdf5 import reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastsde.plan import Part
    from fastsde.study import Study

__all__ = ["Source", "Sources"]


class Source:
    """Rows of one file: segment or part.

    Parameters
    ----------
    path
        The file, whose checksum has been looked at.
    before
        Learning-rate step from which on its snapshots are not taken; None: all are.

    Raises
    ------
    UnreadableError, DamageError
        If the file cannot be read, or is damaged (`fastsde.hdf5.reading`).
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
        Where snapshots stand; of one that stands in several the last is read (they are all the same numbers).
    """

    def __init__(self, study: Study, part: Part, files: Iterable[Source] = ()) -> None:
        self._study, self._part = study, part
        self._steps = [int(step) for step in study.time.snapshot_steps()]
        self._where: dict[int, Source] = {}
        for file in files:
            self.add(file)

    def __bool__(self) -> bool:
        return bool(self._where)

    def add(self, file: Source) -> None:
        """Take up another file."""
        self._where |= dict.fromkeys(file.rows, file)

    def have(self, snapshots: int) -> bool:
        """Say whether the first so many snapshots of the study are there."""
        return all(step in self._where for step in self._steps[:snapshots])

    def read(self, index: int) -> dict[str, NDArray[Any]]:
        """Read all variables of a snapshot, arrays with the trajectories first.

        Raises
        ------
        UnreadableError, DamageError
            If the file cannot be read, or is damaged (`fastsde.hdf5.reading`).
        """
        source = self._where[self._steps[index]]
        sizes = schema.dimension_sizes(self._study, self._part.count)
        values: dict[str, NDArray[Any]] = {}
        with reading(source.path), netcdf.open_old(source.path) as file:
            group = file[source.model]
            for name, variable in schema.recorded(self._study).items():
                shape = variable.shape(sizes)[1:]
                row = source.rows[self._steps[index]]
                values[name] = group[name][row] if all(shape) else np.empty(shape)
        return values
