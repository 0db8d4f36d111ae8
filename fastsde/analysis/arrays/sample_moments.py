"""Moments of the columns of a sample where they exist, and robust counterparts always."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.arrays.sample import column_names, columns
from fastsde.analysis.arrays.shown import Shown, axes_of, number
from fastsde.analysis.shape.moments import LEVELS, Moments
from fastsde.analysis.shape.moments import moments as moments_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SampleMoments", "moments"]


@dataclass(frozen=True, repr=False)
class SampleMoments(Shown):
    """Moments of a sample.

    Attributes
    ----------
    names : tuple of str
        Of the columns.
    moments : fastsde.analysis.shape.moments.Moments
        Mean, covariance, skewness and excess kurtosis, NaN where the tail of the sample denies them; median,
        median absolute deviation, quantile skewness and Moors' octile kurtosis, which always exist.
    """

    names: tuple[str, ...]
    moments: Moments

    def sentence(self) -> str:
        """Say how many values there are, and which columns have no variance."""
        count = f"{float(self.moments.count):,.0f} finite rows of {len(self.names)} columns"
        without = [
            name
            for name, one in zip(self.names, np.diag(self.moments.covariance), strict=True)
            if math.isnan(one)
        ]
        return f"{count}; no variance: {', '.join(without)}." if without else f"{count}."

    def rows(self) -> list[dict[str, str]]:
        """Return one row for each column."""
        found = self.moments
        spread = np.sqrt(np.diag(found.covariance))
        error = spread / np.sqrt(max(float(found.count), 1.0))
        columns = {
            "mean": found.mean,
            "standard error": error,
            "sd": spread,
            "skewness": found.skewness,
            "excess kurtosis": found.kurtosis,
            "median": found.median,
            "median deviation": found.deviation,
            "Moors kurtosis": found.moors,
            "moments exist below": np.minimum(found.denied, found.limit),
        }
        return [
            {"column": name, **{key: number(float(one[place])) for key, one in columns.items()}}
            for place, name in enumerate(self.names)
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw median, quartiles, and 5 and 95 % quantiles of each column."""
        ax = axes_of(ax)
        place = np.arange(len(self.names))
        at = dict(zip(LEVELS, self.moments.quantiles, strict=True))
        ax.vlines(place, at[0.05], at[0.95], color="#6b6b6b")
        ax.vlines(place, at[0.25], at[0.75], color="#0072B2", linewidth=6)
        ax.plot(place, at[0.5], "o", color="white", markeredgecolor="#222222")
        ax.set_xticks(place, self.names)
        ax.set_ylabel("value: median, quartiles, 5 to 95 %")
        return ax


def moments(values: ArrayLike) -> SampleMoments:
    """Return the moments of each column that its tail allows, and robust counterparts.

    Parameters
    ----------
    values : array_like, shape (n,) or (n, column)
        One row per independent draw; rows that are not finite are left out.

    Returns
    -------
    SampleMoments
        With `table()`, `plot(ax=None)`, `to_dict()`.

    Raises
    ------
    RequestError
        If the shape does not fit, or values are not numbers.

    Notes
    -----
    A moment of order r is shown only if the 95 % interval of Hill's index of the sample reaches r.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> moments(np.column_stack([rng.standard_normal(1000), rng.standard_cauchy(1000)]))
    1,000 finite rows of 2 columns; no variance: column 2.
    """
    x = columns(values, "values")
    return SampleMoments(column_names(values, x.shape[1], "column"), moments_of(x))
