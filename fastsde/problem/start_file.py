"""Starting states from a file: parameters, or an array for each layer as PyTorch has them; not unpickled."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastsde.system.array_files import ArrayFileError, StoredArray, open_arrays
from fastsde.system.errors import Complaint, StudyError

__all__ = ["layer_arrays", "read_states"]

KEY = "network.init.file"
Array = NDArray[np.float64]


def read_states(path: Path, widths: tuple[int, ...]) -> Array:
    """Read the parameters of one or several states.

    Parameters
    ----------
    path : Path
        A file of one array (p,) or (states, p), the parameters as the files of fastsde have them; or of one
        array for each layer, the input side first, (rows, columns) or (states, rows, columns). Keys of
        PyTorch, such as "layers.0.weight", are taken in the order of their numbers.
    widths : tuple of int
        Of the network.

    Returns
    -------
    (states, p) array

    Raises
    ------
    StudyError
        If it cannot be read, or has other shapes, or numbers that are not finite.
    """
    shapes = [(above, below) for below, above in pairwise(widths)]
    size = sum(above * below for above, below in shapes)
    arrays = _arrays(path)
    whole = len(arrays) == 1 and len(arrays[0].shape) <= 2 and arrays[0].shape[-1:] == (size,)
    if whole or path.suffix == ".npy":
        states = _stacked(path, arrays[0], (size,))
    else:
        if len(arrays) != len(shapes):
            raise _refused(path, f"{len(arrays)} arrays", f"one array per layer, {len(shapes)} of them")
        layers = [_stacked(path, array, shape) for array, shape in zip(arrays, shapes, strict=True)]
        counts = {len(layer) for layer in layers}
        if len(counts) > 1:
            raise _refused(path, f"layers of {sorted(counts)} states", "as many states in every layer")
        states = np.concatenate([layer.reshape(len(layer), -1) for layer in layers], axis=1)
    if not np.isfinite(states).all():
        raise _refused(path, "numbers that are not finite", "finite numbers only")
    return states


def layer_arrays(arrays: dict[str, StoredArray]) -> list[StoredArray]:
    """Return the arrays of layers in order: by the numbers in their names where all have one.

    Examples
    --------
    >>> make = lambda name: StoredArray(name, (1,), np.dtype(float), lambda index=(): np.zeros(1))
    >>> names = ("layers.2.weight", "layers.10.weight", "layers.0.weight")
    >>> [one.name for one in layer_arrays({name: make(name) for name in names})]
    ['layers.0.weight', 'layers.2.weight', 'layers.10.weight']
    """
    numbered = {name: [int(number) for number in re.findall(r"\d+", name)] for name in arrays}
    names = sorted(arrays, key=lambda name: numbered[name]) if all(numbered.values()) else list(arrays)
    return [arrays[name] for name in names]


def _arrays(path: Path) -> list[StoredArray]:
    try:
        return layer_arrays(open_arrays(path))
    except ArrayFileError as error:
        raise StudyError([Complaint(KEY, error.found, error.expected)]) from None


def _stacked(path: Path, stored: StoredArray, shape: tuple[int, ...]) -> Array:
    """Give an array a leading axis of states, if its other axes are right."""
    where = f"{stored.name}: " if stored.name else ""
    if stored.dtype.kind not in "iuf":
        raise _refused(path, f"{where}an array of {stored.dtype}", "real numbers")
    stacked = (1, *stored.shape) if stored.shape == shape else stored.shape
    if stacked[1:] != shape or not stacked[0]:
        sizes = ", ".join(map(str, shape))
        one = f"({sizes},)" if len(shape) == 1 else f"({sizes})"
        raise _refused(
            path, f"{where}an array of shape {stored.shape}", f"the shape {one} or (states, {sizes})"
        )
    try:
        return np.asarray(stored.read(), dtype=np.float64).reshape(stacked)
    except ArrayFileError as error:
        raise StudyError([Complaint(KEY, error.found, error.expected)]) from None


def _refused(path: Path, found: str, expected: str) -> StudyError:
    return StudyError([Complaint(KEY, f"{found} in {path}", expected)])
