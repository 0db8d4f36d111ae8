"""Store the results of integrating one part: snapshots, checkpoints and, at the end, the part file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.storage.part_writer import PartWriter
from fastsde.storage.plan import row_values
from fastsde.storage.snapshot_files import Source
from fastsde.system.errors import Interrupted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastsde.integrate.checkpoint import Checkpoint
    from fastsde.integrate.integration import Outcome
    from fastsde.problem.data import Problem
    from fastsde.storage.in_progress import Unfinished
    from fastsde.storage.plan import Part
    from fastsde.storage.snapshot_files import Sources
    from fastsde.study.study import Study

__all__ = ["Recorder"]


class Recorder:
    """Write one part; a context manager that leaves no incomplete files.

    A part that finishes before its first checkpoint is written as one file. Otherwise every checkpoint closes
    a segment, and the part's file is assembled from the segments at the end.

    Parameters
    ----------
    part, study, problem
        What is computed.
    path
        The part's file.
    unfinished
        The part's folder, locked by this process.
    sources
        Snapshots that exist already.
    keep_state
        Whether the part stores its final states, for a longer study; None: if that at most doubles the file.
    """

    def __init__(
        self,
        part: Part,
        study: Study,
        problem: Problem,
        path: Path,
        unfinished: Unfinished,
        sources: Sources,
        keep_state: bool | None,
    ) -> None:
        self._part, self._study, self._problem, self._path = part, study, problem, path
        self._unfinished, self._sources = unfinished, sources
        self._keep_state = keeps_state(study) if keep_state is None else keep_state
        self._writer: PartWriter | None = None
        self._finishing: PartWriter | None = None
        self._begin = self._next = 0
        self._begun = time.monotonic()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is not None:
            self._leave(kind, value, trace)

    def snapshot(self, index: int, values: Mapping[str, NDArray[Any]]) -> None:
        """Store a snapshot."""
        if self._writer is None:
            self._writer = self._open(index)
        self._writer.snapshot(index, values)
        self._next = index + 1

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Save a checkpoint, with the snapshots before it."""
        if self._writer is not None:
            self._close_segment()
        self._unfinished.save(self._study, checkpoint)

    def finish(self, outcome: Outcome, stop: Callable[[], bool] | None = None) -> None:
        """Write the part's file; it is completed in the background, and `wait` raises its errors.

        Raises
        ------
        Interrupted
            If stopped by `stop` while segments were being joined; they are kept, with a checkpoint at the
            end.
        """
        if self._sources:
            self.checkpoint(outcome.checkpoint)  # keeps the snapshots since the last one
            self._writer = self._open(0)
            for begin, values in self._sources.blocks(self._next):
                if stop is not None and stop():
                    raise Interrupted("stopped while joining segments")
                self._writer.snapshots(begin, values)
        assert self._writer is not None
        self._writer.events(outcome.events)
        self._writer.describe(outcome.attributes | {"seconds": time.monotonic() - self._begun})
        if self._keep_state:
            self._writer.checkpoint(outcome.checkpoint)
        self._leave(None, None, None)

    def wait(self) -> None:
        """Wait until the part's file is complete, and unlock the part."""
        try:
            if self._finishing is not None:
                self._finishing.wait()
        except BaseException:
            self._unfinished.release()
            raise
        self._unfinished.finish()

    def _open(self, begin: int) -> PartWriter:
        part = self._part
        writer = PartWriter(
            self._path,
            self._study,
            self._problem,
            part.model,
            part.first,
            part.count,
            background=True,
            begin=begin,
        )
        self._begin = begin
        self._finishing = writer
        return writer.__enter__()

    def _close_segment(self) -> None:
        """Store the snapshots since the last checkpoint."""
        assert self._writer is not None
        path = self._unfinished.segment(self._begin)
        writer = self._writer
        writer.keep_as_segment(path)
        self._leave(None, None, None)
        writer.wait()
        self._sources.add(Source(path))

    def _leave(self, kind: Any, value: Any, trace: Any) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.__exit__(kind, value, trace)


def keeps_state(study: Study) -> bool:
    """Return whether parts store their final states by default: if that at most doubles their size."""
    from fastsde.storage import schema

    parameters = schema.dimension_sizes(study, 1)["parameter"]
    return parameters <= len(study.time.snapshot_steps()) * row_values(study)
