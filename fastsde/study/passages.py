"""Events: first passages that kernels look for while they integrate, one declaration each.

The kernels fix which events there are, and their order (`fastsde.kernels.layout.Events`): a file outside the
package cannot add one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastsde.study.variables import Variable
from fastsde.system.registry import Registry

__all__ = ["EVENTS", "PASSAGES", "THRESHOLDS", "Event", "Threshold"]

UNITS = "integrator step"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The dimension of an event: what it is looked for at.

    Parameters
    ----------
    name : str
        Of the dimension, and of the coordinate variable in a file.
    coordinate : Variable
        The coordinate variable.
    values : callable
        Given the events of a study (`fastsde.study.tables.events.Events`), returns the values of the
        coordinate.
    """

    name: str
    coordinate: Variable
    values: Callable[[Any], Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event: the first integrator step at which something happens to a trajectory.

    Parameters
    ----------
    name : str
        As `passage_time` of an ensemble takes it; the variable of a file is ``<name>_step``.
    long_name : str
        What happens, after "first integrator step".
    order : int
        Place in the files, and in the kernels.
    threshold : Threshold, optional
        What it is looked for at; the event happens once for each.
    dims : tuple of str
        Further dimensions.
    """

    name: str
    long_name: str
    order: int
    threshold: Threshold | None = None
    dims: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name of the variable."""
        return f"{self.name}_step"

    @property
    def of_one(self) -> tuple[str, ...]:
        """Dimensions of the passages of one trajectory."""
        return self.dims if self.threshold is None else (self.threshold.name, *self.dims)

    @property
    def variable(self) -> Variable:
        """The variable of a file."""
        meaning = f"first integrator step {self.long_name}, -1 never"
        return Variable(("trajectory", *self.of_one), meaning, UNITS, "int64")


EVENTS: Registry[Event] = Registry("event")

EVENTS.register(Event(name="diverged", order=0, long_name="that was not finite"))

PASSAGES = (
    EVENTS.register(
        Event(
            name="loss_below",
            order=1,
            long_name="with the loss below the level",
            threshold=Threshold(
                name="level",
                coordinate=Variable(("level",), "level of the loss", "1", "float64"),
                values=lambda events: events.loss_below,
            ),
        )
    ),
    EVENTS.register(
        Event(
            name="mode_learned",
            order=2,
            long_name="with u_a^T W v_a at the fraction of the mode's strength",
            threshold=Threshold(
                name="fraction",
                coordinate=Variable(("fraction",), "fraction of the mode's strength", "1", "float64"),
                values=lambda events: events.mode_learned,
            ),
            dims=("mode",),
        )
    ),
    EVENTS.register(
        Event(
            name="radius_above",
            order=3,
            long_name="at the distance from the origin, or a landscape's centre",
            threshold=Threshold(
                name="radius",
                coordinate=Variable(
                    ("radius",), "distance from the origin, or a landscape's centre", "1", "float64"
                ),
                values=lambda events: events.radii,
            ),
        )
    ),
    EVENTS.register(
        Event(
            name="interval",
            order=4,
            long_name="with a mode inside, or outside, an interval",
            threshold=Threshold(
                name="interval",
                coordinate=Variable(
                    ("interval",), "number of the interval in the study's events, from 1", "1", "int64"
                ),
                values=lambda events: range(1, len(events.intervals or ()) + 1),
            ),
        )
    ),
    EVENTS.register(
        Event(
            name="escaped",
            order=5,
            long_name="with W at the distance from that of the saddle where trajectories start",
            threshold=Threshold(
                name="escape",
                coordinate=Variable(
                    ("escape",),
                    "distance of W from the saddle's, in sizes of the next mode",
                    "1",
                    "float64",
                ),
                values=lambda events: events.escapes,
            ),
        )
    ),
)
"""The events that have thresholds, in the order of the kernels."""

EVENTS.register(
    Event(name="stopped", order=99, long_name="at which an event of events.stop ended the trajectory")
)

THRESHOLDS = tuple(event.threshold for event in PASSAGES if event.threshold is not None)
