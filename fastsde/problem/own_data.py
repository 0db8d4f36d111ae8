"""The user's own data set, read for the problem that a network learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.study.data_file import DataFile, checksum, located
from fastsde.study.random_streams import whitened
from fastsde.system.array_files import ArrayFileError, open_arrays
from fastsde.system.errors import Complaint, StudyError

if TYPE_CHECKING:
    from fastsde.study.study import Study
    from fastsde.study.tables import Data

__all__ = ["Samples", "check_same", "complaining", "own_samples", "own_teacher"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Samples to train on, and to test on.

    Attributes
    ----------
    inputs, labels : (n, d_in) and (n, d_out) array
    test_inputs, test_labels : arrays of that form, or None
    """

    inputs: Array
    labels: Array
    test_inputs: Array | None = None
    test_labels: Array | None = None


def own_samples(study: Study) -> Samples:
    """Read the data set of a study, centred and whitened as the study says.

    Raises
    ------
    StudyError
        If a file is missing, has changed since the study was first read, or has numbers that are not finite.
    """
    data = study.data
    names = [data.file] if isinstance(data.file, str) else list(data.file or ())
    with complaining("data.file"):
        paths = located(names, study.places())
        check_same(paths, data.sha256)
        train = _read(DataFile(paths, data.arrays, data.columns), data.columns or (0, 0))
        test = None
        if data.test_arrays is not None:
            test = _read(DataFile(paths, data.test_arrays, data.columns), data.columns or (0, 0))
    return _prepared(data, train, test)


def own_teacher(study: Study) -> Array:
    """Read the teacher's matrix (d_out, d_in) from its file, in which it is the only one of that shape.

    Raises
    ------
    StudyError
        If the file is missing, has changed, or has no such matrix.
    """
    teacher, shape = study.data.teacher, (study.widths[-1], study.widths[0])
    assert teacher is not None
    with complaining("data.teacher.file"):
        (path,) = located([str(teacher.file)], study.places())
        check_same([path], teacher.sha256)
        arrays = [one for one in open_arrays(path).values() if one.shape == shape]
        if len(arrays) != 1:
            expected = f"one array of shape {shape}: outputs, inputs"
            raise ArrayFileError(f"{len(arrays)} arrays of that shape in {path}", expected)
        return _finite(arrays[0].read(), path)


@contextmanager
def complaining(key: str) -> Iterator[None]:
    """Turn an error of a file into one of the study, about the key that names it."""
    try:
        yield
    except ArrayFileError as error:
        raise StudyError([Complaint(key, error.found, error.expected)]) from None


def check_same(paths: list[Path], expected: str | None) -> None:
    """Refuse files that have changed since the study was first read."""
    there = checksum(paths)
    if expected is not None and there != expected:
        names = " and ".join(map(str, paths))
        raise ArrayFileError(
            f"other content in {names}: its SHA-256 begins with {there[:16]}",
            f"the content with which the study was first read, {expected[:16]}: bring it back, or start a "
            "new run, of a study without the key sha256",
        )


def _read(file: DataFile, columns: tuple[int, int]) -> tuple[Array, Array]:
    if file.is_table:
        table = _finite(file.inputs.read(), Path(file.inputs.name))
        return table[:, : columns[0]], table[:, columns[0] :]
    read = [_finite(one.read(), Path(one.name)) for one in (file.inputs, file.labels)]
    inputs, labels = (one[:, None] if one.ndim == 1 else one for one in read)
    return inputs, labels


def _finite(values: NDArray[Any], where: Path) -> Array:
    found = np.ascontiguousarray(values, dtype=np.float64)
    if not np.isfinite(found).all():
        count = int((~np.isfinite(found)).sum())
        raise ArrayFileError(f"{count} numbers that are not finite in {where}", "finite numbers only")
    return found


def _prepared(data: Data, train: tuple[Array, Array], test: tuple[Array, Array] | None) -> Samples:
    """Centre and whiten by the samples to train on, and do the same to those to test on."""
    inputs, labels = train
    middle = inputs.mean(axis=0) if data.centre or data.whiten else np.zeros(inputs.shape[1])
    below = labels.mean(axis=0) if data.centre else np.zeros(labels.shape[1])
    turn: NDArray[Any] = np.eye(inputs.shape[1])
    if data.whiten:
        turn = np.linalg.lstsq(inputs - middle, whitened(inputs), rcond=None)[0]
    parts = [train] if test is None else [train, test]
    made = [((x - middle) @ turn, y - below) for x, y in parts]
    return Samples(*(np.ascontiguousarray(one) for pair in made for one in pair))
