"""Starting states from a file of NumPy's, ``.npy`` or ``.npz``; nothing in it is ever unpickled."""

from __future__ import annotations

import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastsde.system.errors import Complaint, StudyError

__all__ = ["read_states"]

KEY = "network.init.file"
Array = NDArray[np.float64]


def read_states(path: Path, widths: tuple[int, ...]) -> Array:
    """Read the parameters of one or several states.

    Parameters
    ----------
    path : Path
        A ``.npy`` file of one array (p,) or (states, p), the parameters as the files of fastsde have them; or
        a ``.npz`` file of one array for each layer, the input side first, (rows, columns) or (states, rows,
        columns).
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
    arrays = _arrays(path)
    shapes = [(above, below) for below, above in pairwise(widths)]
    size = sum(above * below for above, below in shapes)
    if path.suffix == ".npz":
        if len(arrays) != len(shapes):
            raise _refused(path, f"{len(arrays)} arrays", f"one array per layer, {len(shapes)} of them")
        layers = [
            _stacked(path, name, array, shape)
            for (name, array), shape in zip(arrays.items(), shapes, strict=True)
        ]
        counts = {len(layer) for layer in layers}
        if len(counts) > 1:
            raise _refused(path, f"layers of {sorted(counts)} states", "as many states in every layer")
        states = np.concatenate([layer.reshape(len(layer), -1) for layer in layers], axis=1)
    else:
        states = _stacked(path, "", arrays[""], (size,))
    if not np.isfinite(states).all():
        raise _refused(path, "numbers that are not finite", "finite numbers only")
    return states


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    if path.suffix not in (".npy", ".npz"):
        raise _refused(path, f'"{path.name}"', "a file .npy or .npz of NumPy's")
    try:
        loaded = np.load(path, allow_pickle=False)
        return {"": loaded} if path.suffix == ".npy" else {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise _refused(
            path, f"a file that cannot be read: {error}", "a file of numbers, nothing pickled"
        ) from None


def _stacked(path: Path, name: str, array: NDArray[np.generic], shape: tuple[int, ...]) -> Array:
    """Give an array a leading axis of states, if its other axes are right."""
    where = f"{name}: " if name else ""
    if array.dtype.kind not in "iuf":
        raise _refused(path, f"{where}an array of {array.dtype}", "real numbers")
    stacked = array[None] if array.shape == shape else array
    if stacked.shape[1:] != shape or not len(stacked):
        sizes = ", ".join(map(str, shape))
        one = f"({sizes},)" if len(shape) == 1 else f"({sizes})"
        raise _refused(
            path, f"{where}an array of shape {array.shape}", f"the shape {one} or (states, {sizes})"
        )
    return np.asarray(stacked, dtype=np.float64)


def _refused(path: Path, found: str, expected: str) -> StudyError:
    return StudyError([Complaint(KEY, f"{found} in {path}", expected)])
