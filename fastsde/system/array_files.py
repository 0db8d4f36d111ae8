"""Arrays in files of other programs: NumPy's, HDF5 and netCDF, zarr, safetensors, text; nothing is unpickled.

`open_arrays` reads headers only, so that sizes are checked before anything is read. A file that claims more
than it holds is refused before memory is taken for it.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["SUFFIXES", "ArrayFileError", "StoredArray", "open_arrays"]

HEADER_LIMIT = 100_000_000
"""Bytes of the header of a safetensors file; the format allows no more."""
SAFE_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}
"""Types of safetensors that NumPy has."""


class ArrayFileError(ValueError):
    """A file cannot be read as arrays.

    Parameters
    ----------
    found, expected : str
    """

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found}, expected {expected}")
        self.found, self.expected = found, expected


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, not read yet.

    Attributes
    ----------
    name : str
        Its name in the file; empty in files of a single array.
    shape : tuple of int
    dtype : numpy.dtype
    read : callable
        ``read(index)`` returns the part at an index of NumPy's, all by default.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[..., NDArray[Any]]


def open_arrays(path: Path) -> dict[str, StoredArray]:
    """Return the arrays of a file by name, without reading them.

    Parameters
    ----------
    path : Path
        ``.npz``, ``.npy`` (one array, named ""), ``.csv`` or ``.txt`` (one table of numbers, named "", commas
        or blanks between them, one line of names allowed), ``.h5``, ``.hdf5`` or ``.nc`` (datasets by path),
        ``.safetensors``, or a ``.zarr`` directory where zarr is installed.

    Returns
    -------
    dict of str to StoredArray

    Raises
    ------
    ArrayFileError
        If there is nothing to read, or it is not what its name says.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "two.npz"
    ...     np.savez(path, x=np.zeros((3, 2)), y=np.ones(3))
    ...     {name: one.shape for name, one in open_arrays(path).items()}
    {'x': (3, 2), 'y': (3,)}
    """
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        raise ArrayFileError(f'"{path.name}"', f"a file {', '.join(SUFFIXES)}")
    with _readable(path):
        found = {one.name: one for one in opener(path)}
    if not found:
        raise ArrayFileError(f"no array in {path}", "a file with arrays")
    return found


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever a library raises on a bad file into one error."""
    try:
        yield
    except ArrayFileError:
        raise
    except FileNotFoundError:
        raise ArrayFileError(f"no file {path}", "a file that exists") from None
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        TypeError,
        AttributeError,
        MemoryError,
        OverflowError,
        SyntaxError,
        NotImplementedError,
        RuntimeError,
        zipfile.BadZipFile,
    ) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArrayFileError(
            f"a file that cannot be read ({line}): {path}", "a file of numbers, nothing pickled"
        ) from None


def _stored(path: Path, name: str, shape: Any, dtype: Any, whole: Callable[[], Any]) -> StoredArray:
    """Return an array of which `whole` reads everything, and then a part."""

    def read(index: Any = ()) -> NDArray[Any]:
        with _readable(path):
            return np.asarray(whole()[index])

    return StoredArray(name, tuple(int(size) for size in shape), np.dtype(dtype), read)


def _npy(path: Path) -> Iterator[StoredArray]:
    with path.open("rb") as file:
        shape, dtype = _header(file, path, os.path.getsize(path))
    yield _stored(path, "", shape, dtype, lambda: np.load(path, mmap_mode="r", allow_pickle=False))


def _npz(path: Path) -> Iterator[StoredArray]:
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            if not item.filename.endswith(".npy"):
                continue
            with archive.open(item) as file:
                shape, dtype = _header(file, path, item.file_size)  # type: ignore[arg-type]
            name = item.filename.removesuffix(".npy")
            yield _stored(path, name, shape, dtype, _member(path, name))


