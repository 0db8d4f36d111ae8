"""Starting points: parameters of each trajectory, a function of the key and of its number alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fastsde.study.tables import Initialisation

__all__ = ["MATCHED_STARTS", "AffineStart", "affine_start", "balanced_factors", "start_points"]

Array = NDArray[np.floating]
MATCHED_STARTS = 256
"""Starting points over which a temperature matched at the start is averaged."""
BALANCED_AT_ONCE = 4096
"""Trajectories whose layers are balanced at once, which bounds memory."""


@dataclass(frozen=True)
class AffineStart:
    """Starting points ``origins[number mod origins] + scales * normals``, which a device makes by itself.

    Parameters
    ----------
    origins : (origins, p) array
    scales : (p,) array
    """

    origins: Array
    scales: Array


def affine_start(init: Initialisation, widths: tuple[int, ...]) -> AffineStart | None:
    """Return what `start_points` does to the normals, if it is affine; None if it is not."""
    if init.kind == "balanced":
        return None
    pairs = zip(init.stds(widths), pairwise(widths), strict=True)
    scales = np.concatenate([np.full(below * above, std) for std, (below, above) in pairs])
    origin = np.zeros(len(scales)) if init.kind == "gaussian" else np.asarray(init.values(), np.float64)
    return AffineStart(origin.reshape(1, -1), scales)


def start_points(normals: Array, init: Initialisation, widths: tuple[int, ...]) -> Array:
    """Turn standard normals into starting parameters.

    Parameters
    ----------
    normals : (trajectories, p) array
        Independent standard normals, p the number of parameters.
    init : Initialisation
        ``"values"``: the given layers, plus the normals times ``std``.
        ``"gaussian"``: each layer's entries are its normals times the layer's standard deviation.
        ``"balanced"``: the end-to-end matrix of those Gaussian layers, factored into layers with ``W_{l+1}^T
        W_{l+1} = W_l W_l^T`` and hidden bases taken from the layers themselves, as Arora, Cohen, Golowich
        and Hu (2019, procedure 1) do.
    widths : tuple of int

    Returns
    -------
    (trajectories, p) array of the same dtype.
    """
    scaled, end = np.empty_like(normals), 0
    layers = []
    for std, (below, above) in zip(init.stds(widths), pairwise(widths), strict=True):
        start, end = end, end + below * above
        np.multiply(normals[:, start:end], std, out=scaled[:, start:end])
        layers.append(scaled[:, start:end].reshape(-1, above, below))
    if init.kind == "gaussian":
        return scaled
    if init.kind == "values":
        return np.asarray(init.values() + scaled, dtype=normals.dtype)
    for begin in range(0, len(normals), BALANCED_AT_ONCE):
        some = slice(begin, begin + BALANCED_AT_ONCE)
        scaled[some] = _balance(*[layer[some] for layer in layers])
    return scaled


def _balance(*layers: Array) -> Array:
    """Return the balanced layers of some trajectories, (trajectories, p)."""
    product = layers[0]
    for layer in layers[1:]:
        product = layer @ product
    hidden = [np.linalg.qr(layer)[0] for layer in layers[:-1]]
    factors = [w.reshape(len(w), -1) for w in balanced_factors(product, hidden)]
    return np.concatenate(factors, axis=1).astype(layers[0].dtype)


def balanced_factors(product: Array, hidden: Sequence[Array]) -> list[Array]:
    """Factor a matrix into balanced layers, ``W_l = Q_l s^(1/L) Q_{l-1}^T``.

    Parameters
    ----------
    product : (..., d_out, d_in) array
        Its rank beyond the narrowest hidden layer is dropped.
    hidden : sequence of (..., d_l, at least r) arrays
        Orthonormal columns for each hidden layer; r is the smallest width.

    Returns
    -------
    list of L arrays (..., d_l, d_{l-1}).

    Examples
    --------
    >>> first, second = balanced_factors(np.diag([4.0, 1.0]), [np.eye(3)[:, :2]])
    >>> (second @ first).round(12) + 0.0
    array([[4., 0.],
           [0., 1.]])
    """
    left, strength, right = np.linalg.svd(product, full_matrices=False)
    rank = min([strength.shape[-1]] + [q.shape[-1] for q in hidden])
    root = (strength[..., :rank] ** (1.0 / (len(hidden) + 1)))[..., np.newaxis, :]
    bases = [np.swapaxes(right[..., :rank, :], -1, -2), *[q[..., :rank] for q in hidden], left[..., :rank]]
    return [(upper * root) @ np.swapaxes(lower, -1, -2) for lower, upper in pairwise(bases)]
