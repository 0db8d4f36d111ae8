"""How long to compute between two looks at whether to stop or to save."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Pace"]


class Pace:
    """Slices of about `seconds`, measured as they go, and a checkpoint every `save_seconds`.

    Only a clock that never jumps is asked.

    Parameters
    ----------
    seconds
        Length of a slice.
    save_seconds
        Least time between two checkpoints.
    steps
        Steps of the first slice, while nothing is known of the speed.
    clock
        Returns seconds; a test gives its own.

    Examples
    --------
    >>> times = iter([0.0, 0.0, 0.5, 9.0])
    >>> pace = Pace(seconds=1.0, save_seconds=5.0, steps=10, clock=lambda: next(times))
    >>> pace.begin()
    >>> pace.end(10)  # ten steps took half a second
    >>> pace.steps, pace.save_due()
    (20, True)
    """

    def __init__(
        self,
        seconds: float,
        save_seconds: float,
        steps: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._save_seconds, self._clock = seconds, save_seconds, clock
        self.steps = max(1, steps)
        self._saved = self._begun = clock()

    def begin(self) -> None:
        """Begin a slice."""
        self._begun = self._clock()

    def end(self, steps: int) -> None:
        """End a slice of `steps` steps; the next one may be at most four times as long."""
        taken = max(self._clock() - self._begun, 1e-6)
        wanted = steps * self._seconds / taken
        self.steps = max(1, int(min(wanted, 4.0 * max(steps, self.steps))))

    def save_due(self) -> bool:
        """Say whether it is time for a checkpoint."""
        return self._clock() - self._saved >= self._save_seconds

    def saved(self) -> None:
        """Count from now to the next checkpoint."""
        self._saved = self._clock()
