"""Extensions: Python files of a user's that a study names, imported before the rest of it is validated.

::

    extensions = ["my_ingredients.py"]

What such a file registers (noise laws, observables, landscapes, distances, sections, ...) is then known in
every process that reads the study: the workers of a run, and whoever opens its results. A run keeps a copy
of each file in its directory. The resolved study holds the hash of its content, so that results of different
code belong to different studies.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from fastsde.study.extension_imports import (
    EXTENSIONS,
    extension_error,
    import_extension,
    imported_version,
    looking_in,
    name_of_copy,
)
from fastsde.study.fields import Expect, Section, listed

__all__ = [
    "Extension",
    "Extensions",
    "extension_files",
    "import_extensions",
    "import_stored_extensions",
]

_NAME = r"^(.+\.py|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)$"


class Extension(Section):
    """A Python file that defines ingredients, imported before the study is validated (docs/extending.md).

    In a study file the name alone will do: `extensions = ["my_ingredients.py"]`.

    Parameters
    ----------
    file : str
        A file, looked for beside the study file, then in the working directory; or the name of a module,
        looked for there and then on Python's path. It is imported only where the environment variable
        `FASTSDE_ALLOW_CODE` is 1: a study file is not trusted to run code.
    sha256 : str, optional
        SHA-256 of its content; resolved when the study is read, not to be written by hand. It stands for the
        code in fingerprints, whatever the place the file is read from.
    """

    file: Annotated[str, Field(pattern=_NAME), Expect('name of a file, as "mine.py", or of a module')]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), Expect("nothing: it is resolved")] | None = None


Extensions = Annotated[
    tuple[Annotated[Extension, Expect("name of a Python file, in quotes")], ...],
    listed,
    Expect('a list of Python files, as ["my_ingredients.py"]'),
]
_tables = TypeAdapter(list[Extension])


def import_extensions(document: Mapping[str, Any]) -> dict[str, Any]:
    """Import the extensions that a study names, and return the study with their hashes.

    Parameters
    ----------
    document : mapping
        A study as nested tables, before validation; extensions of a wrong type are left to that.

    Raises
    ------
    StudyError
        If an extension is not found, is not the file that the study was run with, may not be imported, or
        importing it fails.
    """
    document = dict(document)
    named = document.pop(EXTENSIONS, None)
    if named is None or named == [] or named == ():
        return document
    tables = [_as_table(item) for item in named] if _is_list(named) else named
    try:
        extensions = _tables.validate_python(tables)
    except ValidationError:
        return document | {EXTENSIONS: tables}
    _refuse_same_names([extension.file for extension in extensions])
    resolved = [
        {"file": extension.file, "sha256": import_extension(number, extension.file, extension.sha256)}
        for number, extension in enumerate(extensions)
    ]
    return document | {EXTENSIONS: resolved}


def import_stored_extensions(text: str, folder: Path) -> None:
    """Import the extensions of a study that is stored as `text` in a file of the `folder`."""
    with looking_in(folder):
        import_extensions(tomllib.loads(text))


def extension_files(extensions: Sequence[Extension] | None) -> dict[str, bytes]:
    """Return the content of a study's `extensions` by the name of the copy that a run keeps.

    Installed modules are left out.

    Raises
    ------
    StudyError
        If one has been replaced by another version since the study was read.
    """
    found: dict[str, bytes] = {}
    for number, extension in enumerate(extensions or ()):
        known = imported_version(extension.sha256)
        if known is None:
            got = f'"{extension.file}", of which another version has been imported since'
            expected = "the version with which the study was read"
            raise extension_error(number, got, expected, "read the study again, in a new process")
        if known.content is not None:
            found[name_of_copy(extension.file)] = known.content
    return found


def _as_table(item: Any) -> Any:
    return {"file": item} if isinstance(item, str) else item


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _refuse_same_names(files: Sequence[str]) -> None:
    names = [name_of_copy(file) for file in files]
    for number, name in enumerate(names):
        if name in names[:number]:
            got = f'"{files[number]}", a second file of that name'
            raise extension_error(number, got, "files of different names", "rename it")
