"""One process at work on the parts of a study: takes them, computes them, keeps them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.integrate.compile_cache import ensure_compiled
from fastsde.integrate.devices import survey
from fastsde.storage import netcdf, schema
from fastsde.storage.checkpoint_file import read_group
from fastsde.storage.in_progress import Unfinished, saved_step
from fastsde.storage.initial_states import start_states
from fastsde.storage.inventory import Standing, Unreadable, inspect
from fastsde.storage.recorder import Recorder
from fastsde.storage.snapshot_files import Source, Sources
from fastsde.system.atomic import present
from fastsde.system.errors import Interrupted, StoreError, UnreadableError
from fastsde.system.hdf5 import reading
from fastsde.system.threads import default_threads

if TYPE_CHECKING:
    from fastsde.integrate.checkpoint import Checkpoint
    from fastsde.problem.data import Problem
    from fastsde.run.options import Options, Todo
    from fastsde.storage.plan import Part
    from fastsde.study.study import Study
    from fastsde.system.progress import Progress

__all__ = ["Session"]

POLL_SECONDS = 0.5
"""Between two looks whether another process has finished a part."""


class Session:
    """Computes parts one after another; the last one's file is finished while the next is computed.

    Parameters
    ----------
    study, problem, directory, options, progress, stop, integrate
        As `fastsde.run.run.run` has them.
    """

    def __init__(
        self,
        study: Study,
        problem: Problem,
        directory: Path,
        options: Options,
        progress: Progress,
        stop: Callable[[], bool] | None,
        integrate: Callable[..., Any] | None,
    ) -> None:
        self._study, self._problem, self._directory, self._options = study, problem, directory, options
        self._progress, self._stop = progress, stop or (lambda: False)
        self._device = {} if options.device == "cpu" else {"device": options.device}
        self._compiles = integrate is None and not self._device
        self._integrate = integrate or _integration()
        self._threads = options.threads or default_threads()
        self._done = 0
        self._before: dict[Part, int] = {}
        self._finished = 0
        self._closing: list[Recorder] = []

    def work(self, todo: list[Todo]) -> None:
        """Compute all parts, or wait for those that another process has taken.

        Raises
        ------
        Interrupted
            If asked to stop.
        """
        self._before = {item.part: self._taken(item) for item in todo}
        total = sum(self._steps(item.part) - self._before[item.part] for item in todo)
        with self._progress.task(self._label(), total, "trajectory-steps"):
            try:
                waiting = [item for item in todo if not self._compute(item)]
                self._close(0)
                while waiting:
                    if self._stop():
                        raise Interrupted("stopped while another process computes the rest")
                    time.sleep(POLL_SECONDS)
                    waiting = [item for item in waiting if not self._compute(item)]
                    self._close(0)
            except Interrupted as error:
                raise Interrupted(
                    f"stopped with {self._finished} of {len(todo)} parts finished and kept in "
                    f"{self._directory}; the same command goes on from there"
                ) from error
            finally:
                self._close(0)

    def _label(self) -> str:
        """Return what is done, and on which GPU if on one."""
        return f"integrate on {survey()['name']}" if self._device else "integrate"

    def _compute(self, item: Todo) -> bool:
        """Compute a part; False if another process has it."""
        part = item.part
        self._progress.update(self._done, part.model)
        unfinished = Unfinished.take(self._directory, part)
        if unfinished is None:
            return False
        if self._stands(part):
            unfinished.finish()
        else:
            self._record(item, unfinished)
        self._finished += 1
        self._done += self._steps(part) - self._before[part]
        self._progress.update(self._done, part.model)
        return True

    def _record(self, item: Todo, unfinished: Unfinished) -> None:
        part, path = item.part, item.part.path(self._directory)
        try:
            if self._compiles:
                ensure_compiled(self._study, part.model, self._problem, self._stop)
            resume, sources = self._load(item, unfinished)
            with Recorder(
                part, self._study, self._problem, path, unfinished, sources, self._options.keep_state
            ) as recorder:
                before = 0 if resume is None else resume.step * part.count
                self._before[part] = min(self._before[part], before)
                outcome = self._integrate(
                    self._study,
                    part.model,
                    part.first,
                    part.count,
                    problem=self._problem,
                    threads=self._threads,
                    on_snapshot=recorder.snapshot,
                    on_progress=self._teller(part, unfinished, before),
                    stop=self._stop,
                    resume=resume,
                    on_checkpoint=recorder.checkpoint,
                    checkpoint_seconds=self._options.checkpoint_seconds,
                    **self._device,
                    **self._start(part),
                )
                recorder.finish(outcome, self._stop)
        except (StoreError, OSError):
            unfinished.release()
            if self._stands(part):  # where there are no locks, another process may have finished it
                return
            raise
        except BaseException:
            unfinished.release()
            raise
        self._closing.append(recorder)
        self._close(1)

    def _start(self, part: Part) -> dict[str, Any]:
        """Return the states that a part starts from, as options of the integration, if it starts from any."""
        if not self._study.starts_from_states:
            return {}
        return {"start": start_states(self._study, part.first, part.count, self._directory)}

    def _load(self, item: Todo, unfinished: Unfinished) -> tuple[Checkpoint | None, Sources]:
        """Return where to go on from: the part's own checkpoint, or the end of a shorter part."""
        if item.shorter is None:
            return unfinished.load(self._study)
        end = Source(item.shorter.path, item.shorter.steps)
        resume, sources = unfinished.load(self._study, [end])
        steps = item.shorter.steps * self._study.models[item.part.model].substeps
        if resume is None or resume.step < steps:
            return continue_from(item.shorter, self._study)
        return resume, sources

    def _close(self, keep: int) -> None:
        """Wait for parts on their way to the disk, but for the last `keep`."""
        while len(self._closing) > keep:
            self._closing.pop(0).wait()

    def _stands(self, part: Part) -> bool:
        """Say whether the part's file has come to stand since it was looked for."""
        path = part.path(self._directory)
        found = inspect(path, self._study, verify=False)
        if isinstance(found, Unreadable) and present(path):
            raise UnreadableError(found.reason)
        steps = self._study.time.steps
        return isinstance(found, Standing) and found.part.count >= part.count and found.steps == steps

    def _steps(self, part: Part) -> int:
        """Return the trajectory-steps of a part: trajectories x integrator steps."""
        return part.count * self._study.time.steps * self._study.models[part.model].substeps

    def _taken(self, item: Todo) -> int:
        """Return the trajectory-steps of a part that a checkpoint or a shorter part spares."""
        substeps = self._study.models[item.part.model].substeps
        shorter = item.shorter.steps * substeps if item.shorter else 0
        return item.part.count * max(shorter, saved_step(self._directory, item.part) or 0)

    def _teller(self, part: Part, unfinished: Unfinished, before: int) -> Callable[[int], None]:
        steps = self._steps(part) // part.count

        def tell(done: int) -> None:
            self._progress.update(self._done + done, part.model)
            unfinished.tell((before + done) // part.count, steps, done, self._threads)

        return tell


def continue_from(shorter: Standing, study: Study) -> tuple[Checkpoint, Sources]:
    """Return the end of a part of a shorter study as a checkpoint of a longer one, and its snapshots.

    The last look of the shorter study (passages between two looks, a last explosion) is not part of it, and
    the snapshot at its end is taken again: the longer study might note something else there.
    """
    import dataclasses

    with reading(shorter.path), netcdf.open_old(shorter.path) as file:
        checkpoint = read_group(file[schema.CHECKPOINT_GROUP])
    taken = int((study.time.snapshot_steps() < shorter.steps).sum())
    sources = Sources(study, shorter.part, [Source(shorter.path, shorter.steps)])
    return dataclasses.replace(checkpoint, snapshots=taken), sources


def _integration() -> Callable[..., Any]:
    from fastsde.integrate.integration import integrate

    compute: Callable[..., Any] = integrate
    return compute
