"""What of a study stands on disk, what is missing, and computing the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.directory import claim, found_parts, study_of
from fastsde.errors import Interrupted, StoreError
from fastsde.plan import Part, default_size, divide, gaps, plan_parts
from fastsde.progress import Progress, Silent

if TYPE_CHECKING:
    from fastsde.join import Piece
    from fastsde.study import Study

__all__ = ["ModelStatus", "Part", "cover", "default_size", "missing", "plan_parts", "run", "status"]


@dataclass(frozen=True)
class ModelStatus:
    """How far one model is: parts on disk and lacking, trajectories done and wanted."""

    model: str
    parts_done: int
    parts_missing: int
    trajectories_done: int
    trajectories: int


def missing(study: Study, directory: Path | str, size: int | None = None) -> list[Part]:
    """Return the parts that are still to be computed, in the order of the plan.

    Whatever ranges stand on disk are kept, also those of other part sizes or of an earlier, smaller number
    of trajectories: a trajectory does not depend on the part it was computed in.
    """
    found = found_parts(study, directory)
    return [
        part
        for model in study.models
        for first, last in gaps((p for p in found if p.model == model), study.trajectories)
        for part in divide(study, model, first, last, size)
    ]


def cover(study: Study, directory: Path | str) -> dict[str, list[Piece]]:
    """Return, for each model, pieces of part files that make up trajectories 0 .. N - 1 exactly.

    Raises
    ------
    StoreError
        If parts are missing.
    """
    from fastsde.join import Piece

    lacking = missing(study, directory)
    if lacking:
        raise StoreError(f"{len(lacking)} parts are missing in {directory}, the first is {lacking[0]}")
    pieces: dict[str, list[Piece]] = {model: [] for model in study.models}
    for part in found_parts(study, directory):
        chain = pieces[part.model]
        reached = chain[-1].first + chain[-1].count if chain else 0
        last = min(part.last, study.trajectories)
        if last > reached:
            offset = reached - part.first
            chain.append(Piece(part.path(directory), reached, last - reached, offset, part.count))
    return pieces


def status(directory: Path | str) -> list[ModelStatus]:
    """Return how far the run in a directory is, model by model.

    Raises
    ------
    StoreError
        If the directory has no study.
    """
    study = study_of(directory)
    done, lacking = found_parts(study, directory), missing(study, directory)
    result = []
    for model in study.models:
        todo = [part for part in lacking if part.model == model]
        result.append(
            ModelStatus(
                model,
                parts_done=sum(part.model == model for part in done),
                parts_missing=len(todo),
                trajectories_done=study.trajectories - sum(part.count for part in todo),
                trajectories=study.trajectories,
            )
        )
    return result


def run(
    study: Study,
    directory: Path | str,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    part_size: int | None = None,
    copy: bool = False,
    stop: Callable[[], bool] | None = None,
    integrate: Callable[..., Any] | None = None,
) -> Path:
    """Integrate the parts of a study that `directory` lacks, join all of them, and return the ensemble file.

    Computing overlaps with writing. Memory is bounded by one part, whatever the number of trajectories: its
    state (part size x parameters x itemsize) and at most 7 snapshots (one being filled, and
    `writer.QUEUE_LENGTH` + 1 on their way to the disk from this part and from the one before, which is being
    finished meanwhile), each of part size x (values recorded per trajectory) x itemsize, at most 64 MiB with
    the default part size.

    Parameters
    ----------
    study
        What to run.
    directory
        Where the parts and the ensemble go; it is made if absent, and resumed if it holds this study.
    threads
        Threads to compute with; None: as many as there are cores.
    progress
        Told of every advance (`fastsde.progress`); None: silent.
    part_size
        Trajectories of a part; None: `default_size`. It does not change any number.
    copy
        Copy the parts into the ensemble file instead of referring to them.
    stop
        Polled while integrating; once True, the unfinished part is given up and `Interrupted` raised.
    integrate
        Stands in for `fastsde.ensemble.integrate`.

    Raises
    ------
    StoreError
        If the directory belongs to another study.
    Interrupted
        If `stop` said so; finished parts are kept.

    Examples
    --------
    >>> import fastsde  # doctest: +SKIP
    >>> fastsde.run(fastsde.Study.load("study.toml"), "runs/study")  # doctest: +SKIP
    PosixPath('runs/study/ensemble.h5')
    """
    from fastsde.data import build_problem
    from fastsde.join import join
    from fastsde.store import ENSEMBLE_FILE
    from fastsde.writer import PartWriter

    compute = integrate or _integration()
    directory = Path(directory)
    problem = build_problem(study)
    claim(study, directory)
    todo = missing(study, directory, part_size)
    progress = progress or Silent()
    done = 0
    with progress.task("integrate", sum(_work(study, part) for part in todo), "trajectory-steps"):
        closing: list[PartWriter] = []
        finished = 0
        try:
            for part in todo:
                progress.update(done, part.model)
                with PartWriter(
                    part.path(directory),
                    study,
                    problem,
                    part.model,
                    part.first,
                    part.count,
                    background=True,
                ) as writer:
                    outcome = compute(
                        study,
                        part.model,
                        part.first,
                        part.count,
                        problem=problem,
                        threads=threads,
                        on_snapshot=writer.snapshot,
                        on_progress=_offset(progress, done, part.model),
                        stop=stop,
                    )
                    writer.events(outcome.events)
                    writer.describe(outcome.attributes)
                closing.append(writer)
                if len(closing) > 1:
                    closing.pop(0).wait()
                finished += 1
                done += _work(study, part)
                progress.update(done, part.model)
        except Interrupted as error:
            raise Interrupted(
                f"stopped with {finished} of {len(todo)} parts finished and kept in {directory}; "
                "the same command goes on from there"
            ) from error
        finally:
            for writer in closing:
                writer.wait()
    return join(study, problem, cover(study, directory), directory / ENSEMBLE_FILE, copy)


def _integration() -> Callable[..., Any]:
    from fastsde.ensemble import integrate

    compute: Callable[..., Any] = integrate
    return compute


def _offset(progress: Progress, done: int, model: str) -> Callable[[int], None]:
    return lambda steps: progress.update(done + steps, model)


def _work(study: Study, part: Part) -> int:
    """Return the trajectory-steps of a part: trajectories x integrator steps."""
    return part.count * study.time.steps * study.models[part.model].substeps
