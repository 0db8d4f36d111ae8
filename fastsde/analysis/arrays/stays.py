"""Survival of stays that end, diverge, or are cut off: the curve, its median and its restricted mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.arrays.sample import floats
from fastsde.analysis.arrays.shown import Shown, axes_of, number, span
from fastsde.analysis.escape.curves import kaplan_meier
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.survival import count, incidence, interval, resample, restricted_mean
from fastsde.analysis.protocols import Bools, Floats
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Survival", "survival"]

GRID = 200
REPLICATES = 400


@dataclass(frozen=True, repr=False)
class Survival(Shown):
    """How long stays last.

    Attributes
    ----------
    count, ended, diverged, censored : int
        Stays, and how they ended.
    time : ndarray, shape (moment,)
    survival, low, high : ndarray, shape (moment,)
        Kaplan-Meier estimate of the share that lasts longer, and its 95 % band; divergences only leave the
        risk set.
    ended_share, diverged_share : ndarray, shape (moment,)
        Share that has ended, and that has diverged, as competing ends (Aalen and Johansen 1978).
    median, median_low, median_high : float
        Of the survival curve, with the interval of Brookmeyer and Crowley; infinite if never reached.
    mean, mean_low, mean_high : float
        Mean stay restricted to the longest time, with a bootstrap interval.
    """

    count: int
    ended: int
    diverged: int
    censored: int
    time: Floats
    survival: Floats
    low: Floats
    high: Floats
    ended_share: Floats
    diverged_share: Floats
    median: float
    median_low: float
    median_high: float
    mean: float
    mean_low: float
    mean_high: float

    def sentence(self) -> str:
        """Return the median stay in a sentence."""
        ends = f"{self.ended:,} of {self.count:,} stays end"
        more = f", {self.diverged:,} diverge" if self.diverged else ""
        half = "never" if math.isinf(self.median) else number(self.median)
        return f"{ends}{more}; median stay {half} ({span(self.median_low, self.median_high)})."

    def rows(self) -> list[dict[str, str]]:
        """Return the counts, the median and the restricted mean, one row each."""
        return [
            {"quantity": "median stay", "value": number(self.median), "95 %": self._span("median")},
            {"quantity": "restricted mean stay", "value": number(self.mean), "95 %": self._span("mean")},
            *(
                {"quantity": word, "value": f"{getattr(self, word):,}", "95 %": ""}
                for word in ("count", "ended", "diverged", "censored")
            ),
        ]

    def _span(self, name: str) -> str:
        return span(getattr(self, f"{name}_low"), getattr(self, f"{name}_high"))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the survival curve with its band."""
        ax = axes_of(ax)
        ax.step(self.time, self.survival, where="post", color="#0072B2")
        ax.fill_between(self.time, self.low, self.high, step="post", color="#0072B2", alpha=0.2, linewidth=0)
        ax.set_xlabel("time")
        ax.set_ylabel("share that lasts longer")
        ax.set_ylim(0, 1.02)
        return ax


def survival(
    times: ArrayLike, ended: ArrayLike | None = None, *, diverged: ArrayLike | None = None, seed: int = 0
) -> Survival:
    """Estimate how long stays last, some of them cut off before they end.

    Parameters
    ----------
    times : array_like, shape (n,)
        Length of each stay, as far as it is known; at least 0.
    ended : array_like of bool, shape (n,), optional
        Whether its end was seen; where not, it is cut off (censored). All by default.
    diverged : array_like of bool, shape (n,), optional
        Whether it was cut off by a divergence.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Survival
        With `median`, `table()`, `plot(ax=None)`, `to_dict()`.

    Raises
    ------
    RequestError
        If shapes do not fit, a time is negative or not finite, or a stay both ended and diverged.

    Notes
    -----
    Kaplan and Meier (1958); the interval of the median is that of Brookmeyer and Crowley (1982).

    Examples
    --------
    >>> survival([1.0, 2.0, 3.0, 4.0], [True, True, True, False]).median
    2.0
    """
    time = floats(times, "times")
    if time.ndim != 1 or not (np.isfinite(time) & (time >= 0)).all():
        raise RequestError(
            f"times: found an array of shape {time.shape}, expected (n,), finite and at least 0. "
            "Fix: a stay whose end was not seen has the time until which it was watched, and ended = False"
        )
    none = np.zeros(len(time), dtype=np.bool_)
    lost = none if diverged is None else _marks(diverged, "diverged", len(time))
    over = ~lost if ended is None else _marks(ended, "ended", len(time))
    if np.any(over & lost):
        raise RequestError("found a stay that has both ended and diverged, expected at most one of them")
    stays = Passages(time, over, lost)
    counts = count(stays)
    grid = np.unique(np.concatenate([[0.0], np.quantile(time, np.linspace(0, 1, GRID), method="higher")]))
    curve = kaplan_meier(stays, grid)
    place = np.searchsorted(counts.time, grid, side="right")
    shares = [np.concatenate([[0.0], one])[place] for one in incidence(counts)]
    horizon = float(time.max())
    random = np.random.Generator(np.random.Philox(seed))
    low, high = interval(restricted_mean(resample(counts, REPLICATES, random), horizon))
    return Survival(
        count=len(time),
        ended=int(over.sum()),
        diverged=int(lost.sum()),
        censored=int((~over & ~lost).sum()),
        time=grid,
        survival=curve.survival,
        low=curve.low,
        high=curve.high,
        ended_share=shares[0],
        diverged_share=shares[1],
        median=curve.median,
        median_low=curve.median_low,
        median_high=curve.median_high,
        mean=float(restricted_mean(counts, horizon)),
        mean_low=low,
        mean_high=high,
    )


def _marks(values: ArrayLike, name: str, count: int) -> Bools:
    """Return marks as booleans, one per stay."""
    found = floats(values, name)
    if found.shape != (count,) or not np.isin(found, (0, 1)).all():
        raise RequestError(
            f"{name}: found an array of shape {found.shape}, expected ({count},) of True and False"
        )
    return np.asarray(found == 1)
