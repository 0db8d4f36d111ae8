"""The errors of fastsde: one base class, one class per cause, each with an exit code of the command line."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Complaint",
    "DamageError",
    "DeviceError",
    "DiskError",
    "FastsdeError",
    "IncompleteError",
    "Interrupted",
    "RequestError",
    "ResourceError",
    "SchedulerError",
    "StoreError",
    "StudyError",
    "UnreadableError",
    "naming",
    "system_errno",
]


class FastsdeError(Exception):
    """Base of every error that fastsde raises on purpose; its text is meant for the user."""

    exit_code: int = 1


class RequestError(FastsdeError):
    """A requested model, snapshot or option does not exist or is not valid."""

    exit_code = 2


class StoreError(FastsdeError):
    """A file or run directory is missing, damaged, or belongs to another study."""

    exit_code = 2


class DamageError(StoreError):
    """A file is damaged: truncated or changed since it was written."""


class UnreadableError(StoreError):
    """The system refuses to read a file; its content is unknown, so it is left untouched."""

    exit_code = 1

    @classmethod
    def about(cls, path: Path | str, number: int) -> UnreadableError:
        """Return the error for a number of the operating system.

        Examples
        --------
        >>> print(UnreadableError.about("a.h5", errno.EACCES))
        a.h5 cannot be read: EACCES (Permission denied). Fix: give this user read permission (chmod, chown)
        """
        name = errno.errorcode.get(number, f"error {number}")
        fix = _FIXES.get(number, "try again; nothing was changed")
        return cls(f"{path} cannot be read: {name} ({os.strerror(number)}). Fix: {fix}")


_FIXES = {
    errno.EACCES: "give this user read permission (chmod, chown)",
    errno.EPERM: "give this user read permission (chmod, chown)",
    errno.ENOENT: "restore it, or the file to which it links",
    errno.ENOLCK: "set HDF5_USE_FILE_LOCKING=FALSE, because the file system does not support locks",
    errno.EAGAIN: "close the program that has it open for writing",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files (ulimit -n)",
    errno.ESTALE: "try again; if that fails, remount its file system",
    errno.EIO: "try again; if that fails, check its disk or network",
}


def system_errno(error: BaseException) -> int | None:
    """Return the operating system's error number of an exception, including exceptions of HDF5.

    None if the operating system reported no error: then the content of the file is wrong.

    Examples
    --------
    >>> system_errno(RuntimeError("file read failed: errno = 5, error message = 'Input/output error'"))
    5
    >>> system_errno(OSError("Unable to open file (file signature not found)")) is None
    True
    """
    if isinstance(error, OSError) and error.errno:
        return error.errno
    match = re.search(r"errno = (\d+)", str(error))
    return (int(match[1]) or None) if match else None


class DiskError(StoreError):
    """A file could not be written; an existing file is unchanged."""

    exit_code = 1

    @classmethod
    def about(cls, path: Path, error: OSError) -> DiskError:
        """Return the error for a failed attempt to write `path`.

        Examples
        --------
        >>> print(DiskError.about(Path("a.h5"), OSError(28, "No space left on device")))
        cannot write a.h5: No space left on device
        """
        return cls(f"cannot write {path}: {error.strerror or error}")


class IncompleteError(StoreError):
    """Parts of a run have not been computed yet."""

    exit_code = 1


class ResourceError(FastsdeError):
    """A study needs more memory or disk space than available; nothing was written."""

    exit_code = 2


class DeviceError(FastsdeError):
    """No GPU is available, or it cannot compute this study."""

    exit_code = 2


class SchedulerError(FastsdeError):
    """A scheduler rejected a job, or its variables do not determine the shard of this process."""

    exit_code = 2


class Interrupted(FastsdeError):
    """The program was asked to stop; finished work is saved, and rerunning the command resumes it."""

    exit_code = 75


@dataclass(frozen=True)
class Complaint:
    """One problem of a study: its place, what was found, what is expected, and how to fix it.

    Parameters
    ----------
    where : str
        Dotted path in the study file, such as ``"models.sgd.batch"``; empty for the file as a whole.
    found : str
        What was found, as it would be written in the file.
    expected : str
        What is expected.
    fix : str, optional
        How to fix it; omitted from the text if empty.
    """

    where: str
    found: str
    expected: str
    fix: str = ""

    def __str__(self) -> str:
        """Return the block of text shown to the user."""
        lines = [
            f"  {self.where or 'the study'}",
            f"    found:     {self.found}",
            f"    expected:  {self.expected}",
        ]
        if self.fix:
            lines.append(f"    fix:       {self.fix}")
        return "\n".join(lines)


@contextlib.contextmanager
def naming(source: str) -> Iterator[None]:
    """Add the name of a study's file to errors that do not name a file.

    Examples
    --------
    >>> try:
    ...     with naming("a.toml"):
    ...         raise StudyError("no such model")
    ... except StudyError as error:
    ...     print(error)
    a.toml: no such model
    """
    try:
        yield
    except StudyError as error:
        if error.source or not source:
            raise
        raise StudyError(error.complaints or str(error), source) from error.__cause__


class StudyError(FastsdeError):
    """A study is not valid; the message lists all problems.

    Parameters
    ----------
    complaints : sequence of Complaint, or str
        The problems, or one sentence.
    source : str, optional
        Name of the file.

    Examples
    --------
    >>> print(StudyError([Complaint("time.steps", "-3", "a whole number from 1 to 2^53")], "a.toml"))
    a.toml: 1 problem
    <BLANKLINE>
      time.steps
        found:     -3
        expected:  a whole number from 1 to 2^53
    """

    exit_code = 2

    def __init__(self, complaints: Sequence[Complaint] | str, source: str = "") -> None:
        super().__init__(complaints, source)
        self.complaints = () if isinstance(complaints, str) else tuple(complaints)
        self.source = source

    def __str__(self) -> str:
        """Return the whole message: a summary line, then one block per problem."""
        if not self.complaints:
            return f"{self.source}: {self.args[0]}" if self.source else str(self.args[0])
        count = len(self.complaints)
        head = f"{self.source or 'study'}: {count} problem{'s' if count > 1 else ''}"
        return "\n\n".join([head, *map(str, self.complaints)])
