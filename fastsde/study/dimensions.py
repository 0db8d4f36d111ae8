"""The sizes of the dimensions of what a study records."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from fastsde.study.observable import recorded_observables
from fastsde.study.passages import PASSAGES, THRESHOLDS

if TYPE_CHECKING:
    from fastsde.study.contents import Content

__all__ = ["dimension_sizes", "passage_shapes"]


def dimension_sizes(study: Content, trajectories: int) -> dict[str, int]:
    """Return the size of every dimension of a model's group that holds this many trajectories.

    Sizes may be zero (no loss level asked for, a single layer without interfaces); variables over such a
    dimension are not stored. Observables may add dimensions of their own.
    """
    sizes = _common_sizes(study, trajectories)
    for observable in recorded_observables(study):
        sizes |= {dim: size(study) for dim, size in observable.sizes.items()}
    return sizes


def passage_shapes(study: Content) -> dict[str, tuple[int, ...]]:
    """Return the shape of each event's passages of one trajectory, in the order of the kernels.

    Checks need them of studies that ask for observables which their objective does not have.
    """
    sizes = _common_sizes(study, 1)
    return {event.key: tuple(sizes[dim] for dim in event.of_one) for event in PASSAGES}


def _common_sizes(study: Content, trajectories: int) -> dict[str, int]:
    """Return the sizes of all dimensions but those that observables add."""
    widths = study.widths
    modes = study.objective.modes
    sizes = {
        "snapshot": len(study.time.snapshot_steps()),
        "trajectory": trajectories,
        "mode": modes,
        "mode_in": modes,
        "output": widths[-1],
        "input": widths[0],
        "interface": len(widths) - 2,
        "parameter": sum(a * b for a, b in pairwise(widths)),
    }
    sizes |= {threshold.name: len(threshold.values(study.events)) for threshold in THRESHOLDS}
    sizes["passage"] = sum(math.prod(sizes[dim] for dim in event.of_one) for event in PASSAGES)
    return sizes
