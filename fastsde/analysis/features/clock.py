"""The time axis of a study's analysis: logarithmic where snapshots are spread over decades."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastsde.analysis.law import log_spaced
from fastsde.analysis.protocols import Floats


class Clock:
    """Learning-rate steps, or their logarithm where snapshots are log-spaced; step 0 is then left out.

    Parameters
    ----------
    step : ndarray, shape (snapshot,)

    Examples
    --------
    >>> clock = Clock(np.array([0, 1, 10, 100, 1000]))
    >>> clock.snapshots.tolist(), clock.steps(clock.reading[1]).round(6).tolist()
    ([1, 2, 3, 4], 10.0)
    """

    def __init__(self, step: np.ndarray[Any, Any]) -> None:
        self.logarithmic = log_spaced(step)
        self.snapshots = np.flatnonzero(step > 0) if self.logarithmic else np.arange(len(step))
        chosen = np.asarray(step, dtype=np.float64)[self.snapshots]
        self.reading: Floats = np.log(chosen) if self.logarithmic else chosen

    def steps(self, reading: Floats | float) -> Floats:
        """Turn readings of the clock back into steps."""
        return np.asarray(np.exp(reading) if self.logarithmic else reading, dtype=np.float64)
