r"""Squared MMD of very large samples by random Fourier features: k(x,y) = mean over w of cos(w^T (x-y)/h).

A block of trajectories enters by the sums of its features, and blocks are permuted instead of trajectories:
the cost is linear in the sample, and the permutation test stays exact.

Known answers: as `fastsde.analysis.distances.kinds.mmd`, of which this is a Monte Carlo estimate, exact on
average over the frequencies; 0 between equal laws, 2 between laws that are far apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.distances.base import SMALLEST_SAMPLE, Compared, Frame, permuted, too_few
from fastsde.analysis.distances.jackknife import GROUPS
from fastsde.analysis.distances.kinds.mmd import SCALES
from fastsde.analysis.distances.permutation import Relabelling
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats

ROWS = 8192
"""Trajectories whose features are held at a time."""

FARTHEST = 1e5
"""Coordinates beyond this many bandwidths are cut off there; the phase keeps a digit in float32."""


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
        Rows that are not finite (diverged trajectories) are a state of their own: kernel 1 with each other,
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
        cos and sin of w^T (x - c) / h over the root of the number of frequencies, diverged, and one: the last
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
    sums = np.concatenate([block_sums(sample, waves, bandwidth, 1) for sample in (x, y)])
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
    """Unbiased squared MMD without each of `GROUPS` groups of trajectories of either sample: a jackknife.

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
    Delete-a-group jackknife: Kott (2001), Journal of Official Statistics 17, 521. Both samples leave out the
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
    """Squared MMD of pairs of samples, whose sums are in rows."""
    n, m = first[:, -1], second[:, -1]
    first, second = first[:, :-1], second[:, :-1]
    return np.asarray(
        (np.sum(first**2, axis=1) - n) / (n * (n - 1))
        + (np.sum(second**2, axis=1) - m) / (m * (m - 1))
        - 2 * np.sum(first * second, axis=1) / (n * m)
    )


@dataclass(frozen=True)
class FeatureDistance(Distance):
    """The squared MMD of all trajectories, from sums over blocks of them, which are what is permuted."""

    def labelling(self, trajectories: int, frame: Frame) -> Relabelling:
        """Return the permutations of blocks of whole states."""
        settings = frame.settings
        states = trajectories // frame.branches
        each = max(1, -(-states // self.largest_sample(settings)))
        return permuted(states // each, settings.permutations, settings.seed, 1)

    def compare(self, first: Floats, second: Floats, relabelling: Relabelling, frame: Frame) -> Compared:
        """Measure the distance of two samples under the observed labelling and the permuted ones."""
        size = min(len(first), len(second))
        ours, theirs = (self.sums(sample[:size], relabelling, frame) for sample in (first, second))
        return self.of_sums(ours, theirs, relabelling, frame)

    def compare_pairs(
        self,
        firsts: Sequence[Floats],
        seconds: Sequence[Floats],
        places: Iterable[tuple[int, int]],
        relabelling: Relabelling,
        frame: Frame,
        apply: Callable[..., Iterable[Any]] = map,
    ) -> list[Compared]:
        """Compare many pairs of samples, by sums that are taken once for each sample."""
        sums = partial(self.sums, relabelling=relabelling, frame=frame)
        ours, theirs = list(apply(sums, firsts)), list(apply(sums, seconds))
        return [self.of_sums(ours[i], theirs[j], relabelling, frame) for i, j in places]

    def sums(self, sample: Floats, relabelling: Relabelling, frame: Frame) -> Floats:
        """Sum up one sample over blocks of whole states."""
        blocks = max(relabelling.size, 1)
        unit = blocks * frame.branches
        settings = frame.settings
        waves = _waves(len(frame.coordinates), settings.frequencies, settings.seed)
        return block_sums(sample[: len(sample) // unit * unit], waves, frame.bandwidth, blocks, frame.centre)

    def of_sums(self, first: Floats, second: Floats, relabelling: Relabelling, frame: Frame) -> Compared:
        """Compare two samples of one size by their `sums`, which any number of comparisons may share."""
        size = int(first[:, -1].sum())
        reason = self._too_few_states(relabelling.units, frame)
        if reason:
            return Compared(None, 0, reason=reason)
        surviving = max(int(survivors(sums)) for sums in (first, second))
        if surviving < SMALLEST_SAMPLE:
            return too_few(surviving)
        everywhere = np.ones(relabelling.size, dtype=np.bool_)
        _, labels = relabelling.at(everywhere, everywhere)
        pooled = np.concatenate([first, second])
        if np.all(pooled == pooled[0]):
            return Compared(np.zeros(len(labels)), size, np.zeros(GROUPS))
        return Compared(relabelled(pooled, labels), size, left_out(first, second))


@lru_cache(maxsize=8)
def _waves(dimension: int, count: int, seed: int) -> Floats:
    """Return the frequencies, which are the same for all comparisons."""
    return frequencies(dimension, count, seed, SCALES)


MMD_FEATURES = register(
    FeatureDistance(
        name="mmd_features",
        label="MMD², random features",
        units="dimensionless",
        relabelled=lambda sums, labels, frame: relabelled(sums, labels),
        limit=lambda settings: settings.blocks,
        diverged=True,
        every_snapshot=True,
        all_pairs=True,
        linear=True,
        primary=True,
        phrase="MMD",
        unbiased=True,
        detects="as MMD², among all trajectories, however many",
        equation="MMD² with k(x,y) = mean of cos(w·(x-y)) over random w",
        source="Rahimi and Recht (2007); Zhao and Meng (2015)",
        order=20,
    )
)
