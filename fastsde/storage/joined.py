"""The part files of an ensemble: compared with those that were joined, and read by fastsde itself.

HDF5 silently returns fill values where it cannot open a file of a virtual dataset: because it was removed,
may not be read, or the process has too many open files.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import h5py
import numpy as np

from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import Advance, broken, read_seal, verification
from fastsde.system.errors import DamageError, StoreError, UnreadableError, system_errno
from fastsde.system.hdf5 import reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastsde.system.progress import Progress

__all__ = ["JoinedPart", "JoinedParts"]

READ_BYTES = 1 << 28
"""Parts changed since they were joined are read completely if their total size is at most this many bytes."""
OPEN_FILES = 256
"""Number of part files that are kept open between reads."""

_FIX = (
    "restore the original parts; or check and join the present ones with `fastsde merge`; or recompute "
    "broken ones with `fastsde run --repair`"
)
_Stamp = tuple[int, int, int, int]
Taken = TypeVar("Taken")


@dataclass(frozen=True)
class JoinedPart:
    """A row of ``/Parts``: what an ensemble takes from a part file, and the file's state when it was joined.

    Attributes
    ----------
    path
        The file.
    first, count
        The trajectories that are taken from it.
    row
        Their first row in the ensemble.
    size, sha256, modified
        Length in bytes, checksum, and time of the last modification in nanoseconds; -1, "" and -1 if the
        ensemble was written by an older version that does not record them.
    """

    path: Path
    first: int
    count: int
    row: int
    size: int
    sha256: str
    modified: int


class JoinedParts:
    """All parts of an ensemble.

    Parameters
    ----------
    table
        Group ``/Parts`` of the ensemble.
    ensemble
        Path of the ensemble.
    """

    def __init__(self, table: Any, ensemble: Path) -> None:
        self._ensemble = ensemble
        self._models = {name: _rows(group, ensemble.parent) for name, group in table.items()}
        self._stamps: dict[Path, _Stamp] = {}
        self._open: dict[Path, tuple[Any, int]] = {}
        self._lock = threading.RLock()

    def __contains__(self, model: object) -> bool:
        return model in self._models

    def check(self, *, verify: bool = False, progress: Progress | None = None) -> None:
        """Refuse parts that differ from those that were joined.

        Lengths are compared, and, for files modified since, the checksums stored in them. Modified files
        (including copied ones) are read completely if their total size is at most `READ_BYTES`.

        Parameters
        ----------
        verify
            Verify all checksums.
        progress
            Reports the bytes read while all checksums are verified; None: silent.

        Raises
        ------
        StoreError
            If parts are missing, damaged or different; the message names them.
        UnreadableError
            If the system refuses to read one.
        """
        parts = [part for rows in self._models.values() for part in rows]
        stamps = {part.path: _stamp(part.path) for part in parts}
        gone = [
            os.path.relpath(path, self._ensemble.parent) for path, stamp in stamps.items() if stamp is None
        ]
        if gone:
            reasons = [f"missing: {name}" for name in gone]
            raise self._refusal(reasons, "restore them, or recompute them with `fastsde run`")
        self._stamps = {path: stamp for path, stamp in stamps.items() if stamp is not None}
        suspected = [p for p in parts if verify or self._stamps[p.path][2:] != (p.size, p.modified)]
        whole = verify or sum(self._stamps[part.path][2] for part in suspected) <= READ_BYTES
        with verification([part.path for part in suspected] if verify else [], progress) as advance:
            differences = [_difference(part, whole=whole, advance=advance) for part in suspected]
        wrong = [difference for difference in differences if difference]
        if wrong:
            raise self._refusal(wrong)

    def read(
        self, model: str, variable: str, snapshot: tuple[int | slice, ...], rows: range, into: NDArray[Any]
    ) -> None:
        """Read consecutive rows of a variable, at one snapshot or at all of them.

        Parameters
        ----------
        model, variable
            Names of the model and of the variable.
        snapshot
            Index before the axis of trajectories; empty for an event.
        rows
            Consecutive rows of the ensemble.
        into
            Array to fill; it has the shape of the result.

        Raises
        ------
        StoreError
            If a part was removed or changed since it was checked, and is not the one that was joined.
        UnreadableError
            If the system refuses to read it.
        """
        lead = tuple(slice(None) for item in snapshot if isinstance(item, slice))
        renamed = variable in schema.FORMER_NAMES
        for part in _covering(self._models[model], rows):
            begin, end = max(rows.start, part.row), min(rows.stop, part.row + part.count)
            here = slice(begin - rows.start, end - rows.start)

            def take(file: Any, offset: int, begin: int = begin, end: int = end) -> NDArray[Any]:
                name = schema.stored_name(file[model], variable) if renamed else variable
                return _slab(
                    file,
                    f"{model}/{name}".encode(),
                    snapshot,
                    slice(begin + offset, end + offset),
                    into.dtype,
                )

            into[(*lead, here)] = self._take(part, take)

    def final_parameters(self, model: str) -> NDArray[Any] | None:
        """Return the final parameters of a model's trajectories, (count, p); None if they are not stored."""
        blocks = []
        for part in self._models[model]:

            def take(file: Any, offset: int, part: JoinedPart = part) -> NDArray[Any] | None:
                begin = part.row + offset
                if schema.CHECKPOINT_GROUP not in file:
                    return None
                kept: NDArray[Any] = file[schema.CHECKPOINT_GROUP]["parameters"][begin : begin + part.count]
                return kept

            values = self._take(part, take)
            if values is None:
                return None
            blocks.append(values)
        return np.concatenate(blocks)

    def close(self) -> None:
        """Close all open files."""
        with self._lock:
            while self._open:
                self._open.popitem()[1][0].close()

    def _take(self, part: JoinedPart, take: Callable[[Any, int], Taken]) -> Taken:
        """Return the result of `take` on a part's open file, checked before and after.

        The second argument of `take` is the row of a trajectory in the file minus its row in the ensemble.
        """
        with self._lock:
            for _ in range(2):
                stamp = self._checked(part)
                try:
                    with reading(part.path), self._file(part.path) as (file, first):
                        values = take(file, part.first - first - part.row)
                except DamageError as error:
                    raise DamageError(f"{error}\nFix: {_FIX}") from error
                if _stamp(part.path) == stamp:
                    return values
        raise StoreError(f"{part.path} changed while it was being read\nFix: try again later")

    def _checked(self, part: JoinedPart) -> _Stamp:
        """Return the stamp of a part's file; if it has changed, compare the file with what was joined."""
        stamp = _stamp(part.path)
        if stamp is None:
            gone = f"{part.path} was removed after {self._ensemble.name} was opened"
            raise self._refusal([gone], "restore it")
        if stamp != self._stamps.get(part.path):
            if part.path in self._open:
                self._open.pop(part.path)[0].close()
            difference = _difference(part, whole=stamp[2] <= READ_BYTES)
            if difference:
                raise self._refusal([difference])
            self._stamps[part.path] = stamp
        return stamp

    @contextlib.contextmanager
    def _file(self, path: Path) -> Iterator[tuple[Any, int]]:
        """Open a part file; yield it and its first trajectory. The first `OPEN_FILES` files stay open."""
        if path in self._open:
            yield self._open[path]
            return
        try:
            file = netcdf.open_old(path)
        except OSError as error:
            if system_errno(error) not in (errno.EMFILE, errno.ENFILE) or not self._open:
                raise
            self.close()
            file = netcdf.open_old(path)
        if len(self._open) < OPEN_FILES:
            self._open[path] = file, int(file.attrs["first"])
            yield self._open[path]
        else:
            with file:
                yield file, int(file.attrs["first"])

    def _refusal(self, reasons: Sequence[str], fix: str = _FIX) -> StoreError:
        more = f"\n  and {len(reasons) - 3} more" if len(reasons) > 3 else ""
        return StoreError(
            f"the parts of {self._ensemble} have changed since they were joined\n"
            + "\n".join(f"  {reason}" for reason in reasons[:3])
            + f"{more}\nFix: {fix}"
        )


