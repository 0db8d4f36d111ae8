"""The division of a study into parts: a function of the study, not of the machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastsde import schema

if TYPE_CHECKING:
    from fastsde.study import Study

__all__ = ["PARTS_FOLDER", "Part", "default_size", "divide", "gaps", "plan_parts"]

LARGEST = 8192
SMALLEST = 512
SNAPSHOT_BYTES = 1 << 26
PART_WORK = 1 << 37
PARTS_FOLDER = "parts"


@dataclass(frozen=True, order=True)
class Part:
    """Trajectories `first` .. `first + count - 1` of one model: the unit of work and of resumption."""

    model: str
    first: int
    count: int

    @property
    def last(self) -> int:
        """One past the last trajectory."""
        return self.first + self.count

    def path(self, directory: Path | str) -> Path:
        """Return where the part's file stands in a run's directory.

        Examples
        --------
        >>> Part("sgd", 8192, 100).path("runs/saddle").as_posix()
        'runs/saddle/parts/sgd-000000008192.h5'
        """
        return Path(directory) / PARTS_FOLDER / f"{self.model}-{self.first:012d}.h5"


def default_size(study: Study, model: str) -> int:
    """Return how many trajectories a part of a model has: a power of two, a function of the study only.

    At most 8192, fewer where a snapshot would exceed 64 MiB (so that memory is bounded) and, down to 512,
    where integrating would be more than 2^37 parameter-steps (so that little is lost with an unfinished one).
    """
    sizes = schema.dimension_sizes(study, 1)
    itemsize = np.dtype(study.dtype).itemsize
    row = sum(int(np.prod(v.shape({**sizes, "snapshot": 1}))) for v in schema.recorded(study).values())
    by_memory = SNAPSHOT_BYTES // max(1, itemsize * max(row, sizes["parameter"]))
    steps = study.time.steps * study.models[model].substeps
    by_work = max(SMALLEST, PART_WORK // max(1, steps * sizes["parameter"]))
    size = max(1, min(LARGEST, by_memory, by_work))
    return 1 << (size.bit_length() - 1)


def plan_parts(study: Study, size: int | None = None) -> list[Part]:
    """Divide a study of which nothing stands on disk: models in file order, ranges of `size` trajectories."""
    return [part for model in study.models for part in divide(study, model, 0, study.trajectories, size)]


def divide(study: Study, model: str, first: int, last: int, size: int | None) -> list[Part]:
    """Cut a range at multiples of the part size."""
    size = size or default_size(study, model)
    edges = [first, *range((first // size + 1) * size, last, size), last]
    return [Part(model, a, b - a) for a, b in pairwise(edges) if b > a]


def gaps(parts: Iterable[Part], total: int) -> list[tuple[int, int]]:
    """Return the ranges of 0 .. total - 1 that no part covers; parts are ordered by first."""
    ranges, reached = [], 0
    for part in parts:
        if part.first > reached:
            ranges.append((reached, min(part.first, total)))
        reached = max(reached, part.last)
        if reached >= total:
            return ranges
    return [*ranges, (reached, total)]
