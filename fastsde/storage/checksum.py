"""Checksums stored in the files themselves: the SHA-256 of an HDF5 file, in a line of text at its end.

HDF5 ignores data after its own end, so HDF5 and netCDF tools read the file like any other, and the checksum
is copied together with the file. ``tail -n 1 FILE`` shows the line::

    fastsde seal 1 sha256 <64 hex digits> bytes <number of bytes before this line, 20 digits>
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastsde.system.errors import DamageError
from fastsde.system.progress import Progress

__all__ = ["Advance", "Seal", "broken", "check_sealed", "read_seal", "sound", "verification", "write_seal"]

Advance = Callable[[int], None]
"""Called with the number of bytes read since the last call."""

_LINE = re.compile(rb"\nfastsde seal 1 sha256 ([0-9a-f]{64}) bytes (\d{20})\n")
_LENGTH = len("\nfastsde seal 1 sha256  bytes \n") + 64 + 20
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Seal:
    """The checksum stored in a file, and the length of the whole file in bytes."""

    sha256: str
    size: int


def write_seal(path: Path) -> Seal:
    """Compute the checksum of a closed file, and append it."""
    length = path.stat().st_size
    digest = _digest(path, length)
    with open(path, "ab") as file:
        file.write(f"\nfastsde seal 1 sha256 {digest} bytes {length:020d}\n".encode())
    return Seal(digest, length + _LENGTH)


def read_seal(path: Path) -> Seal | None:
    """Return a file's seal; None if it has none, because it has format 1.0 or was truncated."""
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _LENGTH))
        match = _LINE.fullmatch(file.read())
    return Seal(match[1].decode(), int(match[2]) + _LENGTH) if match else None


def broken(path: Path, *, quick: bool = False, advance: Advance | None = None) -> str | None:
    """Return what is wrong with a file according to its seal; None if nothing is.

    Parameters
    ----------
    path
        The file.
    quick
        Compare only lengths: this detects truncated files quickly, but not changed bytes.
    advance
        Called while the file is read.

    Notes
    -----
    A file without a seal passes; whether it should have one depends on its format version. An `OSError` means
    that the file could not be read, and tells nothing about its content.
    """
    seal = read_seal(path)
    if seal is None:
        return None
    size = path.stat().st_size
    if size != seal.size:
        return f"{path} has {size} bytes, but {seal.size} bytes were written"
    if quick:
        return None
    digest = _digest(path, size - _LENGTH, advance)
    if digest == seal.sha256:
        return None
    return (
        f"{path} has changed since it was written: its SHA-256 is {digest[:16]}..., "
        f"expected {seal.sha256[:16]}..."
    )


def sound(path: Path) -> bool:
    """Return whether a file exists, has a seal and agrees with it; `OSError` if it cannot be read."""
    try:
        return read_seal(path) is not None and broken(path) is None
    except FileNotFoundError:
        return False


def check_sealed(path: Path, version: tuple[int, int]) -> None:
    """Raise a `DamageError` if a file of a format that has seals has none."""
    if version >= (1, 1) and read_seal(path) is None:
        raise DamageError(f"{path} has no checksum at its end: it was truncated or appended to")


@contextlib.contextmanager
def verification(paths: Iterable[Path], progress: Progress | None) -> Iterator[Advance | None]:
    """Report the verification of files as one task; yields the `advance` that `broken` needs for it."""
    if progress is None:
        yield None
        return
    total, done = sum(_size(path) for path in paths), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress.update(done)

    with progress.task("verify checksums", total, "bytes") if total else contextlib.nullcontext():
        yield advance if total else None
        if total:
            progress.update(total)


def _size(path: Path) -> int:
    """Return the size of a file; 0 if it cannot be read, which is reported when it is opened."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _digest(path: Path, length: int, advance: Advance | None = None) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while length > 0:
            block = file.read(min(_BUFFER, length))
            if not block:
                break
            digest.update(block)
            length -= len(block)
            if advance is not None:
                advance(len(block))
    return digest.hexdigest()
