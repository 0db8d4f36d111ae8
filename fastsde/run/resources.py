"""The memory and disk space that a study needs, and whether they are available."""

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
"""Memory of Python, numba and the libraries, measured."""
PART_BYTES, ENSEMBLE_BYTES, PIECE_BYTES = 26_000, 70_000, 1500
"""Overhead of HDF5: per part file, of the ensemble, and of the ensemble per part."""
EXACT_PARTS = 10_000
"""Up to this number, parts are counted exactly."""
BLOCK_VECTORS = 64
"""Largest number of lane vectors of trajectories in the memory of a thread: those of one block."""


@dataclass(frozen=True)
class Need:
    """Disk space of a finished run: total size and number of its files."""

    bytes: int
    files: int


def part_count(study: Study, model: str, options: Options) -> int:
    """Return the number of parts of a model, over all shards."""
    shards = options.shard.of if options.shard else 1
    size = options.part_size or default_size(study, model)
    each = max(1, math.ceil(study.trajectories / shards))
    about = min(study.trajectories, shards * math.ceil(each / size))
    if about > EXACT_PARTS:
        return about
    ranges = (shard_range(study.trajectories, Shard(i, shards)) for i in range(1, shards + 1))
    return sum(len(divide(study, model, r.start, r.stop, size)) for r in ranges)


def row_bytes(study: Study) -> int:
    """Return the bytes per trajectory in a part: its snapshots and events."""
    sizes = schema.dimension_sizes(study, 1)
    events = sum(math.prod(v.shape(sizes)) for v in schema.events(study).values())
    itemsize = np.dtype(study.dtype).itemsize
    return len(study.time.snapshot_steps()) * row_values(study) * itemsize + 8 * (events + 1)


def disk_need(study: Study, options: Options) -> Need:
    """Return the disk space of the parts of a complete run and of its ensemble."""
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
    """Return the peak memory of a run in bytes: program, data, one part and its snapshots."""
    itemsize = np.dtype(study.dtype).itemsize
    widths, parameters = study.widths, schema.dimension_sizes(study, 1)["parameter"]
    samples = study.objective.samples or 0
    chosen = max(samples, *(getattr(model, "batch", 0) for model in study.models.values()))
    if study.landscape is None:
        d_in, d_out = widths[0], widths[-1]
        data = 8 * (8 * samples * (d_in + d_out) + 12 * max(d_in, d_out) ** 2)
        vectors = 4 * parameters + 4 * max(widths) ** 2
    else:
        data = 8 * (8 * samples * study.landscape.sample_size + (8 + study.objective.modes) * parameters)
        vectors = 16 * parameters + study.landscape.workspace + samples
    count = study.trajectories
    if options.shard is not None:
        count = max(1, len(shard_range(study.trajectories, options.shard)))
    size = max(min(count, options.part_size or default_size(study, model)) for model in study.models)
    part = size * itemsize * (STATES_IN_MEMORY * parameters + SNAPSHOTS_IN_MEMORY * row_values(study))
    block = 8 * BLOCK_VECTORS // itemsize
    thread = threads * block * itemsize * vectors
    thread += threads * block * 4 * (chosen + 1)
    return BASE_MEMORY + data + part + thread


def available_memory() -> int | None:
    """Return the memory in bytes that is available to this process; None if the system does not report it."""
    limits = [limit for limit in (_free_memory(), _group_memory()) if limit is not None]
    return min(limits, default=None)


def check_resources(study: Study, directory: Path, options: Options) -> None:
    """Refuse a study that needs more memory or disk space than available, before anything is written.

    Raises
    ------
    ResourceError
        With what is needed, what is available, and how to fix it.
    """
    memory, there = memory_need(study, options, 1), available_memory()
    if there is not None and memory > there:
        raise ResourceError(
            f"this study needs about {size_text(memory)} of memory, but only {size_text(there)} is free\n"
            "Fix: reduce network.widths, the samples, the batch sizes, record.observables or --part-size"
        )
    need = disk_need(study, options).bytes // (options.shard.of if options.shard else 1)
    folder = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free + _taken(directory)
    if need > free:
        raise ResourceError(
            f"this run needs about {size_text(need)} of disk space, but only {size_text(free)} is free in "
            f"{folder}\n"
            "Fix: reduce the trajectories, snapshots or observables, choose another directory (-o), or "
            "compute shards on several disks (--shard)"
        )


def _taken(directory: Path) -> int:
    """Return the total size of existing parts, not following links."""
    return sum(path.lstat().st_size for path in listed(directory / PARTS_FOLDER, ".h5") if present(path))


def _free_memory() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            available = next(line for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
    return int(available.split()[1]) << 10


def _group_memory() -> int | None:
    """Return the memory that the control group (version 2) of this process leaves available."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text()
        used = Path("/sys/fs/cgroup/memory.current").read_text()
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return None
