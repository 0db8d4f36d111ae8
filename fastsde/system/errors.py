"""The errors of fastsde: one base class, one class a reason, each with the exit code of the command line."""

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
    """What was asked for is not there, or makes no sense: a model, a snapshot, an option."""

    exit_code = 2


class StoreError(FastsdeError):
    """A file or a run directory is not what was asked for: missing, damaged, or of another study."""

    exit_code = 2


class DamageError(StoreError):
    """A file is not what was written: cut short, changed, or torn."""


class UnreadableError(StoreError):
    """The system does not let a file be read now; what it holds is unknown, so it is left as it is."""

    exit_code = 1

    @classmethod
    def about(cls, path: Path | str, number: int) -> UnreadableError:
        """Make one from the number of the system's error.

        Examples
        --------
        >>> print(UnreadableError.about("a.h5", errno.EACCES))
        a.h5 cannot be read: EACCES (Permission denied); fix: allow this user to read it (chmod, chown)
        """
        name = errno.errorcode.get(number, f"error {number}")
        fix = _FIXES.get(number, "try again; nothing was changed")
        return cls(f"{path} cannot be read: {name} ({os.strerror(number)}); fix: {fix}")


_FIXES = {
    errno.EACCES: "allow this user to read it (chmod, chown)",
    errno.EPERM: "allow this user to read it (chmod, chown)",
    errno.ENOENT: "it was removed, or is a link to a file that is not there: bring that file back",
    errno.ENOLCK: "the file system has no locks: set HDF5_USE_FILE_LOCKING=FALSE",
    errno.EAGAIN: "close the program that has it open for writing",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "allow more open files (ulimit -n)",
    errno.ESTALE: "try again; if that fails, mount its file system again",
    errno.EIO: "try again; if that fails, its disk or network needs repair",
}


def system_errno(error: BaseException) -> int | None:
    """Return the number of the system's error behind an exception, also behind one of HDF5.

    None where the system refused nothing: then it is the content of the file that is wrong.

    Examples
    --------
    >>> system_errno(RuntimeError("file read failed: errno = 5, error message = 'Input/output error'"))
    5
    >>> system_errno(OSError("Unable to open file (file signature not found)")) is None
    True
    """
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = re.search(r"errno = (\d+)", str(error))
    return (int(found[1]) or None) if found else None


class DiskError(StoreError):
    """The disk refused what was to be written; what stood there before still does."""

    exit_code = 1

    @classmethod
    def about(cls, path: Path, error: OSError) -> DiskError:
        """Make one from what the system says of writing `path`.

        Examples
        --------
        >>> print(DiskError.about(Path("a.h5"), OSError(28, "No space left on device")))
        cannot write a.h5: No space left on device
        """
        return cls(f"cannot write {path}: {error.strerror or error}")


class IncompleteError(StoreError):
    """Parts of a run are not computed yet."""

    exit_code = 1


class ResourceError(FastsdeError):
    """A study needs more memory or disk than there is; nothing was written."""

    exit_code = 2


class DeviceError(FastsdeError):
    """There is no GPU to compute on, or it cannot compute this study."""

    exit_code = 2


class SchedulerError(FastsdeError):
    """A scheduler's variables do not say which shard this is, or it refused a job."""

    exit_code = 2


class Interrupted(FastsdeError):
    """The work was asked to stop; what was whole is on disk, and running again resumes it."""

    exit_code = 75


@dataclass(frozen=True)
class Complaint:
    """One thing wrong with a study: where it is, what was found, what is expected, how to fix it.

    Parameters
    ----------
    where : str
        Dotted path in the study file, ``"models.sgd.batch"``; empty for the file as a whole.
    got : str
        What was found, as it would be written in the file.
    allowed : str
        What may stand there.
    mend : str, optional
        What to do; left out of the text when empty.
    """

    where: str
    got: str
    allowed: str
    mend: str = ""

    def __str__(self) -> str:
        """Give the block of text shown to the user."""
        lines = [
            f"  {self.where or 'the study'}",
            f"    found     {self.got}",
            f"    expected  {self.allowed}",
        ]
        if self.mend:
            lines.append(f"    fix       {self.mend}")
        return "\n".join(lines)


@contextlib.contextmanager
def naming(source: str) -> Iterator[None]:
    """Name the file of a study in errors about it that name none.

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
    """A study is not valid; all that is wrong with it, at once.

    Parameters
    ----------
    complaints : sequence of Complaint, or str
        What is wrong, or one plain sentence.
    source : str, optional
        Name of the file.

    Examples
    --------
    >>> print(StudyError([Complaint("time.steps", "-3", "a whole number from 1 to 2^53")], "a.toml"))
    a.toml: 1 problem
    <BLANKLINE>
      time.steps
        found     -3
        expected  a whole number from 1 to 2^53
    """

    exit_code = 2

    def __init__(self, complaints: Sequence[Complaint] | str, source: str = "") -> None:
        super().__init__(complaints, source)
        self.complaints = () if isinstance(complaints, str) else tuple(complaints)
        self.source = source

    def __str__(self) -> str:
        """Give the whole message: a line of summary, then one block per complaint."""
        if not self.complaints:
            return f"{self.source}: {self.args[0]}" if self.source else str(self.args[0])
        count = len(self.complaints)
        head = f"{self.source or 'study'}: {count} problem{'s' if count > 1 else ''}"
        return "\n\n".join([head, *map(str, self.complaints)])
