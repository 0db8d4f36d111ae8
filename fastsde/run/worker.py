"""One process that computes parts of a study: locks them, integrates them, and stores them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.integrate.compile_cache import ensure_compiled
from fastsde.integrate.devices import survey
from fastsde.run.compile_ahead import CompileAhead
from fastsde.run.likeness import computed_rows, phase_of, work_of
from fastsde.run.programs_ahead import ProgramsAhead
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
from fastsde.system.stopwatch import spend
from fastsde.system.threads import default_threads
from fastsde.system.timings import Times, keep, long_enough

if TYPE_CHECKING:
    from fastsde.integrate.checkpoint import Checkpoint
    from fastsde.problem.data import Problem
    from fastsde.run.options import Options, Todo
    from fastsde.storage.plan import Part
    from fastsde.study.study import Study
    from fastsde.system.progress import Progress

__all__ = ["Session"]

POLL_SECONDS = 0.5
"""Seconds between checks whether another process has finished a part."""


class Session:
    """Computes parts one after another; the file of a part is completed while the next one is computed.

    Parameters
    ----------
    study, problem, directory, options, progress, stop, integrate
        As for `fastsde.run.run.run`.
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
        self._compiles = integrate is None
        self._integrate = integrate or _integration()
        self._threads = options.threads or default_threads()
        self._done = 0
        self._total = self._spared = 0
        self._before: dict[Part, int] = {}
        self._finished = 0
        self._taken_by: dict[str, tuple[float, float]] = {}
        self._closing: list[Recorder] = []

    def work(self, todo: list[Todo]) -> None:
        """Compute all parts, and wait for those that another process is computing.

        Raises
        ------
        Interrupted
            If asked to stop.
        """
        self._before = {item.part: self._taken(item) for item in todo}
        self._total = sum(self._steps(item.part) - self._before[item.part] for item in todo)
        names = [item.part.model for item in todo]
        self._ahead = (ProgramsAhead if self._device else CompileAhead)(self._study, names, self._threads)
        with self._progress.task(self._label(), self._total, "trajectory-steps"):
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
                    f"stopped; {self._finished} of {len(todo)} parts are finished and stored in "
                    f"{self._directory}; rerun the command to resume"
                ) from error
            finally:
                self._ahead.end()
                self._close(0)
                self._keep_times()

    def _label(self) -> str:
        """Return the label of the task, with the name of the GPU if one is used."""
        return f"integrate on {survey()['name']}" if self._device else "integrate"

    def _compute(self, item: Todo) -> bool:
        """Compute a part; False if another process is computing it."""
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
                self._compile(part.model)
            resume, sources = self._load(item, unfinished)
            with Recorder(
                part, self._study, self._problem, path, unfinished, sources, self._options.keep_state
            ) as recorder:
                before = 0 if resume is None else resume.step * part.count
                self._before[part] = min(self._before[part], before)
                spared = _Spared(self._spare)
                begun = time.monotonic()
                outcome = self._integrate(
                    self._study,
                    part.model,
                    part.first,
                    part.count,
                    problem=self._problem,
                    threads=self._threads,
                    on_snapshot=recorder.snapshot,
                    on_progress=self._progress_reporter(part, unfinished, before, spared),
                    stop=self._stop,
                    resume=resume,
                    on_checkpoint=recorder.checkpoint,
                    checkpoint_seconds=self._options.checkpoint_seconds,
                    **self._device,
                    **self._start(part),
                    **({"on_spared": spared} if self._study.events.stops else {}),
                )
                self._count_time(part, time.monotonic() - begun, self._steps(part) - before)
                self._done -= spared.steps
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

    def _compile(self, name: str) -> None:
        """Return when what a model needs is compiled, and let other processes compile for the next ones."""
        if isinstance(self._ahead, ProgramsAhead):
            self._ahead.ensure(name, self._problem, self._stop, self._progress)
        else:
            begin = self._ahead.begin
            ensure_compiled(self._study, name, self._problem, self._stop, self._progress, begin)

    def _count_time(self, part: Part, seconds: float, trajectory_steps: int) -> None:
        """Count seconds for a model, and the trajectories, computed from beginning to end, that they took."""
        rows = computed_rows(self._study, part.count, part.count, self._threads)
        before, counted = self._taken_by.get(part.model, (0.0, 0.0))
        share = trajectory_steps / self._steps(part)
        self._taken_by[part.model] = before + seconds, counted + share * rows

    def _keep_times(self) -> None:
        """Let later forecasts know how long trajectories take here, unless how soon they stop decides."""
        if not self._compiles or self._device or self._study.events.stops:
            return
        study = self._study
        times = [
            Times(phase_of(study, name), work_of(study, name, self._threads), measured=seconds / rows)
            for name, (seconds, rows) in self._taken_by.items()
            if rows > 0 and long_enough(seconds) and not study.models[name].replayed
        ]
        if times:
            keep(times)

    def _start(self, part: Part) -> dict[str, Any]:
        """Return the given initial states of a part, if any, as options of the integration."""
        if not self._study.starts_from_states:
            return {}
        return {"start": start_states(self._study, part.first, part.count, self._directory)}

    def _load(self, item: Todo, unfinished: Unfinished) -> tuple[Checkpoint | None, Sources]:
        """Return where to resume: the part's own checkpoint, or the end of a shorter part."""
        if item.shorter is None:
            return unfinished.load(self._study)
        end = Source(item.shorter.path, item.shorter.steps)
        resume, sources = unfinished.load(self._study, [end])
        steps = item.shorter.steps * self._study.models[item.part.model].substeps
        if resume is None or resume.step < steps:
            return continue_from(item.shorter, self._study)
        return resume, sources

    def _close(self, keep: int) -> None:
        """Wait until parts are written to disk, except for the last `keep`."""
        with spend("write"):
            while len(self._closing) > keep:
                self._closing.pop(0).wait()

    def _stands(self, part: Part) -> bool:
        """Return whether the part's file has been completed in the meantime."""
        path = part.path(self._directory)
        item = inspect(path, self._study, verify=False)
        if isinstance(item, Unreadable) and present(path):
            raise UnreadableError(item.reason)
        steps = self._study.time.steps
        return isinstance(item, Standing) and item.part.count >= part.count and item.steps == steps

    def _steps(self, part: Part) -> int:
        """Return the trajectory-steps of a part: trajectories x integrator steps."""
        return part.count * self._study.time.steps * self._study.models[part.model].substeps

    def _taken(self, item: Todo) -> int:
        """Return the trajectory-steps of a part that a checkpoint or a shorter part has already done."""
        substeps = self._study.models[item.part.model].substeps
        shorter = item.shorter.steps * substeps if item.shorter else 0
        return item.part.count * max(shorter, saved_step(self._directory, item.part) or 0)

    def _progress_reporter(
        self, part: Part, unfinished: Unfinished, before: int, spared: _Spared
    ) -> Callable[[int], None]:
        steps = self._steps(part) // part.count

        def report(done: int) -> None:
            self._progress.update(self._done + done, part.model)
            unfinished.tell((before + done + spared.steps) // part.count, steps, done, self._threads)

        return report

    def _spare(self, steps: int) -> None:
        """Leave steps out of what is to do, since trajectories have stopped."""
        self._spared += steps
        self._progress.reduce(self._total - self._spared)


class _Spared:
    """The trajectory-steps of a part that need not be done, as the integration reports them.

    Parameters
    ----------
    more : callable
        Given what is new of them at each report.
    """

    def __init__(self, more: Callable[[int], None]) -> None:
        self.steps, self._more = 0, more

    def __call__(self, steps: int) -> None:
        self._more(steps - self.steps)
        self.steps = steps


def continue_from(shorter: Standing, study: Study) -> tuple[Checkpoint, Sources]:
    """Return the end of a part of a shorter study as a checkpoint of a longer one, and its snapshots.

    The final check of the shorter study, for passages and divergence, is not included, and the snapshot at
    its end is taken again, because the longer study may record something else at that step.
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
