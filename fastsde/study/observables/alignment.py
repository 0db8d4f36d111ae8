"""Alignment of a network's singular vectors: of W with the modes, and of each layer with the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.study.observable import Observable, register

__all__ = ["layer_alignment", "mode_alignment"]

Array = NDArray[Any]


def mode_alignment(matrices: Array, left: Array, right: Array) -> Array:
    """Return ``u_a^T W v_a / sqrt(|W v_a| |W^T u_a|)``: 1 exactly where (u_a, v_a) are singular vectors of W.

    By the Cauchy-Schwarz inequality it lies between -1 and 1; it needs no decomposition and no matching of
    singular values to modes.

    Parameters
    ----------
    matrices : (..., d_out, d_in) array
        End-to-end matrices W.
    left, right : (modes, d_out) and (modes, d_in) array
        Singular vectors of the optimum, one row per mode.

    Returns
    -------
    (..., modes) array; NaN where W has nothing along the mode.

    Examples
    --------
    >>> mode_alignment(np.diag([3.0, 1.0]), np.eye(2), np.eye(2))
    array([1., 1.])
    >>> mode_alignment(np.array([[0.0, 2.0], [2.0, 0.0]]), np.eye(2), np.eye(2))
    array([0., 0.])
    """
    with np.errstate(all="ignore"):  # diverged trajectories
        forth = matrices @ right.T
        back = left @ matrices
        strength = np.einsum("ai,...ia->...a", left, forth)
        length = np.linalg.norm(forth, axis=-2) * np.linalg.norm(back, axis=-1)
        return np.asarray(strength / np.sqrt(np.where(length > 0, length, np.nan)))


def layer_alignment(layers: Sequence[Array]) -> Array:
    """Return ``|<u_1(W_l), v_1(W_{l+1})>|`` of each interface, the cosine of the top directions.

    Parameters
    ----------
    layers : sequence of (..., d_l, d_{l-1}) arrays
        The weights, input side first.

    Returns
    -------
    (..., L-1) array, from 0 to 1; it tends to 1 as a deep linear network is learned (Ji and Telgarsky 2019).

    Examples
    --------
    >>> first, second = np.diag([2.0, 1.0]), np.diag([3.0, 1.0])
    >>> layer_alignment([first, second]), layer_alignment([first, second[::-1, ::-1]])
    (array([1.]), array([0.]))
    """
    decomposed = [np.linalg.svd(layer, full_matrices=False) for layer in layers]
    cosines = [
        np.abs(np.sum(lower.U[..., :, 0] * upper.Vh[..., 0, :], axis=-1))
        for lower, upper in pairwise(decomposed)
    ]
    return np.stack(cosines, axis=-1) if cosines else np.empty((*layers[0].shape[:-2], 0))


register(
    Observable(
        name="mode_alignment",
        order=200,
        dims=("mode",),
        long_name="u_a^T W v_a / sqrt(|W v_a| |W^T u_a|)",
        objectives=("network",),
        needs=(),
        measure=lambda snapshot: mode_alignment(snapshot.end_to_end, snapshot.mode_left, snapshot.mode_right),
    )
)
register(
    Observable(
        name="layer_alignment",
        order=210,
        dims=("interface",),
        long_name="|cosine| between the top left singular vector of W_l and the top right of W_{l+1}",
        objectives=("network",),
        measure=lambda snapshot: layer_alignment(snapshot.layers),
    )
)
