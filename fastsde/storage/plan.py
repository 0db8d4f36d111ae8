"""The division of a study into parts, which depends on the study and not on the machine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastsde.storage import schema
from fastsde.storage.layout import PARTS_FOLDER

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = [
    "QUEUE_LENGTH",
    "SNAPSHOTS_IN_MEMORY",
    "STATES_IN_MEMORY",
    "Part",
    "Shard",
    "default_size",
    "divide",
    "gaps",
    "plan_parts",
    "row_values",
    "shard_range",
]

USUAL = 8192
SMALLEST = 512
LARGEST = 1 << 17
SNAPSHOT_BYTES = 1 << 26
CHEAP_BYTES = 1 << 28
PART_WORK = 1 << 37
CHEAP_WORK = 1 << 31
LEAST_PARAMETERS = 16
"""A step of fewer parameters costs as much as a step of this many."""
VALUE_WORK = 64
"""Cost of recording one number, in parameter-steps."""
QUEUE_LENGTH = 2
"""Snapshots of a part that may wait for the disk before computing waits as well."""
STATES_IN_MEMORY, SNAPSHOTS_IN_MEMORY = 4, 3 + 2 * QUEUE_LENGTH
"""Copies of a part's parameters, and of snapshots of all its trajectories, in memory at the same time."""
GRAIN = 16


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
        """Return the path of the part's file in a run's directory.

        Examples
        --------
        >>> Part("sgd", 8192, 100).path("runs/saddle").as_posix()
        'runs/saddle/parts/sgd-000000008192.h5'
        """
        return Path(directory) / PARTS_FOLDER / f"{self.model}-{self.first:012d}.h5"


@dataclass(frozen=True)
class Shard:
    """Shard `number` (from 1) of `of`: the work of one task of a job array."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def default_size(study: Study, model: str) -> int:
    """Return the default number of trajectories of a part: a power of two that depends only on the study.

    Usually 8192. Fewer if a snapshot would exceed 64 MiB, to bound memory, or, down to 512, if a part would
    take more than 2^37 parameter-steps, so that little is lost with an unfinished part. More, up to 131,072,
    if a part would be finished in about a second, as long as its overhead (opening, checksum, joining): then
    as many as take a few seconds and at most 256 MiB of memory.
    """
    parameters = schema.dimension_sizes(study, 1)["parameter"]
    itemsize, values = np.dtype(study.dtype).itemsize, row_values(study)
    by_memory = SNAPSHOT_BYTES // max(1, itemsize * max(values, parameters))
    steps = study.time.steps * study.models[model].substeps
    by_work = max(SMALLEST, PART_WORK // max(1, steps * parameters))
    usual = min(USUAL, by_memory, by_work)
    recorded = len(study.time.snapshot_steps()) * values
    work = steps * max(LEAST_PARAMETERS, parameters) + VALUE_WORK * recorded
    in_memory = itemsize * (STATES_IN_MEMORY * parameters + SNAPSHOTS_IN_MEMORY * values)
    cheap = min(LARGEST, CHEAP_WORK // work, CHEAP_BYTES // in_memory)
    size = max(1, usual, cheap)
    return 1 << (size.bit_length() - 1)


def row_values(study: Study) -> int:
    """Return how many numbers a snapshot records per trajectory."""
    sizes = schema.dimension_sizes(study, 1) | {"snapshot": 1}
    return sum(math.prod(variable.shape(sizes)) for variable in schema.recorded(study).values())


def plan_parts(study: Study, size: int | None = None) -> list[Part]:
    """Divide a study without existing parts: models in file order, ranges of `size` trajectories."""
    return [part for model in study.models for part in divide(study, model, 0, study.trajectories, size)]


def divide(study: Study, model: str, first: int, last: int, size: int | None) -> list[Part]:
    """Cut a range at multiples of the part size; a small remainder at either end is added to its neighbour.

    Examples
    --------
    >>> [(part.first, part.count) for part in divide(None, "sgd", 90, 405, 100)]
    [(90, 110), (200, 100), (300, 105)]
    """
    if last <= first:
        return []
    size = size or default_size(study, model)
    inner = range((first // size + 1) * size, last, size)
    least = max(1, size // 4)
    edges = [first, *(edge for edge in inner if edge - first >= least and last - edge >= least), last]
    return [Part(model, a, b - a) for a, b in pairwise(edges) if b > a]


def shard_range(trajectories: int, shard: Shard) -> range:
    """Return the trajectories of every model that a shard computes.

    A shard computes the same trajectories of every model, so that all shards have the same amount of work. If
    there are enough trajectories, its edges are multiples of 16, the largest number of vector lanes.

    Examples
    --------
    >>> shard_range(1000, Shard(1, 3)), shard_range(1000, Shard(3, 3))
    (range(0, 320), range(656, 1000))
    """
    grain = GRAIN if trajectories >= 4 * GRAIN * shard.of else 1

    def edge(number: int) -> int:
        exact = trajectories * number // shard.of
        return exact if number == shard.of else exact // grain * grain

    return range(edge(shard.number - 1), edge(shard.number))


def gaps(parts: Iterable[Part], total: int, start: int = 0) -> list[tuple[int, int]]:
    """Return the ranges of start .. total - 1 that no part covers; parts are ordered by first."""
    ranges: list[tuple[int, int]] = []
    reached = start
    if total <= start:
        return ranges
    for part in parts:
        if part.first > reached:
            ranges.append((reached, min(part.first, total)))
        reached = max(reached, part.last)
        if reached >= total:
            return ranges
    return [*ranges, (reached, total)]
