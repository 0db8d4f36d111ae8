"""The time of a study file: learning rate, length and snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fastsde.study.fields import Count, Expect, Fault, Positive, Section, listed, refuse
from fastsde.study.terms import Schedule

__all__ = ["Late", "Snapshots", "Time"]

DEFAULT_SNAPSHOTS = 64


class Late(Section):
    """Closely spaced snapshots at the end: `count` of them, `every` steps apart, the last one included.

    Currents, entropy production and mixing times need them: `every` well below the relaxation time of the
    modes, ``count * every`` well above it.

    Parameters
    ----------
    count : int
        How many, two or more.
    every : int, default 1
        Steps from one to the next.
    """

    count: Annotated[Count, Field(ge=2), Expect("a whole number, at least 2")]
    every: Count = 1

    def steps(self, last: int) -> NDArray[np.int64]:
        """Give their steps, increasing.

        Examples
        --------
        >>> Late(count=3, every=5).steps(100)
        array([ 90,  95, 100])
        """
        return last - self.every * np.arange(self.count, dtype=np.int64)[::-1]


class Snapshots(Section):
    """When to record: `count` times, evenly or logarithmically, or at the steps `at`; and `late` besides.

    Parameters
    ----------
    count : int, optional
        Snapshots in all, start and end included; at most one more than there are steps.
    spacing : {"log", "linear"}
        How those of `count` are spaced; "log" by default.
    at : tuple of int, optional
        Steps of the snapshots in place of `count`; start and end are added.
    late : Late, optional
        Closely spaced snapshots at the end besides.
    """

    count: Annotated[Count | None, Field(ge=2), Expect("a whole number, at least 2")] = None
    spacing: Annotated[Literal["log", "linear"] | None, Expect('"log" or "linear"')] = None
    at: Annotated[
        tuple[Annotated[Count | Literal[0], Expect("a whole number, at least 0")], ...] | None,
        listed,
        Expect("a list of steps"),
    ] = None
    late: Late | None = None

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        if isinstance(table, dict) and "count" in table and "at" not in table:
            return {"spacing": "log", **table}
        return table

    @model_validator(mode="after")
    def _agree(self) -> Snapshots:
        faults = []
        if (self.at is None) == (self.count is None):
            fix = 'write { count = 64, spacing = "log" } or { at = [0, 10, 100] }'
            faults.append(Fault((), self.model_dump(exclude_none=True), "exactly one of count and at", fix))
        elif self.at is not None and self.spacing is not None:
            faults.append(Fault(("spacing",), self.spacing, "spacing only with count", "remove spacing"))
        if self.at is not None and any(b <= a for a, b in pairwise(self.at)):
            faults.append(Fault(("at",), list(self.at), "steps in increasing order, none twice"))
        refuse(faults)
        return self


class Time(Section):
    """How long, and when to look.

    Parameters
    ----------
    learning_rate : float
        Learning rate of SGD; one SGD step takes this much time.
    steps : int
        Length of the run in learning-rate steps, for every model.
    snapshots : Snapshots
        When to record.
    schedule : Schedule, optional
        The learning rate as a share of `learning_rate`, for all models. Times in the files stay steps times
        `learning_rate`.
    """

    hints: ClassVar[Mapping[str, str]] = {
        "lr": "write learning_rate",
        "eta": "write learning_rate",
        "dt": "remove it: a step of a model is learning_rate / models.NAME.substeps",
        "epochs": "write steps: an epoch is data.samples / batch of them",
    }

    learning_rate: Positive
    steps: Count
    snapshots: Snapshots = Snapshots(count=DEFAULT_SNAPSHOTS, spacing="log")
    schedule: Schedule | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_more_than_steps(cls, table: Any) -> Any:
        """Lower ``snapshots.count`` to the number of steps there are to look at, the start included."""
        if not isinstance(table, dict):
            return table
        wanted, steps = table.get("snapshots", {"count": DEFAULT_SNAPSHOTS}), table.get("steps")
        count = wanted.get("count") if isinstance(wanted, dict) else getattr(wanted, "count", None)
        if not (_is_number(count) and _is_number(steps) and 1 <= steps < count - 1 and steps == int(steps)):
            return table
        written = wanted if isinstance(wanted, dict) else wanted.model_dump(exclude_none=True)
        return {**table, "snapshots": {**written, "count": int(steps) + 1}}

    @model_validator(mode="after")
    def _agree(self) -> Time:
        wanted = self.snapshots
        if wanted.at and wanted.at[-1] > self.steps:
            refuse([Fault(("snapshots", "at"), list(wanted.at), f"steps from 0 to {self.steps}")])
        late = wanted.late
        if late is not None and (late.count - 1) * late.every > self.steps:
            expected = f"(count - 1) x every at most the {self.steps} steps of the run"
            refuse([Fault(("snapshots", "late"), late.model_dump(), expected)])
        return self

    def snapshot_steps(self) -> NDArray[np.int64]:
        """Give the steps of the snapshots, strictly increasing, from 0 to `steps`, both included.

        Returns
        -------
        (snapshots,) array of int64, in learning-rate steps. `count` of them; with `at`, those and both ends;
        with `late`, those of the end too.

        Examples
        --------
        >>> Time(learning_rate=0.1, steps=100, snapshots=Snapshots(count=6)).snapshot_steps()
        array([  0,   1,   3,  10,  32, 100])
        """
        late = self.snapshots.late
        return self._spread() if late is None else np.union1d(self._spread(), late.steps(self.steps))

    def _spread(self) -> NDArray[np.int64]:
        """Give the steps without those of `late`."""
        if self.snapshots.at is not None:
            return np.unique(np.array([0, *self.snapshots.at, self.steps], dtype=np.int64))
        count = self.snapshots.count or 2
        if self.snapshots.spacing == "linear" or count == 2:
            wanted = np.linspace(0, self.steps, count)
        else:
            wanted = np.concatenate([[0.0], np.geomspace(1, self.steps, count - 1)])
        index = np.arange(count)
        steps = np.maximum.accumulate(np.rint(wanted).astype(np.int64) - index) + index
        return np.minimum(steps, self.steps - index[::-1])


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
