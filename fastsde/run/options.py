"""How a study is run, and what of it is still to be computed."""

from __future__ import annotations

from dataclasses import dataclass

from fastsde.storage.inventory import Standing
from fastsde.storage.plan import Part, Shard


@dataclass(frozen=True)
class Options:
    """How a study is run; nothing here changes a number.

    Parameters
    ----------
    threads
        Threads to compute with; None: as many as the process is granted.
    part_size
        Trajectories of a part; None: `default_size`.
    copy
        Copy the parts into the ensemble file instead of referring to them.
    shard
        Compute the trajectories of this shard only, and join nothing.
    checkpoint_seconds
        Time between two checkpoints of a part: what is lost, at most, when the process is killed.
    keep_state
        Whether parts keep where their trajectories end, so that more steps can be added; None: if that at
        most doubles the file.
    verify
        Compute the checksums of the parts that stand already.
    repair
        Compute broken part files again: those whose content was read and is wrong. They are renamed
        (``.broken``), and removed when the new ones are whole.
    any_version
        Mix numbers of different versions of fastsde and of the libraries beneath it.
    device
        Where to integrate: ``"cpu"``, ``"cuda"`` or ``"auto"``, a GPU where one can be used.
    gpu
        Number of the GPU, where there are several; None: the first.
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
    """A part to compute, and the shorter one that it goes on from, if there is one."""

    part: Part
    shorter: Standing | None = None
