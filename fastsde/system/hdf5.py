"""Open HDF5 files on any file system, and distinguish unreadable files from damaged ones."""

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
    """Open an HDF5 file, without locking it if the file system has no locks (NFS without its lock daemon).

    This is safe, because files of a run are written under a temporary name and never change afterwards.
    """
    try:
        return h5py.File(path, mode, locking="best-effort", **options)
    except OSError as error:
        if system_errno(error) not in _NO_LOCKS:
            raise
        return h5py.File(path, mode, locking=False, **options)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn exceptions from reading a file into errors that state whether its content was read.

    Raises
    ------
    UnreadableError
        If the operating system refused to read the file (`fastsde.system.errors.system_errno`), so that its
        content is unknown. The cause is a `FileNotFoundError` if the file does not exist.
    DamageError
        If the content was read, and was not written by HDF5 or fastsde.
    """
    try:
        yield
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        number = system_errno(error)
        if number is None:
            raise DamageError(f"{path} is damaged, or is not an HDF5 file of fastsde ({error})") from error
        raise UnreadableError.about(path, number) from error
