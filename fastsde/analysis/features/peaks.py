"""Where a curve peaks and where another crosses a level, for many curves at once, snapshot by snapshot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Bools, Floats


@dataclass(frozen=True)
class Peak:
    """The largest value of each curve, arrays of one shape.

    Attributes
    ----------
    clock : ndarray
        When, at the vertex of the parabola through the largest value and its neighbours; NaN where no value
        is above 0.
    progress : ndarray
        What another curve is there, on the parabola through the same three times.
    inside : ndarray of bool
        Whether the peak lies between snapshots; one at the first or last snapshot is at that snapshot.
    """

    clock: Floats
    progress: Floats
    inside: Bools


class PeakTracker:
    """Follows the largest value of many curves, in memory that does not grow with the snapshots.

    Examples
    --------
    >>> tracker = PeakTracker()
    >>> for time in np.linspace(0.0, 2.0, 7):
    ...     tracker.add(time, np.array([1.0 - (time - 0.9) ** 2]), np.array([time**2]))
    >>> peak = tracker.result()
    >>> peak.clock.round(6), peak.progress.round(6), peak.inside
    (array([0.9]), array([0.81]), array([ True]))
    """

    def __init__(self) -> None:
        self._before: tuple[Floats, Floats, Floats] | None = None
        self._best: Floats | None = None
        self._points: Floats = np.empty(0)
        self._open: Bools = np.empty(0, dtype=bool)

    def add(self, clock: float, value: Floats, progress: Floats) -> None:
        """Add a snapshot: values of the curves, and of the curves that are read at their peaks."""
        now = (np.full_like(value, clock), value, progress)
        if self._best is None or self._before is None:
            self._best = np.where(np.isfinite(value), value, -np.inf)
            self._points = np.full((3, 3, *value.shape), np.nan)
            self._points[1] = now
            self._open = np.ones(value.shape, dtype=bool)
        else:
            higher = value > self._best
            for place in range(3):
                after = self._open & ~higher
                self._points[2, place][after] = now[place][after]
                self._points[0, place][higher] = self._before[place][higher]
                self._points[1, place][higher] = now[place][higher]
                self._points[2, place][higher] = np.nan
            self._best = np.where(higher, value, self._best)
            self._open = higher
        self._before = now

    def result(self) -> Peak:
        """Return the peaks."""
        (x0, y0, p0), (x1, y1, p1), (x2, y2, p2) = self._points
        with np.errstate(invalid="ignore", divide="ignore"):
            rise, fall = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
            bend = (fall - rise) / (x2 - x0)
            clock = np.where(bend < 0, (x0 + x1) / 2 - rise / (2 * bend), x1)
            clock = np.clip(clock, x0, x2)
            first, second = (p1 - p0) / (x1 - x0), (p2 - p1) / (x2 - x1)
            curve = (second - first) / (x2 - x0)
            progress = p0 + first * (clock - x0) + curve * (clock - x0) * (clock - x1)
        inside: Bools = np.isfinite(y0) & np.isfinite(y2)
        some = y1 > 0
        clock, progress = np.where(inside, clock, x1), np.where(inside, progress, p1)
        return Peak(np.where(some, clock, np.nan), np.where(some, progress, np.nan), inside & some)


class CrossingTracker:
    """Finds when many curves first reach a level, linearly between snapshots.

    Examples
    --------
    >>> tracker = CrossingTracker(0.5)
    >>> for time in (0.0, 1.0, 2.0):
    ...     tracker.add(time, np.array([0.4 * time, 0.1]))
    >>> tracker.clock
    array([1.25,  nan])
    """

    def __init__(self, level: float) -> None:
        self.level = level
        self.clock: Floats = np.empty(0)
        self._before: tuple[float, Floats] | None = None

    def add(self, clock: float, value: Floats) -> None:
        """Add a snapshot."""
        if self._before is None:
            self.clock = np.where(value >= self.level, clock, np.nan)
        else:
            earlier, last = self._before
            new = np.isnan(self.clock) & (value >= self.level)
            with np.errstate(invalid="ignore", divide="ignore"):
                part = np.where(value > last, (self.level - last) / (value - last), 1.0)
            self.clock = np.where(new, earlier + part * (clock - earlier), self.clock)
        self._before = clock, value
