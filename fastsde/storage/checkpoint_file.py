"""Checkpoint files: the state that integration needs to resume, stored bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.integrate.checkpoint import Checkpoint
from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import broken, write_seal
from fastsde.storage.header import check_format, write_part_root
from fastsde.system.atomic import replacing
from fastsde.system.errors import DamageError
from fastsde.system.hdf5 import reading

if TYPE_CHECKING:
    from fastsde.storage.plan import Part
    from fastsde.study.study import Study

__all__ = ["define_checkpoint", "read_checkpoint", "read_group", "write_checkpoint"]


def write_checkpoint(path: Path, study: Study, part: Part, checkpoint: Checkpoint) -> None:
    """Write a checkpoint file with its checksum, atomically replacing an older one."""
    with replacing(path) as temporary:
        with netcdf.open_new(temporary) as file:
            write_part_root(file, study, part, schema.CHECKPOINT_FORMAT)
            define_checkpoint(file, study, checkpoint)
        write_seal(temporary)


def read_checkpoint(path: Path) -> tuple[Checkpoint, str]:
    """Read a checkpoint file and the text of the study it belongs to.

    Raises
    ------
    DamageError
        If its checksum or its content is wrong.
    UnreadableError
        If the system refuses to read it; its cause is a `FileNotFoundError` if it does not exist.
    StoreError
        If it is not a checkpoint file.
    """
    with reading(path):
        wrong = broken(path)
        if wrong:
            raise DamageError(wrong)
        with netcdf.open_old(path) as file:
            check_format(file, path, schema.CHECKPOINT_FORMAT)
            return read_group(file), str(file.attrs["study"])


def define_checkpoint(group: Any, study: Study, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into an open group of a file."""
    count, parameters = checkpoint.parameters.shape
    sizes = {"trajectory": count, "parameter": parameters, "passage": checkpoint.passed.shape[1]}
    values = (checkpoint.parameters, checkpoint.diverged, checkpoint.passed)
    netcdf.define_dimensions(group, sizes)
    for (name, variable), value in zip(schema.CHECKPOINT.items(), values, strict=True):
        if all(variable.shape(sizes)):
            netcdf.create(group, name, variable, sizes, study.dtype, data=value)
    group.attrs["step"] = np.int64(checkpoint.step)
    group.attrs["snapshots"] = np.int64(checkpoint.snapshots)


def read_group(group: Any) -> Checkpoint:
    """Read a checkpoint from an open group of a file."""
    diverged = group[schema.stored_name(group, "diverged_step")][...]
    none = np.empty((len(diverged), 0), dtype=np.int64)
    passed = group["passed_step"][...] if "passed_step" in group else none
    return Checkpoint(
        int(group.attrs["step"]),
        int(group.attrs["snapshots"]),
        group["parameters"][...],
        diverged,
        passed,
    )
