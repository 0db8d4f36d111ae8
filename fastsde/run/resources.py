"""The memory and the disk that a study needs, and whether there is as much."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastsde.storage import schema
from fastsde.storage.layout import PARTS_FOLDER
from fastsde.storage.plan import (
    SNAPSHOTS_IN_MEMORY,
    STATES_IN_MEMORY,
    Shard,
    default_size,
    divide,
    row_values,
    shard_range,
)
from fastsde.storage.recorder import keeps_state
from fastsde.system.atomic import listed, present
from fastsde.system.errors import ResourceError
from fastsde.system.progress import size_text

if TYPE_CHECKING:
    from fastsde.run.options import Options
    from fastsde.study.study import Study

__all__ = [
    "Need",
    "available_memory",
    "check_resources",
    "disk_need",
    "memory_need",
    "part_count",
    "row_bytes",
]

BASE_MEMORY = 300 << 20
"""Python, numba and the libraries, measured."""
PART_BYTES, ENSEMBLE_BYTES, PIECE_BYTES = 26_000, 70_000, 1500
"""What HDF5 adds to the numbers: in a part, in the ensemble, and there for every part."""
EXACT_PARTS = 10_000
"""Up to so many parts are counted one by one."""
BLOCK_VECTORS = 64
"""Trajectories that the memory of a thread holds, at most: those of one block, with room for products."""


@dataclass(frozen=True)
class Need:
    """Disk that a run leaves behind: bytes of its files, and how many they are."""

    bytes: int
    files: int


def part_count(study: Study, model: str, options: Options) -> int:
    """Return how many parts a model is divided into, all shards together."""
    shards = options.shard.of if options.shard else 1
    size = options.part_size or default_size(study, model)
    each = max(1, math.ceil(study.trajectories / shards))
    about = min(study.trajectories, shards * math.ceil(each / size))
    if about > EXACT_PARTS:
        return about
    ranges = (shard_range(study.trajectories, Shard(i, shards)) for i in range(1, shards + 1))
    return sum(len(divide(study, model, r.start, r.stop, size)) for r in ranges)


def row_bytes(study: Study) -> int:
    """Return the bytes that a part holds of one trajectory: its snapshots and events."""
    sizes = schema.dimension_sizes(study, 1)
    events = sum(math.prod(v.shape(sizes)) for v in schema.EVENTS.values())
    itemsize = np.dtype(study.dtype).itemsize
    return len(study.time.snapshot_steps()) * row_values(study) * itemsize + 8 * (events + 1)


def disk_need(study: Study, options: Options) -> Need:
    """Return what the parts of a whole run and its ensemble take on disk."""
    itemsize = np.dtype(study.dtype).itemsize
    sizes = schema.dimension_sizes(study, 1)
    row = row_bytes(study)
    keep = keeps_state(study) if options.keep_state is None else options.keep_state
    if keep:
        row += sizes["parameter"] * itemsize + 8 * (1 + sizes["passage"])
    parts = sum(part_count(study, model, options) for model in study.models)
    numbers = study.trajectories * len(study.models) * row * (2 if options.copy else 1)
    return Need(numbers + parts * (PART_BYTES + PIECE_BYTES) + ENSEMBLE_BYTES, parts + 2)


def memory_need(study: Study, options: Options, threads: int) -> int:
    """Return the memory in bytes that computing takes at its peak: program, data, one part, its snapshots."""
    itemsize = np.dtype(study.dtype).itemsize
    widths, parameters = study.widths, schema.dimension_sizes(study, 1)["parameter"]
    d_in, d_out = widths[0], widths[-1]
    samples = study.objective.samples or 0
    chosen = max(samples, *(getattr(model, "batch", 0) for model in study.models.values()))
    data = 8 * (8 * samples * (d_in + d_out) + 12 * max(d_in, d_out) ** 2)
    count = study.trajectories
    if options.shard is not None:
        count = max(1, len(shard_range(study.trajectories, options.shard)))
    size = max(min(count, options.part_size or default_size(study, model)) for model in study.models)
    part = size * itemsize * (STATES_IN_MEMORY * parameters + SNAPSHOTS_IN_MEMORY * row_values(study))
    block = 8 * BLOCK_VECTORS // itemsize
    thread = threads * block * itemsize * (4 * parameters + 4 * max(widths) ** 2)
    thread += threads * block * 4 * (chosen + 1)
    return BASE_MEMORY + data + part + thread


def available_memory() -> int | None:
    """Return the memory in bytes that this process may still take; None where the system does not say."""
    limits = [limit for limit in (_free_memory(), _group_memory()) if limit is not None]
    return min(limits, default=None)


def check_resources(study: Study, directory: Path, options: Options) -> None:
    """Refuse a study that needs more memory or disk than there is, before anything is written.

    Raises
    ------
    ResourceError
        With what it needs, what there is, and how to fix it.
    """
    memory, there = memory_need(study, options, 1), available_memory()
    if there is not None and memory > there:
        raise ResourceError(
            f"computing needs about {size_text(memory)} of memory, {size_text(there)} are free\n"
            "  fix: smaller network.widths, samples or batches, fewer observables, a smaller --part-size"
        )
    need = disk_need(study, options).bytes // (options.shard.of if options.shard else 1)
    folder = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free + _taken(directory)
    if need > free:
        raise ResourceError(
            f"the files of this run take about {size_text(need)}, {size_text(free)} are free in {folder}\n"
            "  fix: fewer trajectories, snapshots or observables, another directory (-o), or shards on "
            "several disks (--shard)"
        )


def _taken(directory: Path) -> int:
    """Return the bytes of the parts that stand already, themselves and not what they link to."""
    return sum(path.lstat().st_size for path in listed(directory / PARTS_FOLDER, ".h5") if present(path))


def _free_memory() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = next(line for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
    return int(found.split()[1]) << 10


def _group_memory() -> int | None:
    """Return what the control group of this process (version 2) may still take."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text()
        used = Path("/sys/fs/cgroup/memory.current").read_text()
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return None
