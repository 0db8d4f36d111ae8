"""The file schema as data: every variable's dimensions, units and meaning.

`docs/format.md` is the same table in prose and is the authority; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

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
    "OBSERVABLES",
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
    "recorded",
]

PART_FORMAT = "fastsde-part"
SEGMENT_FORMAT = "fastsde-segment"
CHECKPOINT_FORMAT = "fastsde-checkpoint"
STATES_FORMAT = "fastsde-states"
ENSEMBLE_FORMAT = "fastsde-ensemble"
FORMAT_VERSION = (1, 3)
PROBLEM_GROUP = "problem"
PARTS_GROUP = "Parts"
"""The table of part files; with a capital, because models' names have none."""
CHECKPOINT_GROUP = "Checkpoint"
"""Where the trajectories of a part are at its end."""

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Variable:
    """One variable of a file: `dims` by name, `units`, `long_name`, and its type and fill value.

    `kind` is "float" (the study's dtype), "float64" or "int64".
    """

    dims: tuple[str, ...]
    long_name: str
    units: str = "1"
    kind: str = "float"

    def dtype(self, study_dtype: str) -> np.dtype[Any]:
        """Return the type on disk in a study of floating-point type `study_dtype`."""
        return np.dtype(study_dtype if self.kind == "float" else self.kind)

    @property
    def fill(self) -> float | int:
        """What stands where nothing was recorded: NaN, or -1 for an integer."""
        return -1 if self.kind == "int64" else np.nan

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return the shape when the dimensions have these sizes."""
        return tuple(sizes[dim] for dim in self.dims)


_ST = ("snapshot", "trajectory")

OBSERVABLES: dict[str, Variable] = {
    "loss": Variable(_ST, "training loss, in the study's convention"),
    "gradient_norm": Variable(_ST, "Euclidean norm of the gradient of the loss in the parameters"),
    "modes": Variable((*_ST, "mode"), "mode strength u_a^T W v_a"),
    "mode_matrix": Variable((*_ST, "mode", "mode_in"), "end-to-end matrix in the modes, u_a^T W v_b"),
    "singular_values": Variable((*_ST, "mode"), "singular values of the end-to-end matrix, descending"),
    "effective_rank": Variable(
        _ST, "exponential of the entropy of the normalised singular values (Roy, Vetterli 2007)"
    ),
    "balance": Variable((*_ST, "interface"), "Frobenius norm of W_{l+1}^T W_{l+1} - W_l W_l^T"),
    "noise_trace": Variable(_ST, "trace of the covariance of one sample's gradient"),
    "update_noise": Variable(
        (*_ST, "mode"), "noise of one integrator step, u_a^T (W(theta') - W(theta' without noise)) v_a"
    ),
    "rank_index": Variable(_ST, "number of singular values of W above half the optimum's"),
    "rank_distance": Variable(_ST, "|W - W_r| / |W_r|, W_r the best map of that rank"),
    "hessian_min": Variable(_ST, "smallest eigenvalue of the Hessian of the loss (Lanczos)"),
    "hessian_max": Variable(_ST, "largest eigenvalue of the Hessian of the loss (Lanczos)"),
    "hessian_error": Variable(_ST, "larger residual norm plus rounding: an eigenvalue lies within"),
    "end_to_end": Variable((*_ST, "output", "input"), "end-to-end matrix W_L ... W_1"),
    "parameters": Variable((*_ST, "parameter"), "all weights, layer 1 first, each matrix row by row"),
    "mode_drift": Variable((*_ST, "mode"), "drift of u_a^T W v_a under the model, by time"),
    "mode_diffusion": Variable((*_ST, "mode"), "variance that the model's noise gives u_a^T W v_a, by time"),
    "stable_rank": Variable(_ST, "|W|_F^2 / |W|_2^2 of the end-to-end matrix"),
    "mode_alignment": Variable((*_ST, "mode"), "u_a^T W v_a / sqrt(|W v_a| |W^T u_a|)"),
    "layer_alignment": Variable(
        (*_ST, "interface"),
        "|cosine| between the top left singular vector of W_l and the top right of W_{l+1}",
    ),
}
"""What a snapshot may hold, in the order in which it stands in a file."""

EVENTS: dict[str, Variable] = {
    "exploded_step": Variable(
        ("trajectory",), "first integrator step that was not finite, -1 never", "integrator step", "int64"
    ),
    "loss_below_step": Variable(
        ("trajectory", "level"),
        "first integrator step with the loss below the level, -1 never",
        "integrator step",
        "int64",
    ),
    "mode_learned_step": Variable(
        ("trajectory", "fraction", "mode"),
        "first integrator step with u_a^T W v_a at the fraction of the mode's strength, -1 never",
        "integrator step",
        "int64",
    ),
    "radius_above_step": Variable(
        ("trajectory", "radius"),
        "first integrator step at the distance from the origin, or a landscape's centre, -1 never",
        "integrator step",
        "int64",
    ),
    "interval_step": Variable(
        ("trajectory", "interval"),
        "first integrator step with a mode inside, or outside, an interval, -1 never",
        "integrator step",
        "int64",
    ),
}
"""First passages, one set per trajectory; those over an empty dimension are not stored."""

CHECKPOINT: dict[str, Variable] = {
    "parameters": Variable(
        ("trajectory", "parameter"), "all weights at the step, as they are, then what the dynamics carries"
    ),
    "exploded_step": EVENTS["exploded_step"],
    "passed_step": Variable(
        ("trajectory", "passage"),
        "first passages so far: levels of the loss, fractions by modes, radii, intervals; -1 not yet",
        "integrator step",
        "int64",
    ),
}
"""From which integration goes on; attributes `step` (integrator steps) and `snapshots` (taken before it)."""

STATES: dict[str, Variable] = {
    "parameters": Variable(("state", "parameter"), "all weights of each state"),
    "source_trajectory": Variable(("state",), "number of the trajectory that was there", "1", "int64"),
}
"""States that trajectories start from, taken from another ensemble."""

COORDINATES: dict[str, Variable] = {
    "trajectory": Variable(("trajectory",), "number of the trajectory in the study", "1", "int64"),
    "mode": Variable(("mode",), "number of the mode of the optimum, from 1", "1", "int64"),
    "level": Variable(("level",), "level of the loss", "1", "float64"),
    "fraction": Variable(("fraction",), "fraction of the mode's strength", "1", "float64"),
    "radius": Variable(("radius",), "distance from the origin, or a landscape's centre", "1", "float64"),
    "interval": Variable(("interval",), "number of the interval in the study's events, from 1", "1", "int64"),
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
    "optimum": Variable(("output", "input"), "end-to-end matrix of least loss", "1", "float64"),
    "mode_left": Variable(("output", "mode"), "left singular vectors of the optimum", "1", "float64"),
    "mode_strength": Variable(("mode",), "singular values of the optimum", "1", "float64"),
    "mode_right": Variable(("input", "mode"), "right singular vectors of the optimum", "1", "float64"),
}
"""Arrays of the group "/problem"; scalars and words of the problem are attributes of the group."""


def dimension_sizes(study: Study, trajectories: int) -> dict[str, int]:
    """Return the size of every dimension of a model's group that holds this many trajectories.

    Sizes may be zero (no loss level asked for, a single layer without interfaces); variables over such a
    dimension are not stored.
    """
    widths = study.widths
    modes = study.objective.modes
    levels, fractions = len(study.events.loss_below), len(study.events.mode_learned)
    radii, intervals = len(study.events.radii), len(study.events.intervals or ())
    return {
        "snapshot": len(study.time.snapshot_steps()),
        "trajectory": trajectories,
        "mode": modes,
        "mode_in": modes,
        "output": widths[-1],
        "input": widths[0],
        "interface": len(widths) - 2,
        "parameter": sum(a * b for a, b in pairwise(widths)),
        "level": levels,
        "fraction": fractions,
        "radius": radii,
        "interval": intervals,
        "passage": levels + fractions * modes + radii + intervals,
    }


def recorded(study: Study) -> dict[str, Variable]:
    """Return the variables that a study records at snapshots, in file order."""
    wanted = set(study.record.observables)
    return {name: variable for name, variable in OBSERVABLES.items() if name in wanted}


def chunks(variable: Variable, sizes: Mapping[str, int], itemsize: int) -> tuple[int, ...]:
    """Return the chunk shape: one snapshot by as many trajectories as fit about 1 MiB.

    Examples
    --------
    >>> chunks(OBSERVABLES["modes"], {"snapshot": 64, "trajectory": 100_000, "mode": 4}, 8)
    (1, 32768, 4)
    """
    shape = variable.shape(sizes)
    snapshots = 1 if variable.dims[0] == "snapshot" else 0
    tail = shape[snapshots + 1 :]
    row = itemsize * int(np.prod(tail, dtype=np.int64))
    block = max(1, min(shape[snapshots], CHUNK_BYTES // max(1, row)))
    return (1,) * snapshots + (block, *tail)