def _rows(group: Any, base: Path) -> list[JoinedPart]:
    """Read the table of one model's parts."""
    files = [base / name.decode() for name in group["file"][...]]
    first, count = (group[name][...].tolist() for name in ("first", "count"))
    unknown = [-1] * len(files)
    size, modified = (
        group[name][...].tolist() if name in group else unknown for name in ("bytes", "modified")
    )
    sha256 = [text.decode() for text in group["sha256"][...]] if "sha256" in group else [""] * len(files)
    row = [0, *np.cumsum(count).tolist()][: len(files)]
    return [
        JoinedPart(*values) for values in zip(files, first, count, row, size, sha256, modified, strict=True)
    ]


def _covering(parts: Sequence[JoinedPart], rows: range) -> Sequence[JoinedPart]:
    """Return the parts that contain some of the rows."""
    if not rows:
        return []
    begin = bisect_right(parts, rows.start, key=lambda part: part.row) - 1
    end = bisect_right(parts, rows.stop - 1, key=lambda part: part.row)
    return parts[begin:end]


def _slab(
    file: Any, name: bytes, lead: tuple[int | slice, ...], rows: slice, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Read rows of a dataset, at one or at all indices of its leading axis; faster than h5py's indexing."""
    dataset = h5py.h5d.open(file.id, name)
    space = dataset.get_space()
    shape = space.get_simple_extent_dims()
    at = [place for place in lead if isinstance(place, int)]
    axis = len(lead)
    begin = (*(at or [0] * axis), rows.start, *(0 for _ in shape[axis + 1 :]))
    count = (*(1 for _ in at), *shape[len(at) : axis], rows.stop - rows.start, *shape[axis + 1 :])
    space.select_hyperslab(begin, count)
    values = np.empty(count, dtype)
    dataset.read(h5py.h5s.create_simple(count), space, values)
    return values[0] if at else values


def _stamp(path: Path) -> _Stamp | None:
    """Return what identifies a file and its state: device, inode, length, time; None if it does not exist."""
    try:
        there = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnreadableError.about(path, error.errno or 0) from error
    return there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns


def _difference(part: JoinedPart, *, whole: bool, advance: Advance | None = None) -> str | None:
    """Return how a file differs from the one that was joined; None if no difference was found."""
    with reading(part.path):
        size, seal = part.path.stat().st_size, read_seal(part.path)
        sha256 = seal.sha256 if seal else ""
        if part.size >= 0 and (size, sha256) != (part.size, part.sha256 or sha256):
            return (
                f"{part.path} is a different file\n"
                f"    found:     {size} bytes, SHA-256 {sha256[:16] or 'none'}\n"
                f"    expected:  {part.size} bytes, SHA-256 {part.sha256[:16] or 'none'}"
            )
        return broken(part.path, quick=not whole, advance=advance)
