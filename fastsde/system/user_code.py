"""Python files of a user's: imported under a name that holds their version, where the user allows it.

A study file is not trusted to run code: what it names is imported only where the environment variable
FASTSDE_ALLOW_CODE is 1.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from fastsde.system.errors import StudyError

__all__ = ["PERMISSION", "import_file", "import_module", "may_run", "module_files", "sha256_of"]

PERMISSION = "FASTSDE_ALLOW_CODE"
"""Environment variable that is 1 where code named by a study file may run."""


def may_run() -> bool:
    """Return whether code named by a study file may run."""
    return os.environ.get(PERMISSION) == "1"


def sha256_of(content: bytes) -> str:
    r"""Return the SHA-256 of the content of a file, 64 hex digits.

    Line ends are those of Unix, so that a file copied from another system has the same hash.

    Examples
    --------
    >>> sha256_of(b"A = 1\r\n") == sha256_of(b"A = 1\n")
    True
    """
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def module_files(name: str, places: Sequence[Path]) -> list[Path]:
    """Return the files that a module may have in some folders, in the order in which they are looked for.

    Examples
    --------
    >>> [file.as_posix() for file in module_files("mine.wells", [Path("a")])]
    ['a/mine/wells.py', 'a/mine/wells/__init__.py']
    """
    paths = [place.joinpath(*name.split(".")) for place in places]
    return [file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py")]


def import_module(name: str, places: Sequence[Path], where: str) -> ModuleType:
    """Import a module from the first folder that has it, else from Python's path.

    A module of a folder can import its neighbours, as in a program that is run there. It is imported once per
    version.

    Parameters
    ----------
    name : str
        With dots for folders.
    places : sequence of Path
        Folders.
    where : str
        What asks for it, for messages.

    Raises
    ------
    StudyError
        If there is no such module, or importing it fails.
    """
    files = module_files(name, places)
    try:
        for file in files:
            if file.is_file():
                return _import_with_neighbours(name, file)
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise StudyError(f"{where}: it cannot be imported: {error}") from None
        looked = ", ".join(map(str, files[::2]))
        looked_for = f"no module {name}; looked for {looked}, and on Python's path"
        raise StudyError(f"{where}: it cannot be imported: {looked_for}") from None
    except Exception as error:  # the module raises whatever it likes
        raise StudyError(f"{where}: it cannot be imported: {error}") from error


def _import_with_neighbours(name: str, file: Path) -> ModuleType:
    content = file.read_bytes()
    version = sha256_of(f"{file}\n".encode() + content)  # another folder has other neighbours
    sys.path.insert(0, str(file.parent))
    try:
        return import_file(name, file, content, version)
    finally:
        sys.path.remove(str(file.parent))


def import_file(name: str, file: Path, content: bytes, version: str) -> ModuleType:
    """Import the content of a file, under a name made of `name` and `version`; once per version.

    Compiled code is kept under the names of its module and functions, so a name without the version would
    find code of an earlier version of the file.

    Parameters
    ----------
    name : str
        Name of the module without the version.
    file : Path
        Where the content was read, which errors and tracebacks name.
    content : bytes
        Python source.
    version : str
        Hash of all that the module depends on.
    """
    unique = "fastsde_user_" + re.sub(r"\W", "_", name) + "_" + version[:16]
    if unique in sys.modules:
        return sys.modules[unique]
    loader = _ContentLoader(unique, str(file), content)
    plan = importlib.util.spec_from_file_location(unique, file, loader=loader)
    assert plan is not None
    module = importlib.util.module_from_spec(plan)
    sys.modules[unique] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[unique]
        raise
    return module


class _ContentLoader(SourceFileLoader):
    """Runs the content that was read and hashed, not what the file or a bytecode cache has now."""

    def __init__(self, name: str, path: str, content: bytes) -> None:
        super().__init__(name, path)
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._content, self.path)
