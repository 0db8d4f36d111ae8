"""Measurements of the end-to-end matrix: entries (completion), or inner products with matrices (sensing).

Sample i is a matrix A_i with a label ``y_i = <A_i, W*> + noise``, and the loss is ``c/2 E (<A, W> - y)^2``: c is
2 where the study's loss is "mean", 1 where it is "half". Of the matrices of least loss the one closest to the
teacher is called the optimum; modes are the teacher's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.study.random_streams import generator, sample_noise

if TYPE_CHECKING:
    from fastsde.study.tables import Data

__all__ = ["measured_fields", "measured_scale", "seen"]

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]


def measured_scale(loss: str) -> float:
    """Return the factor c of the loss of a study's word for it."""
    return 2.0 if loss == "mean" else 1.0


def seen(entries: Numbers | None, matrices: Array | None, matrix: Array) -> Array:
    """Return ``<A_i, X>`` of each sample; (..., n).

    Examples
    --------
    >>> seen(np.array([0, 3]), None, np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([1., 4.])
    """
    flat = matrix.reshape(*matrix.shape[:-2], -1)
    if matrices is None:
        return np.asarray(flat[..., entries])
    return np.asarray(flat @ matrices.reshape(len(matrices), -1).T)


def measured_fields(data: Data, loss: str, teacher: Array) -> dict[str, Any]:
    """Return the fields of a problem in which measurements differ from inputs and labels.

    Parameters
    ----------
    data : Data
        Of the study.
    loss : str
        Its word for the loss.
    teacher : (d_out, d_in) array
    """
    scale, (d_out, d_in) = measured_scale(loss), teacher.shape
    entries = _drawn_entries(data, d_out, d_in) if data.kind == "completion" else None
    count = data.sample_count(d_in, d_out)
    if count is None:
        sd = data.label_noise.sd
        least = scale / 2 * sd * sd if math.isfinite(sd) else math.nan
        return {"loss_scale": scale, "entries": entries, "noise_sd": sd, "optimum_loss": least}
    matrices = None
    if entries is None:
        matrices = generator(data.seed, "inputs").standard_normal((count, d_out, d_in))
    noise = sample_noise(generator(data.seed, "label noise"), data.label_noise, (count, 1))[:, 0]
    change = _least_squares(entries, matrices, teacher.shape, noise)
    left = noise - seen(entries, matrices, change)
    return {
        "loss_scale": scale,
        "entries": entries,
        "matrices": matrices,
        "measured": seen(entries, matrices, teacher) + noise,
        "optimum": teacher + change,
        "cross": teacher + change,
        "optimum_loss": float(scale / 2 * np.mean(left**2)),
        "noise_sd": 0.0,
    }


def _drawn_entries(data: Data, rows: int, columns: int) -> Numbers:
    """Return the places of the samples' entries in the matrix row by row, ascending."""
    random = generator(data.seed, "entries")
    if data.entries is not None:
        observed = np.array([(i - 1) * columns + j - 1 for i, j in data.entries])
    else:
        count = data.observed_count(columns, rows)
        observed = random.choice(rows * columns, size=count, replace=False)
    if isinstance(data.samples, int):
        observed = np.sort(observed)[random.integers(len(observed), size=data.samples)]
    return np.sort(observed).astype(np.int64)


def _least_squares(
    entries: Numbers | None, matrices: Array | None, shape: tuple[int, ...], noise: Array
) -> Array:
    """Return the change of least norm that brings the matrix from the teacher to the least loss."""
    if not noise.any():
        return np.zeros(shape)
    if matrices is None:
        assert entries is not None
        size = shape[0] * shape[1]
        counts = np.bincount(entries, minlength=size)
        return (np.bincount(entries, noise, size) / np.maximum(counts, 1)).reshape(shape)
    found = np.linalg.lstsq(matrices.reshape(len(matrices), -1), noise)[0]
    return np.asarray(found.reshape(shape))
