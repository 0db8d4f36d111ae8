"""Samples that a study names: an array given in Python, in a file of NumPy's, or made by a user's module.

The study holds their number and the SHA-256 of their values, so that results of different data are not mixed.
A run keeps a copy of them in its directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastsde.study.extension_imports import folders
from fastsde.system.errors import Complaint, StudyError
from fastsde.system.user_code import PERMISSION, import_module, may_run

__all__ = ["SAMPLES_COPY", "checksum", "register_samples", "resolved_samples", "samples_of"]

Array = NDArray[np.float64]
KEY = "landscape.data"
SAMPLES_COPY = "samples.npy"
"""Name of the copy in a run's directory."""
FILES = (".npy", ".npz")

_given: dict[str, Array] = {}
"""Arrays given in Python, by name."""
_known: dict[str, Array] = {}
"""Samples that this process has read, by their checksum."""


def register_samples(name: str, samples: ArrayLike) -> None:
    """Give an array of samples, one per row, the name by which studies of this process find it."""
    _given[name] = _checked(name, np.asarray(samples))


def checksum(samples: Array) -> str:
    """Return the SHA-256 of the shape and the values of samples, 64 hex digits."""
    return hashlib.sha256(f"{samples.shape}".encode() + samples.astype("<f8").tobytes()).hexdigest()


def resolved_samples(data: Any, known: Any, labels: Any = 0) -> dict[str, Any]:
    """Return the number of samples and their checksum, as a study holds them.

    Parameters
    ----------
    data : str
        What the study names; anything else is left to validation.
    known : str, optional
        A checksum that the study has already. What is found is then remembered if it has this checksum; no
        code of a user's runs, and nothing is refused before the samples are needed.
    labels : int, optional
        How many columns must be there at least.

    Raises
    ------
    StudyError
        If there are no such samples.
    """
    if not isinstance(data, str):
        return {}
    if known is not None:
        if isinstance(known, str) and known not in _known:
            _remember_any(_candidates(data))
        return {}
    samples = _read(data, folders())
    if isinstance(labels, int) and labels > samples.shape[1]:
        expected = f"at most {samples.shape[1]}, the numbers of a sample in {data}"
        raise StudyError([Complaint("landscape.labels", str(labels), expected)])
    mark = checksum(samples)
    _known[mark] = samples
    return {"samples": len(samples), "sha256": mark}


def samples_of(data: str, mark: str | None, places: Sequence[Path]) -> Array:
    """Return the samples of that checksum, (n, columns).

    Raises
    ------
    StudyError
        If what the study names is not there, or has another checksum.
    """
    if mark is not None and mark in _known:
        return _known[mark]
    samples = _read(data, places)
    if mark not in (None, checksum(samples)):
        expected = f"the samples with which the study was run; their SHA-256 begins with {str(mark)[:16]}"
        fix = "bring them back; or, for a new run, remove samples and sha256 from the landscape"
        raise _refused(f'"{data}", which has other values', expected, fix)
    _known[checksum(samples)] = samples
    return samples


def _remember_any(found: Iterable[Path]) -> None:
    """Read the files that are there; what cannot be read is of no use here."""
    for path in found:
        if _is_file(path):
            try:
                samples = _checked(str(path), _of_file(path))
            except StudyError:
                continue
            _known[checksum(samples)] = samples


def _is_file(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return path.is_file()
    return False


def _candidates(data: str) -> list[Path]:
    named = [data] if data.endswith(FILES) else []
    return [place / name for place in folders() for name in (SAMPLES_COPY, *named)]


def _read(data: str, places: Sequence[Path]) -> Array:
    """Return the samples of a given array, of a file, or of a module."""
    if data in _given:
        return _given[data]
    if data.endswith(FILES):
        looked = list(dict.fromkeys(place.absolute() / data for place in places))
        path = next(filter(_is_file, looked), None)
        if path is None:
            expected = f"a file that exists; looked for {' and '.join(map(str, looked))}"
            raise _refused(f'"{data}"', expected, "correct the path")
        return _checked(data, _of_file(path))
    module, colon, attribute = data.partition(":")
    if not colon:
        known = ", ".join(sorted(_given)) or "none"
        expected = f'a .npy or .npz file, "module:array", or data given to fastsde.objective (given: {known})'
        raise _refused(f'"{data}"', expected)
    if not may_run():
        fix = f"read the module, then set the environment variable {PERMISSION}=1"
        raise _refused(f'"{data}", which would run code of yours', "permission to run it", fix)
    loaded = import_module(module, places, f'{KEY} is "{data}"')
    if not hasattr(loaded, attribute):
        raise _refused(f'"{data}"', f"a name that {loaded.__file__ or module} has")
    made = getattr(loaded, attribute)
    return _checked(data, np.asarray(made() if callable(made) else made))


def _of_file(path: Path) -> NDArray[Any]:
    """Return the array of a .npy file; of a .npz file its only one, or its inputs with its labels behind."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if path.suffix == ".npy":
            return np.asarray(loaded)
        arrays: Mapping[str, NDArray[Any]] = {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise _refused(f"{path}, which cannot be read: {error}", "a file of numbers") from None
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    if set(arrays) != {"inputs", "labels"} or len({len(array) for array in arrays.values()}) > 1:
        found = f"{path} with the arrays {', '.join(sorted(arrays))}"
        raise _refused(found, "one array, or inputs and labels with as many rows")
    return np.hstack([array.reshape(len(array), -1) for array in (arrays["inputs"], arrays["labels"])])


def _checked(name: str, array: NDArray[Any]) -> Array:
    """Return samples as rows of ``float64``."""
    rows = array[:, None] if array.ndim == 1 else array
    if rows.dtype.kind not in "iufb" or rows.ndim != 2 or 0 in rows.shape:
        found = f'"{name}", an array of {array.dtype} of shape {array.shape}'
        raise _refused(found, "real numbers of shape (samples, numbers of a sample)")
    samples = np.ascontiguousarray(rows, dtype=np.float64)
    if not np.isfinite(samples).all():
        raise _refused(f'"{name}" with numbers that are not finite', "finite numbers only")
    return samples


def _refused(found: str, expected: str, fix: str = "") -> StudyError:
    return StudyError([Complaint(KEY, found, expected, fix)])
