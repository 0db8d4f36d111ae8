"""Two samples compared by every distance, each beside its distribution under permuted labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.arrays.sample import column_names, snapshots
from fastsde.analysis.arrays.shown import Shown, axes_of, number
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.clouds import placed
from fastsde.analysis.distances.existence import moment_order
from fastsde.analysis.distances.registry import declared
from fastsde.analysis.distances.two_samples import Measured, Pair, by_every_distance, joined
from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.protocols import Floats
from fastsde.analysis.settings import Settings
from fastsde.analysis.shape.moments import moments
from fastsde.analysis.threads import one_thread_each
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Two samples compared, at one snapshot or several.

    Attributes
    ----------
    names : tuple of str
        Of the two samples.
    coordinates : tuple of str
    count : tuple of int
        Rows of each sample.
    pair : fastsde.analysis.distances.two_samples.Pair
        For each distance its value, its null mean and 95 % null quantile, and its p-value, arrays of shape
        (snapshot,); each coordinate; one test of all distances together.
    """

    names: tuple[str, ...]
    coordinates: tuple[str, ...]
    count: tuple[int, ...]
    pair: Pair

    @property
    def p_value(self) -> float:
        """Of the hypothesis that the two laws are equal at all snapshots, by all distances together."""
        return self.pair.significance.p_value

    @property
    def verdict(self) -> str:
        """One of "distinguishable", "indistinguishable" and "undetermined"."""
        return self.pair.significance.verdict

    @property
    def distances(self) -> dict[str, Floats]:
        """Each distance by its name, (snapshot,); NaN where it does not exist."""
        return {name: test.value for name, test in self.pair.tests.items()}

    def sentence(self) -> str:
        """Return the verdict in a sentence."""
        first, second = self.names
        sizes = " and ".join(f"{size:,}" for size in self.count)
        if math.isnan(self.p_value):
            return f"Whether {first} and {second} differ is undetermined: {self.pair.significance.reason}."
        return f"{first} and {second} are {self.verdict} (p = {self.p_value:.2g}; {sizes} rows)."

    def rows(self) -> list[dict[str, str]]:
        """Return one row for each distance, at the snapshot where the evidence is strongest."""
        at = max(self.pair.significance.snapshot, 0)
        rows = []
        for name, test in self.pair.tests.items():
            value, null, p = (float(one[at]) for one in (test.value, test.null, test.p_value))
            alone = "significant" if p < SIGNIFICANCE else "not significant"
            if math.isnan(p):
                alone = self.pair.reasons[name][at] if name in self.pair.reasons else "not tested"
            rows.append(
                {
                    "distance": declared(name).label,
                    "value": number(value),
                    "null mean": number(float(test.null_mean[at])),
                    "95 % null quantile": number(null),
                    "p": number(p),
                    "rows": f"{test.count[at]:,.0f}",
                    "alone": alone,
                }
            )
        return rows

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each distance over its null quantile: above 1 it is outside the band of equal laws."""
        ax = axes_of(ax)
        ratios = {declared(name).label: test.ratio for name, test in self.pair.tests.items()}
        known = {label: ratio for label, ratio in ratios.items() if np.isfinite(ratio).any()}
        if len(next(iter(known.values()), [0.0])) == 1:
            ax.barh(list(known), [float(ratio[0]) for ratio in known.values()], color="#0072B2")
            ax.axvline(1, color="#222222", linestyle="--")
            ax.invert_yaxis()
            ax.set_xlabel("distance / 95 % null quantile")
            return ax
        for label, ratio in known.items():
            ax.plot(ratio, label=label)
        ax.axhline(1, color="#222222", linestyle="--")
        ax.set_xlabel("snapshot")
        ax.set_ylabel("distance / 95 % null quantile")
        ax.legend(fontsize="small")
        return ax


def compare(
    first: ArrayLike,
    second: ArrayLike,
    *,
    names: Sequence[str] = ("first", "second"),
    coordinates: Sequence[str] | None = None,
    standardise: bool = False,
    paired: bool = False,
    settings: Settings | None = None,
) -> Comparison:
    """Compare two samples by every distance, each beside its null band and p-value.

    Parameters
    ----------
    first, second : array_like, shape (n,), (n, coordinate) or (snapshot, n, coordinate)
        Independent rows, one per trajectory; NumPy arrays, pandas tables or xarray arrays. The two may have
        different numbers of rows. With snapshots, row k of each snapshot is the same trajectory. A row that
        is not finite has diverged: distances that see it count it as a state of its own.
    names : sequence of str
        Of the two samples, for sentences.
    coordinates : sequence of str, optional
        Names of the columns; those of a pandas table, or numbers, by default.
    standardise : bool
        Divide each coordinate by the interquartile range of both samples together. Do so where coordinates
        have different units: all distances but those of single coordinates add them up.
    paired : bool
        Whether row k of both samples starts from the same point. Then the first half of one is compared with
        the second half of the other, because the tests need independent samples.
    settings : fastsde.analysis.Settings, optional
        Permutations, seed and limits on the rows used by costly distances.

    Returns
    -------
    Comparison
        With `p_value` and `verdict` of all distances together, `table()`, `plot(ax=None)`, `to_dict()`.

    Raises
    ------
    RequestError
        If shapes do not fit, or values are not numbers.

    Notes
    -----
    The p-value is that of one permutation test (Westfall and Young 1993): 5 % of equal laws are called
    distinguishable, or fewer, however many distances are taken. docs/distances.md defines each distance.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y, z = rng.normal(0, 1, (200, 2)), rng.normal(0, 1, (200, 2)), rng.normal(0.5, 1, (200, 2))
    >>> compare(x, y).verdict, compare(x, z).verdict
    ('indistinguishable', 'distinguishable')
    >>> compare(x, z, names=("mine", "theirs"))
    mine and theirs are distinguishable (p = 0.002; 200 and 200 rows).
    """
    settings = settings or Settings()
    x, y = snapshots(first, names[0]), snapshots(second, names[1])
    _same_shape(x, y, names)
    if paired:
        half = min(x.shape[1], y.shape[1]) // 2
        x, y = x[:, :half], y[:, half : 2 * half]
    if standardise:
        x, y = _standardised(x, y)
    named = _named(first, coordinates, x.shape[2])
    frame = Frame.of(named, settings)
    with one_thread_each():
        measured = [_at(one, other, names, frame) for one, other in zip(x, y, strict=True)]
    return Comparison(tuple(names), named, (x.shape[1], y.shape[1]), joined(measured))


def _at(first: Floats, second: Floats, names: Sequence[str], frame: Frame) -> Measured:
    """Compare the samples at one snapshot."""
    samples = dict(zip(names, (first, second), strict=True))
    orders = {name: moment_order(moments(one), one.shape[1]) for name, one in samples.items()}
    return by_every_distance(first, second, orders, placed(samples, frame))


def _same_shape(x: Floats, y: Floats, names: Sequence[str]) -> None:
    if len(names) != 2 or names[0] == names[1]:
        raise RequestError(f"names: found {list(names)}, expected two different names")
    if x.shape[0] != y.shape[0] or x.shape[2] != y.shape[2]:
        raise RequestError(
            f"found {names[0]} with {x.shape[0]} snapshots of {x.shape[2]} coordinates and {names[1]} with "
            f"{y.shape[0]} of {y.shape[2]}, expected equally many of both"
        )


def _named(values: Any, given: Sequence[str] | None, count: int) -> tuple[str, ...]:
    named = column_names(values, count, "coordinate") if given is None else tuple(given)
    if len(named) != count:
        raise RequestError(f"coordinates: found {len(named)} names, expected {count}, one per coordinate")
    return named


def _standardised(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Divide by the interquartile range of both samples together, over all snapshots."""
    pool = np.concatenate([one.reshape(-1, one.shape[2]) for one in (x, y)])
    pool = pool[np.isfinite(pool).all(axis=1)]
    if not len(pool):
        return x, y
    low, high = np.quantile(pool, [0.25, 0.75], axis=0)
    unit = np.where(high > low, high - low, 1.0)
    return x / unit, y / unit
