"""Options of a run, and the parts that are still to be computed."""

from __future__ import annotations

from dataclasses import dataclass

from fastsde.storage.inventory import Standing
from fastsde.storage.plan import Part, Shard


@dataclass(frozen=True)
class Options:
    """Options of a run; none of them changes a numerical result.

    Parameters
    ----------
    threads
        Number of threads; None: as many as the process is granted.
    part_size
        Trajectories per part; None: `default_size`.
    copy
        Copy the data of the parts into the ensemble file instead of referring to them.
    shard
        Compute only the trajectories of this shard, without joining.
    checkpoint_seconds
        Time between checkpoints of a part: the most work that is lost if the process is killed.
    keep_state
        Whether parts store their final states, so that steps can be added later; None: if that at most
        doubles the file.
    verify
        Verify the checksums of existing parts.
    repair
        Recompute broken part files, those whose content was read and is wrong. They are renamed
        (``.broken``), and removed once the new ones are complete.
    any_version
        Accept parts computed by different versions of fastsde and of its libraries.
    device
        Where to integrate: ``"cpu"``, ``"cuda"``, or ``"auto"`` for a GPU if one is available.
    gpu
        Index of the GPU, if there are several; None: the first.
    """

    threads: int | None = None
    part_size: int | None = None
    copy: bool = False
    shard: Shard | None = None
    checkpoint_seconds: float = 60.0
    keep_state: bool | None = None
    verify: bool = True
    repair: bool = False
    any_version: bool = False
    device: str = "cpu"
    gpu: int | None = None


@dataclass(frozen=True)
class Todo:
    """A part to compute, and the shorter part that it continues, if there is one."""

    part: Part
    shorter: Standing | None = None
