"""Files that are whole or absent: write beside the name, flush, rename."""

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
    """Name a temporary file beside `path` that no other process will choose.

    The name holds the host and the process id, so that what a killed process left can be told from what a
    living one is writing (`sweep`).
    """
    return path.with_name(f".{path.name}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def commit(temporary: Path, path: Path) -> None:
    """Flush `temporary` to the disk and rename it to `path`, replacing what stood there.

    Both names must lie on one file system. After the call a reader sees the old file or the new one, and a
    power cut leaves one of the two.
    """
    _flush(temporary)
    os.replace(temporary, path)
    _flush(path.parent)


def discard(temporary: Path) -> None:
    """Remove a temporary file if it is there."""
    temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a temporary file that becomes `path` when the block ends without an exception.

    Raises
    ------
    DiskError
        If the system refuses anything; what was at `path` still is.

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
    """Raise `DiskError` if no file can be written at a path; nothing is left there."""
    temporary = temporary_sibling(path)
    try:
        temporary.touch(exist_ok=False)
        discard(temporary)
    except OSError as error:
        raise DiskError.about(path, error) from error


def present(path: Path) -> bool:
    """Say whether a name is taken; an `OSError` if the system does not tell."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def listed(folder: Path, suffix: str) -> list[Path]:
    """Return the files of a folder whose names end in `suffix`, sorted; none if there is no such folder.

    Raises
    ------
    UnreadableError
        If the folder cannot be read (`Path.glob` shows it as an empty one).
    """
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if name.endswith(suffix)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UnreadableError.about(folder, error.errno or 0) from error


def set_aside(path: Path) -> Path:
    """Rename a file to a free name beside it, ``NAME.broken`` or ``NAME.2.broken`` ..., and return that."""
    aside, number = path.with_name(f"{path.name}.broken"), 1
    while present(aside):
        number += 1
        aside = path.with_name(f"{path.name}.{number}.broken")
    path.rename(aside)
    return aside


def sweep(directory: Path) -> int:
    """Remove temporary files that processes of this host, now gone, left in `directory`; return how many.

    Files of other hosts and of living processes are left alone: on a shared disk they may be in use.
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
