"""Find and import one extension of a study: beside the study file, in a run's directory, or installed."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from fastsde.system.errors import Complaint, StudyError
from fastsde.system.user_code import PERMISSION, import_file, may_run, module_files, sha256_of

__all__ = [
    "EXTENSIONS",
    "EXTENSIONS_FOLDER",
    "Imported",
    "extension_error",
    "import_extension",
    "imported_version",
    "looked_in",
    "looking_in",
    "name_of_copy",
]

EXTENSIONS = "extensions"
"""The key of a study file."""
EXTENSIONS_FOLDER = "extensions"
"""Folder of a run's directory that holds copies of the study's extensions."""


@dataclass(frozen=True)
class Imported:
    """An extension that this process has imported; without `content` if it is an installed module."""

    file: Path
    content: bytes | None
    module: ModuleType


_imported: dict[str, Imported] = {}
"""The extensions that this process has imported, by the hash of their content."""
_lock = threading.RLock()
_folders: ContextVar[tuple[Path, ...]] = ContextVar("folders", default=())


@contextlib.contextmanager
def looking_in(folder: Path | None) -> Iterator[None]:
    """Look for files that studies made in this block name in a folder, before the working directory."""
    token = _folders.set(() if folder is None else (folder,))
    try:
        yield
    finally:
        _folders.reset(token)


def looked_in() -> list[Path]:
    """Return where files and modules that a study names are looked for while it is made, in this order."""
    return [folder.absolute() for folder in (*_folders.get(), Path())]


def name_of_copy(file: str) -> str:
    """Return the name of the copy that a run keeps of an extension.

    Examples
    --------
    >>> name_of_copy("../code/mine.py"), name_of_copy("tools.mine")
    ('mine.py', 'mine.py')
    """
    return Path(file).name if file.endswith(".py") else file.rpartition(".")[2] + ".py"


def imported_version(sha256: str | None) -> Imported | None:
    """Return the extension whose content has that hash, if this process has imported it."""
    return _imported.get(str(sha256))


def import_extension(number: int, file: str, sha256: str | None = None) -> str:
    """Import an extension unless this process has imported it, and return the hash of its content.

    Parameters
    ----------
    number : int
        Its place in the study's list, for messages.
    file : str
        Name of a file or of a module.
    sha256 : str, optional
        Hash that its content must have; any content by default.

    Raises
    ------
    StudyError
        If there is none, it is of another version, code may not run, or importing it fails.
    """
    with _lock:
        if sha256 in _imported:
            return str(sha256)
        looked = _candidates(file)
        others: list[Path] = []
        for path in looked:
            content = _content(number, file, path)
            version = None if content is None else sha256_of(content)
            if content is not None and sha256 in (None, version):
                return _import_content(number, file, path, content)
            others += [] if content is None else [path]
        if others:
            raise _other_version(number, file, others[0], sha256)
        return _import_installed(number, file, sha256, looked)


def extension_error(number: int, found: str, expected: str, fix: str = "") -> StudyError:
    """Make an error about one of a study's extensions."""
    return StudyError([Complaint(f"{EXTENSIONS}[{number}]", found, expected, fix)])


def _candidates(file: str) -> list[Path]:
    """Return where an extension may be: under its own name in each folder, and there as the copy of a run."""
    found: list[Path] = []
    for here in looked_in():
        found += [here / file] if file.endswith(".py") else module_files(file, [here])[:1]
        found.append(here / EXTENSIONS_FOLDER / name_of_copy(file))
    return list(dict.fromkeys(found))


def _content(number: int, file: str, path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        found = f'"{file}", which cannot be read: {error}'
        raise extension_error(number, found, "a file that can be read") from error


def _import_content(number: int, file: str, path: Path, content: bytes) -> str:
    """Run a file, in place of an earlier version of it, unless that was done; return its hash."""
    version = sha256_of(content)
    if version in _imported:
        return version
    _check_allowed(number, file)
    for old, known in list(_imported.items()):
        if known.file == path:
            del _imported[old]
            sys.modules.pop(known.module.__name__, None)
    try:
        module = import_file(Path(name_of_copy(file)).stem, path, content, version)
    except (Exception, SystemExit) as error:
        raise _import_error(number, file, path, error) from error
    _imported[version] = Imported(path, content, module)
    return version


def _import_installed(number: int, file: str, sha256: str | None, looked: list[Path]) -> str:
    """Import a module of Python's path and return the hash of its source, of a package of all its sources."""
    where = ", ".join(map(str, looked))
    if file.endswith(".py"):
        raise _absent(number, file, where)
    _check_allowed(number, file)
    try:
        plan = importlib.util.find_spec(file)
        if plan is None or plan.origin is None:
            raise _absent(number, file, f"{where}, and on Python's path")
        origin = Path(plan.origin)
        files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
        version = sha256_of(b"".join(source.read_bytes() for source in files))
        if sha256 not in (None, version):
            raise _other_version(number, file, origin, sha256)
        _imported.setdefault(version, Imported(origin, None, import_module(file)))
    except StudyError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == file.partition(".")[0]:
            raise _absent(number, file, f"{where}, and on Python's path") from None
        raise _import_error(number, file, Path(file), error) from error
    return version


def _check_allowed(number: int, file: str) -> None:
    if not may_run():
        found = f'"{file}", which would run code of yours'
        fix = f"read the file, then set the environment variable {PERMISSION}=1"
        raise extension_error(number, found, "permission to run code that a study names", fix)


def _absent(number: int, file: str, where: str) -> StudyError:
    expected = f"a file or module that exists; looked for {where}"
    fix = "correct the name, or copy the file that defines the study's ingredients to one of these places"
    return extension_error(number, f'"{file}", which does not exist', expected, fix)


def _other_version(number: int, file: str, path: Path, sha256: str | None) -> StudyError:
    found = f'"{file}", but {path} has other content'
    expected = f"the version with which the study was run; its SHA-256 begins with {str(sha256)[:16]}"
    fix = (
        "bring that version back; or, for a new run of the new version, remove the key sha256 from the study"
    )
    return extension_error(number, found, expected, fix)


def _import_error(number: int, file: str, path: Path, error: BaseException) -> StudyError:
    """Say why an extension cannot be imported: the error, its line, and what to do."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    where = f", line {lines[-1]}" if lines else ""
    found = f'"{file}", which cannot be imported ({path}{where}): {type(error).__name__}: {error}'
    fix = "correct the file"
    twins = [known.file for known in _imported.values() if known.file.name == path.name]
    if isinstance(error, ModuleNotFoundError) and (path.parent / f"{error.name}.py").is_file():
        fix = f"an extension is one file, of which a run keeps a copy: put what {error.name}.py has into it"
    elif twins:
        fix = f"this process has imported another version, {twins[0]}; import this one in a new process"
    return extension_error(number, found, "a file that Python can import", fix)
