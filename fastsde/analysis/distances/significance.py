"""One p-value for "the two laws are equal": all distances, at all snapshots, in one permutation test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.protocols import Bools, Floats

NO_DISTANCE = "no distance exists at any snapshot"


@dataclass(frozen=True)
class Significance:
    """Whether two laws are distinguishable, by all distances together.

    Attributes
    ----------
    p_value : float
        Of the hypothesis that the two laws are equal at all snapshots; NaN if undetermined.
    at : ndarray, shape (snapshot,)
        Of the hypothesis that they are equal at this snapshot; NaN where no distance exists.
    snapshot : int
        Where the evidence is strongest; -1 if undetermined.
    reason : str
        Why it is undetermined; empty if it is determined.
    """

    p_value: float
    at: Floats
    snapshot: int
    reason: str = ""

    @property
    def distinguishable(self) -> bool | None:
        """Whether the p-value is below 5 %; None if undetermined."""
        return None if math.isnan(self.p_value) else self.p_value < SIGNIFICANCE

    @property
    def verdict(self) -> str:
        """One of "distinguishable", "indistinguishable" and "undetermined"."""
        return {True: "distinguishable", False: "indistinguishable", None: "undetermined"}[
            self.distinguishable
        ]


def combine(
    relabelled: Mapping[str, Floats], part: Bools | None = None, reason: str = NO_DISTANCE
) -> Significance:
    """Combine distances at all snapshots into one permutation test of the largest of them.

    Parameters
    ----------
    relabelled : mapping of str to ndarray, shape (snapshot, 1 + permutation)
        For each distance its observed value in column 0, then its values under permuted labels; column b is
        the same permutation of trajectories throughout. Rows of NaN where the distance does not exist.
    part : ndarray of bool, shape (snapshot,), optional
        Snapshots that count for the p-value of the whole run; all by default. A start that models share by
        construction has nothing to say.
    reason : str
        Why no distance exists, if none does.

    Returns
    -------
    Significance

    Notes
    -----
    The single-step procedure of Westfall and Young (1993): each distance at each snapshot, and the mean of
    each distance over snapshots, is studentised by all its labellings (`scores`); the largest of these is
    compared with what it is under each permutation. However the statistics depend on each other, 5 % of equal
    laws are called distinguishable: exactly where all distances see the same permutations of the same
    trajectories, less often where they do not (distances that use fewer trajectories, blocks of them, or the
    survivors), since the largest of independent statistics is larger.

    Examples
    --------
    >>> null = np.random.default_rng(0).random((3, 99))
    >>> test = combine({"energy": np.column_stack([[0.5, 2.0, 0.5], null])})
    >>> test.p_value, test.snapshot, test.verdict
    (0.01, 1, 'distinguishable')
    >>> combine({"energy": np.full((1, 100), np.nan)}, reason="too few").verdict
    'undetermined'
    """
    rows = {name: scores(values) for name, values in relabelled.items()}
    snapshots = len(next(iter(rows.values())))
    counts: Bools = np.ones(snapshots, dtype=np.bool_) if part is None else part
    largest = np.maximum.reduce(list(rows.values()))
    at = np.array([_p(row) for row in largest])
    known: Bools = counts & np.isfinite(at)
    if not known.any():
        return Significance(math.nan, at, -1, reason)
    overall = largest[known].max(axis=0)
    if known.sum() > 1:
        means = [_mean(values[counts]) for values in rows.values()]
        overall = np.maximum.reduce([overall, *means])
    strongest = np.lexsort((-largest[:, 0], np.where(known, at, np.inf)))[0]
    return Significance(_p(overall), at, int(strongest))


def scores(rows: Floats) -> Floats:
    """Studentise each row: less its mean over all labellings, over their standard deviation.

    Observed and permuted values are treated alike, so that columns stay exchangeable under the null.

    Parameters
    ----------
    rows : ndarray, shape (row, labelling)
        Rows that are not finite do not exist.

    Returns
    -------
    ndarray, shape (row, labelling)
        -inf in rows that do not exist, 0 in rows without any spread.

    Examples
    --------
    >>> scores(np.array([[4.0, 0.0, 0.0, 0.0, 0.0], [7.0] * 5, [np.nan] * 5])).round(9).tolist()
    [[2.0, -0.5, -0.5, -0.5, -0.5], [0.0, 0.0, 0.0, 0.0, 0.0], [-inf, -inf, -inf, -inf, -inf]]
    """
    result = np.full(rows.shape, -np.inf)
    there = np.isfinite(rows).all(axis=1)
    if there.any():
        largest = np.abs(rows[there]).max(axis=1, keepdims=True)
        values = rows[there] / np.where(largest > 0, largest, 1.0)
        unit = values.std(axis=1, keepdims=True)
        spread = unit > 1e-9
        centred = values - values.mean(axis=1, keepdims=True)
        result[there] = np.where(spread, centred / np.where(spread, unit, 1.0), 0.0)
    return result


def _mean(rows: Floats) -> Floats:
    """Score of the mean of scores over the snapshots that exist."""
    known = rows[np.isfinite(rows).all(axis=1)]
    return scores(known.mean(axis=0)[None])[0] if len(known) else np.full(rows.shape[1], -np.inf)


def _p(row: Floats) -> float:
    """Share of labellings whose score reaches the observed one, to rounding; NaN where none exists."""
    if not np.isfinite(row).all():
        return math.nan
    return float(np.mean(row >= row[0] - 1e-9 * max(1.0, abs(row[0]))))
