"""Checksums that files carry with them: the SHA-256 of an HDF5 file, in one line of text behind it.

HDF5 does not look behind its own end, so the tools of HDF5 and netCDF read the file as any other, and the
checksum goes where the file goes. ``tail -n 1 FILE`` shows the line::

    fastsde seal 1 sha256 <64 hex digits> bytes <length of what stands before, 20 digits>
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from fastsde.system.errors import DamageError

__all__ = ["Seal", "broken", "check_sealed", "read_seal", "sound", "write_seal"]

_LINE = re.compile(rb"\nfastsde seal 1 sha256 ([0-9a-f]{64}) bytes (\d{20})\n")
_LENGTH = len("\nfastsde seal 1 sha256  bytes \n") + 64 + 20
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Seal:
    """What a file says of itself: the checksum, and the length of the whole file in bytes."""

    sha256: str
    size: int


def write_seal(path: Path) -> Seal:
    """Compute the checksum of a closed file, and write it behind."""
    length = path.stat().st_size
    digest = _digest(path, length)
    with open(path, "ab") as file:
        file.write(f"\nfastsde seal 1 sha256 {digest} bytes {length:020d}\n".encode())
    return Seal(digest, length + _LENGTH)


def read_seal(path: Path) -> Seal | None:
    """Return a file's seal; None if it has none: it is of format 1.0, or it was cut short."""
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _LENGTH))
        match = _LINE.fullmatch(file.read())
    return Seal(match[1].decode(), int(match[2]) + _LENGTH) if match else None


def broken(path: Path, *, quick: bool = False) -> str | None:
    """Say what is wrong with a file according to its seal; None if nothing is.

    Parameters
    ----------
    path
        The file.
    quick
        Look at the seal and compare lengths only: finds a file cut short at once, flipped bytes not at all.

    Notes
    -----
    A file without a seal passes: whether it should have one its format version says. An `OSError` says that
    the file could not be read, and nothing of what it holds.
    """
    seal = read_seal(path)
    if seal is None:
        return None
    size = path.stat().st_size
    if size != seal.size:
        return f"{path} has {size} bytes and was written with {seal.size}"
    if quick:
        return None
    digest = _digest(path, size - _LENGTH)
    if digest == seal.sha256:
        return None
    return (
        f"{path} does not have the SHA-256 it was written with: some of its bytes have changed "
        f"(found {digest[:16]}.., expected {seal.sha256[:16]}..)"
    )


def sound(path: Path) -> bool:
    """Say whether a file is there, has a seal, and is as the seal says; an `OSError` if it cannot be read."""
    try:
        return read_seal(path) is not None and broken(path) is None
    except FileNotFoundError:
        return False


def check_sealed(path: Path, version: tuple[int, int]) -> None:
    """Raise a `DamageError` if a file of a format that has seals has none."""
    if version >= (1, 1) and read_seal(path) is None:
        raise DamageError(f"{path} has lost the checksum at its end: it was cut short or added to")


def _digest(path: Path, length: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while length > 0:
            block = file.read(min(_BUFFER, length))
            if not block:
                break
            digest.update(block)
            length -= len(block)
    return digest.hexdigest()
