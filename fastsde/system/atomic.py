"""Files that are complete or absent: written under a temporary name, flushed, and renamed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from fastsde.system.errors import DiskError, UnreadableError

__all__ = [
    "check_writable",
    "commit",
    "discard",
    "listed",
    "present",
    "replacing",
    "set_aside",
    "sweep",
    "temporary_sibling",
]

_TEMPORARY = re.compile(r"^\.(?P<name>.+)\.(?P<host>[^.]*)\.(?P<pid>\d+)\.[0-9a-f]{8}\.tmp$")


def temporary_sibling(path: Path) -> Path:
    """Return the name of a temporary file next to `path` that no other process will choose.

    The name contains the host and the process ID, so that `sweep` can distinguish the files of killed
    processes from those of running ones.
    """
    return path.with_name(f".{path.name}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def commit(temporary: Path, path: Path) -> None:
    """Flush `temporary` to disk and rename it to `path`, replacing an existing file.

    Both paths must be on the same file system. Readers see either the old or the new file, even after a power
    failure.
    """
    _flush(temporary)
    os.replace(temporary, path)
    _flush(path.parent)


def discard(temporary: Path) -> None:
    """Remove a temporary file if it exists."""
    temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the name of a temporary file that becomes `path` if the block ends without an exception.

    Raises
    ------
    DiskError
        If the operating system reports an error; an existing file at `path` is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "study.toml") as temporary:
    ...         _ = temporary.write_text("seed = 0")
    ...     sorted(entry.name for entry in Path(folder).iterdir())
    ['study.toml']
    """
    temporary = temporary_sibling(path)
    try:
        yield temporary
        commit(temporary, path)
    except OSError as error:
        raise DiskError.about(path, error) from error
    finally:
        discard(temporary)


def check_writable(path: Path) -> None:
    """Raise `DiskError` if no file can be written at a path; no file is left behind."""
    temporary = temporary_sibling(path)
    try:
        temporary.touch(exist_ok=False)
        discard(temporary)
    except OSError as error:
        raise DiskError.about(path, error) from error


def present(path: Path) -> bool:
    """Return whether a file of any kind exists at a path; `OSError` if the system does not say."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def listed(folder: Path, suffix: str) -> list[Path]:
    """Return the files of a folder whose names end in `suffix`, sorted; an empty list if there is no folder.

    Raises
    ------
    UnreadableError
        If the folder cannot be read (`Path.glob` would treat it as empty).
    """
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if name.endswith(suffix)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UnreadableError.about(folder, error.errno or 0) from error


def set_aside(path: Path) -> Path:
    """Rename a file to a free name, ``NAME.broken`` or ``NAME.2.broken`` ..., and return the new path."""
    aside, number = path.with_name(f"{path.name}.broken"), 1
    while present(aside):
        number += 1
        aside = path.with_name(f"{path.name}.{number}.broken")
    path.rename(aside)
    return aside


def sweep(directory: Path) -> int:
    """Remove temporary files in `directory` left by ended processes of this host; return their number.

    Files of other hosts and of running processes are kept, since they may be in use on a shared disk.
    """
    removed = 0
    for entry in directory.glob(".*.tmp"):
        match = _TEMPORARY.match(entry.name)
        if match and match["host"] == _host() and not _alive(int(match["pid"])):
            discard(entry)
            removed += 1
    return removed


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
