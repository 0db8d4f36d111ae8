"""The few netCDF-4 conventions on top of HDF5: named dimensions, units, long names."""

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
    """A new HDF5 file, which closes whatever the disk says.

    Parameters
    ----------
    path
        The file; it is replaced if it is there.
    options
        Those of `h5py.File`.

    Raises
    ------
    OSError
        If the file cannot be made; on leaving the block, or from `check`, if the disk refused a part of it.
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
        """Raise what the disk has refused so far; whoever writes much asks now and then."""
        self._output.check()


def open_new(path: Path) -> NewFile:
    """Create an HDF5 file whose groups remember the order of their members (as netCDF-4 asks).

    The 1.10 format is the oldest with virtual datasets, and lets an attribute be longer than 64 KiB.
    """
    return NewFile(path, libver="v110", track_order=True)


def open_old(path: Path) -> Any:
    """Open an HDF5 file for reading, also on file systems without locks."""
    return open_hdf5(path, "r")


def define_dimensions(group: Any, sizes: Mapping[str, int], coordinates: Iterable[str] = ()) -> None:
    """Make a dimension scale for every dimension of positive size that no coordinate variable will name."""
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
    """Describe a dataset that exists: units, long name, and its dimensions by attached scales."""
    dataset = group[name]
    dataset.attrs["units"] = variable.units
    dataset.attrs["long_name"] = variable.long_name
    if variable.dims == (name,):
        dataset.make_scale(name)
        return
    for axis, dim in enumerate(variable.dims):
        dataset.dims[axis].attach_scale(group[dim])