def _member(path: Path, name: str) -> Callable[[], NDArray[Any]]:
    @cache  # an archive has no parts to read: whoever reads one after the other reads it once
    def read() -> NDArray[Any]:
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive[name])

    return read


def _header(file: BinaryIO, path: Path, size: int) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read the header of NumPy's format, and refuse objects and more numbers than there are."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ArrayFileError(f"an array of version {version} of NumPy's format in {path}", "version 1 or 2")
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ArrayFileError(f"pickled objects in {path}", "numbers: nothing is unpickled")
    _fits(path, shape, dtype, size)
    return shape, dtype


def _fits(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], size: int) -> None:
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed > size:
        raise ArrayFileError(
            f"a header that claims {claimed:,} bytes for an array of shape {shape} where there are {size:,} "
            f"in {path}",
            "a whole file",
        )


def _text(path: Path) -> Iterator[StoredArray]:
    with path.open(encoding="utf-8") as file:
        first = next((line for line in file if line.strip() and not line.startswith("#")), "")
    delimiter = "," if "," in first else None
    names = not _all_numbers(first.split(delimiter))
    table = np.loadtxt(path, delimiter=delimiter, skiprows=int(names), ndmin=2, encoding="utf-8")
    yield _stored(path, "", table.shape, table.dtype, lambda: table)


def _all_numbers(words: list[str]) -> bool:
    try:
        [float(word) for word in words]
    except ValueError:
        return False
    return True


def _hdf5(path: Path) -> Iterator[StoredArray]:
    import h5py

    found: list[StoredArray] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub" and item.shape is not None:
            found.append(StoredArray(name, item.shape, item.dtype, _dataset(path, name)))

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    yield from found


def _dataset(path: Path, name: str) -> Callable[..., NDArray[Any]]:
    def read(index: Any = ()) -> NDArray[Any]:
        import h5py

        with _readable(path), h5py.File(path, "r") as file:
            return np.asarray(file[name][index])

    return read


def _zarr(path: Path) -> Iterator[StoredArray]:
    try:
        import zarr
    except ModuleNotFoundError:
        raise ArrayFileError(
            f"{path}, which needs zarr", "zarr installed (pip install zarr), or another format"
        ) from None
    root = zarr.open(path, mode="r")
    arrays = root.arrays() if hasattr(root, "arrays") else [("", root)]
    for name, one in arrays:
        yield StoredArray(name, one.shape, one.dtype, lambda index=(), one=one: np.asarray(one[index or ...]))


def _safetensors(path: Path) -> Iterator[StoredArray]:
    size = os.path.getsize(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, HEADER_LIMIT):
            raise ArrayFileError(f"a header of {length:,} bytes in {path}, of {size:,}", "a whole file")
        header = json.loads(file.read(length))
    for name, item in header.items():
        if name == "__metadata__":
            continue
        if item["dtype"] not in SAFE_TYPES:
            raise ArrayFileError(f"numbers of type {item['dtype']} in {path}", ", ".join(SAFE_TYPES))
        shape, dtype = tuple(item["shape"]), np.dtype(SAFE_TYPES[item["dtype"]])
        begin, end = item["data_offsets"]
        _fits(path, shape, dtype, min(end, size - 8 - length) - begin)
        yield _stored(path, name, shape, dtype, _mapped(path, dtype, 8 + length + begin, shape))


def _mapped(path: Path, dtype: Any, offset: int, shape: tuple[int, ...]) -> Callable[[], NDArray[Any]]:
    def read() -> NDArray[Any]:
        if not math.prod(shape):
            return np.empty(shape, dtype)
        return np.memmap(path, dtype, "r", offset, shape)

    return read


_OPENERS: Mapping[str, Callable[[Path], Iterator[StoredArray]]] = {
    ".npz": _npz,
    ".npy": _npy,
    ".csv": _text,
    ".txt": _text,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".nc": _hdf5,
    ".safetensors": _safetensors,
    ".zarr": _zarr,
}
SUFFIXES = tuple(_OPENERS)
