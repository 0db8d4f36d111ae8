"""A data set of the user's own: which arrays of a file it is, found when a study is read and noted in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fastsde.study.extension_imports import looked_in
from fastsde.system.array_files import ArrayFileError, StoredArray, open_arrays
from fastsde.system.errors import Complaint, StudyError

__all__ = ["DataFile", "checksum", "described", "located", "with_checksum"]

PAIRS = (("X", "Y"), ("inputs", "labels"), ("x", "y"), ("X_train", "Y_train"), ("X_train", "y_train"))
"""Names under which inputs and labels are found unless the study gives others."""
BLOCK = 1 << 24


class DataFile:
    """The arrays of a data set, not read yet.

    Parameters
    ----------
    paths : sequence of Path
        One file, or one of the inputs and one of the labels.
    arrays : pair of str, optional
        Names of inputs and labels in the file.
    columns : pair of int, optional
        Of a single table: how many columns are inputs, and how many after them labels.

    Attributes
    ----------
    inputs, labels : StoredArray
        The same one where both are columns of a table.
    columns : tuple of int
        Inputs and outputs of the network that they fit.
    count : int
        Samples.

    Raises
    ------
    ArrayFileError
        If arrays are missing, or their sizes do not go together.
    """

    def __init__(
        self, paths: Sequence[Path], arrays: Sequence[str] | None, columns: Sequence[int] | None
    ) -> None:
        found = [open_arrays(path) for path in paths]
        name = " and ".join(map(str, paths))
        if len(found) == 2:
            self.inputs, self.labels = (next(iter(one.values())) for one in found)
        elif set(found[0]) == {""}:
            self.inputs = self.labels = found[0][""]
        else:
            self.inputs, self.labels = _pair(found[0], arrays, name)
        self.is_table = self.inputs is self.labels
        for one in (self.inputs, self.labels):
            if one.dtype.kind not in "fiub" or len(one.shape) not in (1, 2):
                expected = "real numbers of shape (n,) or (n, columns)"
                raise ArrayFileError(
                    f"{_named(one)}numbers {one.dtype} of shape {one.shape} in {name}", expected
                )
        wide = [1 if len(one.shape) == 1 else one.shape[1] for one in (self.inputs, self.labels)]
        if self.is_table:
            if columns is None or sum(columns) != wide[0]:
                expected = "columns = [inputs, outputs], two numbers whose sum is that"
                raise ArrayFileError(f"a table of {wide[0]} columns in {name}", expected)
            wide = list(columns)
        if self.inputs.shape[0] != self.labels.shape[0] or not self.inputs.shape[0]:
            sizes = f"{self.inputs.shape[0]} inputs and {self.labels.shape[0]} labels in {name}"
            raise ArrayFileError(sizes, "equally many of both, at least one")
        self.count, self.columns = int(self.inputs.shape[0]), (int(wide[0]), int(wide[1]))


def described(table: dict[str, Any]) -> dict[str, Any]:
    """Return the table of a data set with its size and checksum filled in, unless they are there.

    A study that is stored with results has both, so that it can be read where the file is not.
    """
    if "sha256" in table or not table.get("file"):
        return table
    names = [table["file"]] if isinstance(table["file"], str) else list(table["file"])
    try:
        paths = located(names, looked_in())
        file = DataFile(paths, table.get("arrays"), table.get("columns"))
        return table | {
            "samples": table.get("samples", file.count),
            "columns": list(file.columns),
            "sha256": checksum(paths),
        }
    except ArrayFileError as error:
        raise StudyError([Complaint("data.file", error.found, error.expected)]) from None


def with_checksum(table: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a table that names a file with the checksum of it filled in, unless it is there.

    Parameters
    ----------
    table : dict
    key : str
        Dotted path of ``file``, for the message.
    """
    if "sha256" in table or not isinstance(table.get("file"), str):
        return table
    try:
        return table | {"sha256": checksum(located([table["file"]], looked_in()))}
    except ArrayFileError as error:
        raise StudyError([Complaint(key, error.found, error.expected)]) from None


def located(names: Sequence[str], folders: Iterable[Path]) -> list[Path]:
    """Return where files are: in the first of the folders that has them.

    Raises
    ------
    ArrayFileError
        If one is in none of them.
    """
    return [_located(name, list(folders)) for name in names]


def checksum(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of the content of files, one after the other."""
    total = hashlib.sha256()
    for path in paths:
        for block in _blocks(path):
            total.update(block)
    return total.hexdigest()


def _located(name: str, folders: list[Path]) -> Path:
    looked = list(dict.fromkeys(folder / name for folder in folders))
    for path in looked:
        if path.exists():
            return path
    raise ArrayFileError(f'"{name}"', f"a file that exists; looked for {' and '.join(map(str, looked))}")


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise ArrayFileError(f"a file that cannot be read: {error}", "a file that can be read") from None


def _pair(
    found: dict[str, StoredArray], arrays: Sequence[str] | None, name: str
) -> tuple[StoredArray, StoredArray]:
    """Return inputs and labels by the names given, or by those that are usual."""
    for pair in [tuple(arrays)] if arrays else PAIRS:
        if all(one in found for one in pair):
            return found[pair[0]], found[pair[1]]
    there = ", ".join(found)
    if arrays:
        raise ArrayFileError(f"arrays {there} in {name}", f"arrays of the names {', '.join(arrays)}")
    raise ArrayFileError(
        f"arrays {there} in {name}", 'X and Y, or arrays = ["inputs", "labels"] with their names'
    )


def _named(one: StoredArray) -> str:
    return f"{one.name}: " if one.name else ""
