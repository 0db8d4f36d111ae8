"""Open HDF5 files on any file system, and tell files that cannot be read from files that are damaged."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from fastsde.system.errors import DamageError, UnreadableError, system_errno

__all__ = ["open_hdf5", "reading"]

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def open_hdf5(path: Path, mode: str, **options: Any) -> Any:
    """Open an HDF5 file, without HDF5's lock on it where the file system has none (NFS without its daemon).

    Nothing is lost by that: files of a run are written under a temporary name and never change afterwards.
    """
    try:
        return h5py.File(path, mode, locking="best-effort", **options)
    except OSError as error:
        if system_errno(error) not in _NO_LOCKS:
            raise
        return h5py.File(path, mode, locking=False, **options)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what reading a file raises into an error that says whether its content was seen.

    Raises
    ------
    UnreadableError
        If the system refused (`fastsde.system.errors.system_errno`): nothing is known of the content. Its
        cause is a `FileNotFoundError` if there is no such file.
    DamageError
        If the content was read and is not what HDF5 or fastsde wrote.
    """
    try:
        yield
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        number = system_errno(error)
        if number is None:
            raise DamageError(f"{path} is damaged, or not HDF5 of fastsde ({error})") from error
        raise UnreadableError.about(path, number) from error
