"""Write a part file, or a segment of it, while the next snapshot is being computed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastsde.storage import netcdf, schema
from fastsde.storage.checkpoint_file import define_checkpoint
from fastsde.storage.checksum import write_seal
from fastsde.storage.header import define_group, model_attributes, write_part_root
from fastsde.storage.plan import QUEUE_LENGTH, Part
from fastsde.storage.snapshot_files import BLOCK_BYTES
from fastsde.system.atomic import commit, discard, temporary_sibling
from fastsde.system.errors import DiskError, StoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastsde.integrate.checkpoint import Checkpoint
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["PartWriter"]

_Job = tuple[str, Any, "NDArray[Any]"]
"""A variable, an index into it, and the values to write there."""


class PartWriter:
    """Write the file of trajectories first .. first + count - 1 of one model; it is complete or absent.

    A separate thread writes, so that computing continues; only that thread uses h5py. The file is written
    under a temporary name next to `path`, flushed, and renamed if the block ends without an exception and
    every snapshot and event was given. Otherwise nothing is left. `keep_as_segment` instead makes a file of
    the snapshots given so far.

    Memory: at most `QUEUE_LENGTH` + 1 blocks (copies of the arguments of `snapshot`), each of one snapshot,
    count x (values recorded per trajectory) x itemsize bytes, or of several with a total of 1 MiB.

    Parameters
    ----------
    path
        The file's final name; its folder must exist.
    study, problem
        The study and its data (`fastsde.problem.data.build_problem`).
    name
        The model's name in the study, and of the group in the file.
    first, count
        Range of trajectory numbers.
    attributes
        More attributes of the group, besides kind, dt and substeps.
    background
        Leave the block immediately and finish the file in the background; `wait` raises its errors.
    begin
        The first snapshot that will be given; above 0 only for a segment.

    Raises
    ------
    StoreError
        On leaving the block, if a snapshot or an event is missing; from `snapshot` and `events`, if names or
        shapes disagree with the schema.
    DiskError
        On leaving the block or earlier, if a write failed.
    """

    def __init__(
        self,
        path: Path | str,
        study: Study,
        problem: Problem,
        name: str,
        first: int,
        count: int,
        attributes: Mapping[str, float | int | str] | None = None,
        *,
        background: bool = False,
        begin: int = 0,
    ) -> None:
        self.path = Path(path)
        self._temporary = temporary_sibling(self.path)
        self._study, self._name, self._first, self._count = study, name, first, count
        self._strengths = np.asarray(problem.mode_strength, dtype=np.float64)
        self._attributes = model_attributes(study, name) | dict(attributes or {})
        self._sizes = schema.dimension_sizes(study, count)
        self._observables = schema.recorded(study)
        self._begin = self._next = begin
        self._segment = False
        self._checkpoint: Checkpoint | None = None
        self._pending: list[dict[str, NDArray[Any]]] = []
        self._pending_begin, self._pending_bytes = begin, 0
        self._events_given = False
        self._background = background
        self._keep = False
        self._queue: queue.Queue[list[_Job] | None] = queue.Queue(QUEUE_LENGTH)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=f"write {self.path.name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keep = kind is None and self._whole()
        if self._keep:
            self._queue.put(self._gathered())
        self._queue.put(None)
        if kind is not None:
            self._thread.join()
        elif not self._background:
            self.wait()

    def wait(self) -> None:
        """Wait until the file has its final name; needed after the block only with `background`."""
        self._thread.join()
        self._check_whole()

    def keep_as_segment(self, path: Path) -> None:
        """When the block ends, store the snapshots given so far in the file `path`."""
        self.path, self._segment = path, True

    def snapshot(self, index: int, values: Mapping[str, NDArray[Any]]) -> None:
        """Write one snapshot; returns as soon as it is copied.

        Parameters
        ----------
        index
            Index of the snapshot; snapshots are given in order from 0.
        values
            Every variable that the study records, shape (count, ...).
        """
        self.snapshots(index, {name: value[np.newaxis] for name, value in values.items()})

    def snapshots(self, begin: int, values: Mapping[str, NDArray[Any]]) -> None:
        """Write consecutive snapshots from index `begin` on, shape (snapshots, count, ...)."""
        if begin != self._next:
            raise StoreError(f"snapshot {begin} was given to {self.path.name}, expected {self._next}")
        length = min((len(value) for value in values.values()), default=0)
        arrays = self._checked(values, self._observables, (length,))
        self._next += length
        self._pending.append(arrays)
        self._pending_bytes += sum(array.nbytes for array in arrays.values())
        if self._pending_bytes >= BLOCK_BYTES:
            self._queue.put(self._gathered())

    def events(self, values: Mapping[str, NDArray[Any]]) -> None:
        """Write the first passages (`schema.events`): integrator steps, int64, -1 for never."""
        arrays = self._checked(values, schema.events(self._study), ())
        self._queue.put([(name, ..., array) for name, array in arrays.items()])
        self._events_given = True

    def describe(self, attributes: Mapping[str, float | int | str]) -> None:
        """Add attributes to the model's group, such as the resolved temperature."""
        self._attributes |= attributes

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Add the final states of the trajectories, so that a longer study can continue from there."""
        self._checkpoint = checkpoint

    def _checked(
        self,
        values: Mapping[str, NDArray[Any]],
        variables: Mapping[str, schema.Variable],
        leading: tuple[int, ...],
    ) -> dict[str, NDArray[Any]]:
        """Return copies of the variables that are not empty, with the types of the file."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, variable in variables.items():
            if name not in values:
                raise StoreError(f"variable {name!r} is missing for {self.path.name}")
            shape, there = variable.shape(self._sizes)[len(leading) :], values[name].shape
            if there != leading + shape:
                there = there[len(leading) :]
                raise StoreError(f"variable {name!r} has shape {there}, expected {shape}")
            if all(shape):
                arrays[name] = np.array(values[name], variable.dtype(self._study.dtype))
        if self._failure is not None:
            self._raise_failure()
        return arrays

    def _gathered(self) -> list[_Job]:
        """Return the pending snapshots as one block, and start a new one."""
        rows = slice(self._pending_begin, self._next)
        blocks, self._pending = self._pending, []
        self._pending_begin, self._pending_bytes = self._next, 0
        return [
            (name, rows, np.concatenate([block[name] for block in blocks]) if len(blocks) > 1 else array)
            for name, array in (blocks[0].items() if blocks else ())
        ]

    def _whole(self) -> bool:
        whole = self._begin == 0 and self._next == self._sizes["snapshot"] and self._events_given
        return whole or (self._segment and self._next > self._begin)

    def _check_whole(self) -> None:
        if self._failure is not None:
            self._raise_failure()
        if not self._whole():
            raise StoreError(
                f"part {self.path.name} is incomplete: {self._next} of {self._sizes['snapshot']} snapshots, "
                f"events {'given' if self._events_given else 'missing'}"
            )

    def _raise_failure(self) -> None:
        assert self._failure is not None
        if isinstance(self._failure, OSError):
            raise DiskError.about(self.path, self._failure) from self._failure
        raise self._failure

    def _work(self) -> None:
        """Write what is queued until None, then commit; after a failure continue to empty the queue."""
        ended = False
        try:
            with netcdf.open_new(self._temporary) as file:
                group = self._define(file)
                while (jobs := self._queue.get()) is not None:
                    for name, where, array in jobs:
                        group[name][where] = array
                    file.check()
                ended = True
                group.attrs.update(self._attributes)
                self._conclude(file)
            if self._keep:
                write_seal(self._temporary)
                commit(self._temporary, self.path)
        except BaseException as failure:
            self._failure = failure
        finally:
            discard(self._temporary)
        while not ended:
            ended = self._queue.get() is None

    def _conclude(self, file: Any) -> None:
        """Write what is known only at the end: attributes of a segment, and final states."""
        if self._segment:
            file.attrs["format"] = schema.SEGMENT_FORMAT
            file.attrs["snapshots"] = np.array([self._begin, self._next], dtype=np.int64)
        if self._checkpoint is not None:
            define_checkpoint(file.create_group(schema.CHECKPOINT_GROUP), self._study, self._checkpoint)

    def _define(self, file: Any) -> Any:
        part = Part(self._name, self._first, self._count)
        write_part_root(file, self._study, part, schema.PART_FORMAT)
        numbers = self._first + np.arange(self._count, dtype=np.int64)
        group = define_group(file, self._study, self._name, numbers, self._strengths)
        for name, variable in (self._observables | schema.events(self._study)).items():
            if all(variable.shape(self._sizes)):
                netcdf.create(group, name, variable, self._sizes, self._study.dtype)
        return group
