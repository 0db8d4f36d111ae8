r"""Squared MMD of very large samples by random Fourier features: k(x,y) = mean over w of cos(w^T (x-y)/h).

A block of trajectories enters by the sums of its features, and blocks are shuffled instead of trajectories:
the cost is linear in the sample, and the permutation test stays exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.protocols import Bools, Floats

ROWS = 8192
"""Trajectories whose features are held at a time."""

GROUPS = 20
"""Groups of the jackknife."""

FARTHEST = 1e5
"""Coordinates beyond so many bandwidths count as so many; the phase keeps a digit in float32."""


def frequencies(dimension: int, count: int, seed: int, scales: Sequence[float] = (1.0,)) -> Floats:
    """Draw frequencies of the mean of Gaussian kernels of these bandwidths, shape (count, dimension).

    Standard normal vectors over the bandwidths, which take turns.
    """
    normal = np.random.Generator(np.random.Philox(seed)).standard_normal((count, dimension))
    return np.asarray(normal / np.resize(np.asarray(scales, dtype=np.float64), count)[:, None])


def block_sums(
    points: Floats, waves: Floats, bandwidth: float, blocks: int, centre: Floats | float = 0.0
) -> Floats:
    """Sum the random features over consecutive blocks of trajectories.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        Rows that are not finite (exploded trajectories) are a state of their own: kernel 1 with each other,
        0 with the rest.
    waves : ndarray, shape (frequency, d)
        From `frequencies`; the same for all samples.
    bandwidth : float
        Kernel width h.
    blocks : int
        How many blocks, at most n; as many trajectories in each, the rest of the last is left out.
    centre : ndarray, shape (d,), or 0
        Origin of the coordinates; any that lies among the points keeps digits, which are those of float32.

    Returns
    -------
    ndarray, shape (block, 2 frequency + 2)
        cos and sin of w^T (x - c) / h over the root of the number of frequencies, exploded, and one: the last
        column counts.

    Examples
    --------
    >>> block_sums(np.zeros((5, 1)), np.ones((1, 1)), 1.0, 2).tolist()
    [[2.0, 0.0, 0.0, 2.0], [2.0, 0.0, 0.0, 2.0]]
    """
    each = len(points) // blocks
    sums = np.zeros((blocks, 2 * len(waves) + 2))
    if not each:
        return sums
    rotated = np.asarray(waves.T, dtype=np.float32)
    step = max(1, ROWS // each)
    for start in range(0, blocks, step):
        rows = points[start * each : min(start + step, blocks) * each]
        features = _features((rows - centre) / bandwidth, rotated)
        sums[start : start + step] = features.reshape(-1, each, features.shape[1]).sum(
            axis=1, dtype=np.float64
        )
    return sums


def _features(points: Floats, rotated: NDArray[np.float32]) -> NDArray[np.float32]:
    there: Bools = np.asarray(np.isfinite(points).all(axis=1))
    count = rotated.shape[1]
    result = np.zeros((len(points), 2 * count + 2), dtype=np.float32)
    finite = np.clip(np.where(there[:, None], points, 0.0), -FARTHEST, FARTHEST)
    phase = finite.astype(np.float32) @ rotated
    np.cos(phase, out=result[:, :count])
    np.sin(phase, out=result[:, count : 2 * count])
    result[:, : 2 * count] *= np.float32(count**-0.5)
    result[~there, : 2 * count] = 0.0
    result[:, -2] = ~there
    result[:, -1] = 1.0
    return result


def squared_mmd(x: Floats, y: Floats, waves: Floats, bandwidth: float) -> float:
    """Unbiased squared MMD of two samples with the random kernel.

    Parameters
    ----------
    x, y : ndarray, shapes (n, d) and (m, d)
        The samples.
    waves : ndarray, shape (frequency, d)
        From `frequencies`. Averaged over them it is the squared MMD of the Gaussian kernel; with D of them
        it differs by about D^(-1/2).
    bandwidth : float
        Kernel width h.

    Returns
    -------
    float
        Dimensionless. It exists for every law.

    Notes
    -----
    Rahimi and Recht (2007), NeurIPS; Zhao and Meng (2015), Neural Computation 27, 1345.

    Examples
    --------
    >>> x, waves = np.zeros((4, 1)), frequencies(1, 500, seed=0)
    >>> 1.9 < squared_mmd(x, x + 100.0, waves, 1.0) < 2.1
    True
    """
    sums = np.concatenate([block_sums(one, waves, bandwidth, 1) for one in (x, y)])
    return float(relabelled(sums, np.array([[True, False]]))[0])


def survivors(sums: Floats) -> float:
    """How many trajectories are finite, from `block_sums`."""
    return float(sums[:, -1].sum() - sums[:, -2].sum())


def relabelled(sums: Floats, labels: Bools) -> Floats:
    """Unbiased squared MMD of the two parts of pooled blocks under many labellings.

    Every trajectory has kernel 1 with itself, cos^2 + sin^2, which is what the unbiased means leave out.

    Parameters
    ----------
    sums : ndarray, shape (block, 2 frequency + 2)
        From `block_sums`, both samples.
    labels : ndarray of bool, shape (labelling, block)
        True for the first sample.

    Returns
    -------
    ndarray, shape (labelling,)
    """
    first = labels.astype(np.float64) @ sums
    return _unbiased(first, sums.sum(axis=0) - first)


def left_out(first: Floats, second: Floats) -> Floats:
    """Unbiased squared MMD without each of `GROUPS` groups of trajectories of either side: a jackknife.

    Parameters
    ----------
    first, second : ndarray, shape (block, 2 frequency + 2)
        From `block_sums`.

    Returns
    -------
    ndarray, shape (group,)
        Group g leaves out the g-th consecutive share of the blocks of both samples. With G values t_g the
        variance of the distance is about (G - 1) / G sum (t_g - mean t)^2.

    Notes
    -----
    Delete-a-group jackknife: Kott (2001), Journal of Official Statistics 17, 521. Both sides leave out the
    same trajectory numbers, so that it holds for models that share their starting points, and for the
    difference between two models that are compared with the same reference.
    """
    groups = min(GROUPS, len(first))
    if groups < 2:
        return np.full(GROUPS, np.nan)
    of_block = np.arange(len(first)) * groups // len(first)
    kept = (np.arange(groups)[:, None] != of_block).astype(np.float64)
    return _unbiased(kept @ first, kept @ second)


def _unbiased(first: Floats, second: Floats) -> Floats:
    """Squared MMD of pairs of samples, whose sums stand in rows."""
    n, m = first[:, -1], second[:, -1]
    first, second = first[:, :-1], second[:, :-1]
    return np.asarray(
        (np.sum(first**2, axis=1) - n) / (n * (n - 1))
        + (np.sum(second**2, axis=1) - m) / (m * (m - 1))
        - 2 * np.sum(first * second, axis=1) / (n * m)
    )
