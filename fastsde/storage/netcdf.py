"""The netCDF-4 conventions that files follow on top of HDF5: named dimensions, units, long names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from fastsde.storage.schema import Variable, chunks
from fastsde.system.hdf5 import open_hdf5
from fastsde.system.output import Output

__all__ = ["NewFile", "create", "declare", "define_dimensions", "open_new", "open_old"]

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable. {:>10}"


class NewFile(h5py.File):  # type: ignore[misc, unused-ignore]
    """A new HDF5 file that can always be closed, even after an error of the disk.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    options
        Options of `h5py.File`.

    Raises
    ------
    OSError
        If the file cannot be created; on leaving the block, or from `check`, if a write failed.
    """

    def __init__(self, path: Path, **options: Any) -> None:
        self._output = Output(path)
        super().__init__(self._output, "w", **options)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, value, trace)
        finally:
            self._output.close()
        self.check()

    def check(self) -> None:
        """Raise the first write error so far; call it regularly while writing large files."""
        self._output.check()


def open_new(path: Path) -> NewFile:
    """Create an HDF5 file whose groups keep the order of their members, as netCDF-4 requires.

    The 1.10 format is the oldest one with virtual datasets; it allows attributes longer than 64 KiB.
    """
    return NewFile(path, libver="v110", track_order=True)


def open_old(path: Path) -> Any:
    """Open an HDF5 file for reading, also on file systems without locks."""
    return open_hdf5(path, "r")


def define_dimensions(group: Any, sizes: Mapping[str, int], coordinates: Iterable[str] = ()) -> None:
    """Create a dimension scale for every dimension of positive size that has no coordinate variable."""
    for name, size in sizes.items():
        if size > 0 and name not in coordinates:
            scale = group.create_dataset(name, shape=(size,), dtype=">f4")
            scale.make_scale(_NO_VARIABLE.format(size))


def create(
    group: Any,
    name: str,
    variable: Variable,
    sizes: Mapping[str, int],
    study_dtype: str = "float64",
    data: Any = None,
) -> Any:
    """Create one variable with its fill value, chunks, dimensions and description; return the dataset.

    With `data` the variable is written whole and contiguous, otherwise it is chunked (see `schema.chunks`).
    A variable named like its dimension becomes that dimension's coordinate.
    """
    dtype = variable.dtype(study_dtype)
    if data is None:
        dataset = group.create_dataset(
            name,
            shape=variable.shape(sizes),
            dtype=dtype,
            fillvalue=variable.fill,
            chunks=chunks(variable, sizes, dtype.itemsize),
        )
    else:
        dataset = group.create_dataset(name, data=np.ascontiguousarray(data, dtype=dtype))
    declare(group, name, variable)
    return dataset


def declare(group: Any, name: str, variable: Variable) -> None:
    """Describe an existing dataset: units, long name, and its dimensions by attached scales."""
    dataset = group[name]
    dataset.attrs["units"] = variable.units
    dataset.attrs["long_name"] = variable.long_name
    if variable.dims == (name,):
        dataset.make_scale(name)
        return
    for axis, dim in enumerate(variable.dims):
        dataset.dims[axis].attach_scale(group[dim])
