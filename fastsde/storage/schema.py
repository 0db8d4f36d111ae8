"""The file schema as data: every variable's dimensions, units and meaning.

Observables and events are declared in `fastsde.study.observables` and `fastsde.study.passages`. The same
tables in prose, `docs/format.md`, are the authority; a test compares them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

import numpy as np

from fastsde.study import passages
from fastsde.study.dimensions import dimension_sizes
from fastsde.study.observable import OBSERVABLES, recorded_observables
from fastsde.study.variables import Variable

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = [
    "AUXILIARY",
    "CHECKPOINT",
    "CHECKPOINT_FORMAT",
    "CHECKPOINT_GROUP",
    "COORDINATES",
    "ENSEMBLE_FORMAT",
    "EVENTS",
    "FORMAT_VERSION",
    "PARTS_GROUP",
    "PART_FORMAT",
    "PROBLEM",
    "PROBLEM_GROUP",
    "SEGMENT_FORMAT",
    "STATES",
    "STATES_FORMAT",
    "Variable",
    "chunks",
    "dimension_sizes",
    "events",
    "observables",
    "recorded",
    "stored_name",
]

PART_FORMAT = "fastsde-part"
SEGMENT_FORMAT = "fastsde-segment"
CHECKPOINT_FORMAT = "fastsde-checkpoint"
STATES_FORMAT = "fastsde-states"
ENSEMBLE_FORMAT = "fastsde-ensemble"
FORMAT_VERSION = (1, 5)
PROBLEM_GROUP = "problem"
PARTS_GROUP = "Parts"
"""The table of part files; with a capital, because models' names have none."""
CHECKPOINT_GROUP = "Checkpoint"
"""Where the trajectories of a part are at its end."""

CHUNK_BYTES = 1 << 20


EVENTS: dict[str, Variable] = {event.key: event.variable for event in passages.EVENTS.values()}
"""First passages, one set per trajectory; those over an empty dimension are not stored, see `events`."""

FORMER_NAMES = {"diverged_step": "exploded_step"}
"""Names of variables in files before version 1.4."""

CHECKPOINT: dict[str, Variable] = {
    "parameters": Variable(
        ("trajectory", "parameter"), "all weights at the step, as they are, then what the dynamics carries"
    ),
    "diverged_step": EVENTS["diverged_step"],
    "passed_step": Variable(
        ("trajectory", "passage"),
        "first passages so far: loss levels, fractions by modes, radii, intervals, escapes; -1 not yet",
        "integrator step",
        "int64",
    ),
}
"""From which integration continues; attributes `step` (integrator steps), `snapshots` (taken before it)."""

STATES: dict[str, Variable] = {
    "parameters": Variable(("state", "parameter"), "all weights of each state"),
    "source_trajectory": Variable(("state",), "number of the trajectory that was there", "1", "int64"),
}
"""States that trajectories start from, taken from another ensemble."""

COORDINATES: dict[str, Variable] = {
    "trajectory": Variable(("trajectory",), "number of the trajectory in the study", "1", "int64"),
    "mode": Variable(("mode",), "number of the mode of the optimum, from 1", "1", "int64"),
    **{one.name: one.coordinate for one in passages.THRESHOLDS},
}
"""Coordinate variables: named like their dimension."""

AUXILIARY: dict[str, Variable] = {
    "step": Variable(("snapshot",), "learning-rate steps at the snapshot", "step", "int64"),
    "time": Variable(("snapshot",), "time at the snapshot, step times learning rate", "1", "float64"),
    "mode_strength": Variable(("mode",), "singular value of the optimum", "1", "float64"),
}
"""Coordinates that are not named like their dimension."""

PROBLEM: dict[str, Variable] = {
    "teacher": Variable(("output", "input"), "teacher matrix", "1", "float64"),
    "covariance": Variable(("input", "input_right"), "S, mean of x x^T", "1", "float64"),
    "cross": Variable(("output", "input"), "mean of y x^T", "1", "float64"),
    "factor": Variable(("input", "input_right"), "F with F F^T = S", "1", "float64"),
    "inputs": Variable(("sample", "input"), "inputs of the samples", "1", "float64"),
    "labels": Variable(("sample", "output"), "labels of the samples", "1", "float64"),
    "test_inputs": Variable(("test_sample", "input"), "inputs of the samples to test on", "1", "float64"),
    "test_labels": Variable(("test_sample", "output"), "labels of the samples to test on", "1", "float64"),
    "optimum": Variable(("output", "input"), "end-to-end matrix of least loss", "1", "float64"),
    "mode_left": Variable(("output", "mode"), "left singular vectors of the optimum", "1", "float64"),
    "mode_strength": Variable(("mode",), "singular values of the optimum", "1", "float64"),
    "mode_right": Variable(("input", "mode"), "right singular vectors of the optimum", "1", "float64"),
    "entries": Variable(("measurement",), "place of each observed entry, row by row from 0", "1", "int64"),
    "matrices": Variable(("measurement", "output", "input"), "matrices of measurements", "1", "float64"),
    "measured": Variable(("measurement",), "labels of measurements", "1", "float64"),
}
"""Arrays of the group "/problem"; scalars and words of the problem are attributes of the group."""


def observables() -> dict[str, Variable]:
    """Return the variables of all observables that are declared, in file order."""
    return {name: observable.variable for name, observable in OBSERVABLES.items()}


def events(study: Study) -> dict[str, Variable]:
    """Return the variables of a study's events; trajectories stop only where it says so."""
    return {name: one for name, one in EVENTS.items() if name != "stopped_step" or study.events.stops}


def recorded(study: Study) -> dict[str, Variable]:
    """Return the variables that a study records at snapshots, in file order."""
    return {observable.name: observable.variable for observable in recorded_observables(study)}


def chunks(variable: Variable, sizes: Mapping[str, int], itemsize: int) -> tuple[int, ...]:
    """Return the chunk shape: one snapshot by as many trajectories as fit about 1 MiB.

    Examples
    --------
    >>> chunks(observables()["modes"], {"snapshot": 64, "trajectory": 100_000, "mode": 4}, 8)
    (1, 32768, 4)
    """
    shape = variable.shape(sizes)
    snapshots = 1 if variable.dims[0] == "snapshot" else 0
    tail = shape[snapshots + 1 :]
    row = itemsize * int(np.prod(tail, dtype=np.int64))
    block = max(1, min(shape[snapshots], CHUNK_BYTES // max(1, row)))
    return (1,) * snapshots + (block, *tail)


def stored_name(group: Container[str], name: str) -> str:
    """Return the name of a variable in a group of a file, which may be of an older version.

    Examples
    --------
    >>> stored_name({"exploded_step"}, "diverged_step"), stored_name({"loss"}, "loss")
    ('exploded_step', 'loss')
    """
    return name if name in group else FORMER_NAMES.get(name, name)
