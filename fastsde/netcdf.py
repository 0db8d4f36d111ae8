"""The few netCDF-4 conventions on top of HDF5: named dimensions, units, long names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastsde.hdf5 import open_hdf5
from fastsde.schema import Variable, chunks

__all__ = ["create", "declare", "define_dimensions", "open_new", "open_old"]

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable. {:>10}"


def open_new(path: Path) -> Any:
    """Create an HDF5 file whose groups remember the order of their members (as netCDF-4 asks).

    The 1.10 format is the oldest with virtual datasets, and lets an attribute be longer than 64 KiB.
    """
    return open_hdf5(path, "w", libver="v110", track_order=True)


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
