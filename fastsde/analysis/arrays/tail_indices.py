"""Tail indices of the columns of a sample by every estimator, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.arrays.sample import column_names, columns, floats
from fastsde.analysis.arrays.shown import Shown, axes_of, number, span
from fastsde.analysis.protocols import Floats
from fastsde.analysis.tails.registry import declared
from fastsde.analysis.tails.tail_report import TailReport, tail_report
from fastsde.analysis.tails.verdict import MEANING
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Tails", "tails"]

POINTS = 400
"""Points of a curve in the figure, evenly over the ranks on a logarithmic scale."""


@dataclass(frozen=True, repr=False)
class Tails(Shown):
    """Tails of the columns of a sample.

    Attributes
    ----------
    names : tuple of str
        Of the columns.
    report : fastsde.analysis.tails.tail_report.TailReport
        Every estimator's index with its 95 % interval, stable indices of sums, the test against a Gaussian
        law, and the verdict of each column.
    values : ndarray, shape (n, column)
        Distances from the median, for the figure.
    """

    names: tuple[str, ...]
    report: TailReport
    values: Floats

    @property
    def verdict(self) -> tuple[str, ...]:
        """For each column a key of `fastsde.analysis.tails.verdict.MEANING`."""
        return self.report.verdict

    def sentence(self) -> str:
        """Return the verdicts in words."""
        parts = [
            f"{name}: {word} ({MEANING[word]})" for name, word in zip(self.names, self.verdict, strict=True)
        ]
        return "; ".join(parts) + "."

    def rows(self) -> list[dict[str, str]]:
        """Return one row for each column and estimator."""
        rows = []
        for place, name in enumerate(self.names):
            for key, found in self.report.estimates.items():
                rows.append(
                    {
                        "column": name,
                        "estimator": declared(key).marked_label,
                        "index": number(float(found.index[place])),
                        "95 %": span(float(found.low[place]), float(found.high[place])),
                        "values": f"{found.k[place]:,.0f}",
                        "verdict": self.verdict[place],
                    }
                )
        return rows

    def to_dict(self) -> dict[str, object]:
        """Return names and estimates as plain data, without the values."""
        from fastsde.analysis import records

        return {"names": list(self.names), "report": records.plain(self.report)}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of values beyond each size, both on logarithmic axes: a power law is straight."""
        ax = axes_of(ax)
        for name, column in zip(self.names, self.values.T, strict=True):
            falling = np.sort(column[np.isfinite(column) & (column > 0)])[::-1]
            if not falling.size:
                continue
            rank = np.unique(np.geomspace(1, falling.size, POINTS).astype(int)) - 1
            ax.loglog(falling[rank], (rank + 1) / falling.size, label=name)
        ax.set_xlabel("distance from the median")
        ax.set_ylabel("share of values beyond")
        ax.legend(fontsize="small")
        return ax


def tails(values: ArrayLike, *, trajectory: ArrayLike | None = None, scale: ArrayLike | None = None) -> Tails:
    """Estimate the tail of each column of a sample by every estimator, and judge.

    Parameters
    ----------
    values : array_like, shape (n,) or (n, column)
        One row per independent draw: a trajectory, or a step. Columns are judged one by one and never pooled:
        the coordinates of one step of elliptical noise share a scale, and pooled they hide its tail.
    trajectory : array_like of int, shape (n,), optional
        Which trajectory each row is of, where rows are not independent: intervals are widened.
    scale : array_like, shape (n,) or (n, column), optional
        Scale of each row as known otherwise: a tail that is gone in units of it is called a mixture.

    Returns
    -------
    Tails
        With `verdict`, `table()`, `plot(ax=None)`, `to_dict()`.

    Raises
    ------
    RequestError
        If shapes do not fit, or values are not numbers.

    Notes
    -----
    `fastsde.analysis.tails.tail_report.tail_report` has all options.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tails(rng.standard_cauchy(20_000)).verdict, tails(rng.standard_normal(20_000)).verdict
    (('stable',), ('light',))
    """
    x = columns(values, "values")
    rows = np.arange(len(x)) if trajectory is None else floats(trajectory, "trajectory").astype(np.int64)
    units = None if scale is None else floats(scale, "scale")
    for name, one in (("trajectory", rows), ("scale", units)):
        if one is not None and len(one) != len(x):
            raise RequestError(f"{name}: found {len(one)} entries, expected {len(x)}, one per row of values")
    names = column_names(values, x.shape[1], "column")
    with np.errstate(invalid="ignore"):
        middle = np.array([np.median(one[np.isfinite(one)]) if np.isfinite(one).any() else 0 for one in x.T])
        distance = np.abs(x - middle)
    return Tails(names, tail_report(x, units, rows, centre=True), distance)
