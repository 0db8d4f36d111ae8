"""What the analysis asks of an ensemble: the few attributes it reads, so that it knows no file format."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


class Trajectories(Protocol):
    """The trajectories of one model, snapshot axis first."""

    @property
    def variables(self) -> Collection[str]:
        """Names of the recorded variables."""
        ...

    @property
    def step(self) -> NDArray[np.int64]:
        """Snapshot times, shape (snapshot,), in learning-rate steps."""
        ...

    @property
    def time(self) -> Floats:
        """Snapshot times, shape (snapshot,), in units of learning rate times steps."""
        ...

    @property
    def count(self) -> int:
        """Number of trajectories."""
        ...

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Facts of the integration: ``dt`` and others."""
        ...

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Read one variable whole."""
        ...

    def read(self, name: str, snapshot: int | None = None, trajectories: slice = slice(None)) -> NDArray[Any]:
        """Read one variable at one snapshot, trajectory axis first, of all trajectories or of a range."""
        ...

    def passage_time(self, event: str) -> Floats:
        """First-passage times of an event, trajectory axis first, NaN where it was not reached."""
        ...


class Ensemble(Protocol):
    """Several models of one study."""

    @property
    def study(self) -> Any:
        """The study, a `fastsde.Study`."""
        ...

    @property
    def problem(self) -> Any:
        """The data and teacher, a `fastsde.problem.data.Problem`."""
        ...

    @property
    def names(self) -> Collection[str]:
        """Model names in the order of the study file."""
        ...

    def __getitem__(self, name: str) -> Trajectories:
        """Return one model's trajectories."""
        ...
