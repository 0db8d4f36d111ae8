"""Compute the missing parts of a study, and join them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.run.options import Options, Todo
from fastsde.storage.in_progress import Unfinished
from fastsde.storage.in_progress import found as found_unfinished
from fastsde.storage.inventory import Broken, Standing, Stock, check_versions, inspect, take_stock
from fastsde.storage.layout import PARTS_FOLDER
from fastsde.storage.plan import Part, default_size, divide, gaps, plan_parts, shard_range
from fastsde.storage.run_directory import claim
from fastsde.system.atomic import discard, listed, set_aside
from fastsde.system.errors import DiskError, StoreError
from fastsde.system.progress import Progress, by_default

if TYPE_CHECKING:
    from fastsde.storage.join import Piece
    from fastsde.study.study import Study

__all__ = ["Part", "cover", "default_size", "missing", "plan_parts", "run"]


def missing(study: Study, directory: Path | str, size: int | None = None) -> list[Part]:
    """Return the parts that are still to be computed, in the order of the plan.

    Existing parts are kept whatever their size, since a trajectory does not depend on the part in which it
    was computed.

    Raises
    ------
    StoreError
        If a part file is broken or belongs to another study.
    """
    stock = take_stock(study, directory)
    stock.refuse_broken()
    return [todo.part for todo in _todo(study, directory, stock, Options(part_size=size))]


def cover(study: Study, directory: Path | str) -> dict[str, list[Piece]]:
    """Return, for each model, pieces of part files that together are trajectories 0 .. N - 1.

    Raises
    ------
    StoreError
        If parts are missing or broken.
    """
    stock = take_stock(study, directory)
    stock.refuse_broken()
    lacking = _todo(study, directory, stock, Options())
    if lacking:
        part = lacking[0].part
        raise StoreError(
            f"{len(lacking)} parts are missing in {directory}; the first one has the trajectories "
            f"{part.first} to {part.last - 1} of the model {part.model}"
        )
    return chain(study, stock.whole)


def chain(study: Study, parts: list[Standing]) -> dict[str, list[Piece]]:
    """Return, for each model, pieces of its parts without overlap, ordered by trajectory."""
    from fastsde.storage.join import Piece

    pieces: dict[str, list[Piece]] = {model: [] for model in study.models}
    for standing in sorted(parts):
        part = standing.part
        before = pieces[part.model]
        reached = before[-1].first + before[-1].count if before else 0
        first, last = max(reached, part.first), min(part.last, study.trajectories)
        if last > first:
            offset = first - part.first
            before.append(
                Piece(
                    standing.path, first, last - first, offset, part.count, standing.seal, standing.modified
                )
            )
    return pieces


def run(
    study: Study,
    directory: Path | str,
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    integrate: Callable[..., Any] | None = None,
    options: Options | None = None,
    **changes: Any,
) -> Path:
    """Compute the missing parts of a study in `directory`, join all parts, and return the ensemble file.

    Computing overlaps with writing. Memory is bounded by one part, independently of the number of
    trajectories: its state (part size x parameters x itemsize) and at most 7 snapshots, each of part size x
    (values recorded per trajectory) x itemsize, at most 64 MiB with the default part size. The 7 snapshots
    are the one being filled, and `plan.QUEUE_LENGTH` + 1 being written from this part and from the previous
    one.

    Processes that run the same study in the same directory share its parts.

    Parameters
    ----------
    study
        The study to run.
    directory
        Directory of the parts and the ensemble. It is created if absent, and resumed if it holds this study,
        or one that this study extends by trajectories, models or steps.
    progress
        Reporter of the progress (`fastsde.system.progress`); None: a bar in a notebook, else silent.
    stop
        Called about once a second; once it returns True, a checkpoint is saved and `Interrupted` raised.
    integrate
        Replacement for `fastsde.integrate.integration.integrate`.
    options, changes
        See `Options`; single options may be given by name.

    Returns
    -------
    Path
        The ensemble file; with a shard, the directory.

    Raises
    ------
    StoreError
        If the directory belongs to another study, or if one of its part files is broken.
    DiskError
        If the disk cannot be written.
    ResourceError
        If the study needs more memory or disk space than available.
    DeviceError
        If a GPU is requested and cannot be used.
    Interrupted
        If stopped by `stop`; everything computed so far is kept.

    Examples
    --------
    >>> import fastsde  # doctest: +SKIP
    >>> fastsde.run(fastsde.Study.load("study.toml"), "runs/study", threads=4)  # doctest: +SKIP
    PosixPath('runs/study/ensemble.h5')
    """
    import dataclasses

    from fastsde.integrate.devices import choose_device
    from fastsde.problem.data import build_problem
    from fastsde.problem.user import check_code
    from fastsde.run.resources import check_resources
    from fastsde.run.worker import Session
    from fastsde.storage.initial_states import keep_states, resolve
    from fastsde.storage.join import join
    from fastsde.storage.layout import ENSEMBLE_FILE

    options = dataclasses.replace(options or Options(), **changes)
    directory = Path(directory)
    study = resolve(study, directory)
    check_code(study)
    check_resources(study, directory, options)
    options = dataclasses.replace(options, device=choose_device(study, options.device, options.gpu))
    problem = build_problem(study)
    claim(study, directory)
    keep_states(study, directory)
    stock = take_stock(
        study,
        directory,
        verify=options.verify,
        among=_range(study, options),
        stop=stop,
        progress=progress,
    )
    if options.repair:
        stock.refuse_unreadable()
        _set_aside(study, stock)
    stock.refuse_broken()
    if not options.any_version:
        check_versions([*stock.whole, *stock.shorter])
    todo = _todo(study, directory, stock, options)
    session = Session(study, problem, directory, options, progress or by_default(), stop, integrate)
    session.work(todo)
    _clear(directory, stock, _range(study, options))
    if options.shard is not None:
        return directory
    return join(study, problem, cover(study, directory), directory / ENSEMBLE_FILE, options.copy, stop)


def _range(study: Study, options: Options) -> range:
    return (
        range(study.trajectories) if options.shard is None else shard_range(study.trajectories, options.shard)
    )


def _todo(study: Study, directory: Path | str, stock: Stock, options: Options) -> list[Todo]:
    """Return what is missing in a range: unfinished and shorter parts as they are, the rest newly divided."""
    wanted = _range(study, options)
    begun = [Todo(part) for part, _, _ in found_unfinished(directory)]
    candidates = [*begun, *(Todo(standing.part, standing) for standing in stock.shorter)]
    result: list[Todo] = []
    for model in study.models:
        whole = [standing.part for standing in stock.whole if standing.part.model == model]
        chosen: list[Todo] = []
        for todo in candidates:
            part = todo.part
            if part.model != model or part.first not in wanted:
                continue
            free = any(a < part.last and part.first < b for a, b in gaps(whole, wanted.stop, wanted.start))
            if free and all(part.last <= c.part.first or c.part.last <= part.first for c in chosen):
                chosen.append(_with_shorter(part, stock))
        taken = sorted([*whole, *(todo.part for todo in chosen)])
        fresh = [
            Todo(part)
            for first, last in gaps(taken, wanted.stop, wanted.start)
            for part in divide(study, model, first, last, options.part_size)
        ]
        result += sorted([*chosen, *fresh], key=lambda todo: todo.part)
    return result


def _set_aside(study: Study, stock: Stock) -> None:
    """Rename broken files after reading them again: another process may have repaired them meanwhile."""
    suspected = list(stock.broken)
    stock.broken.clear()
    for item in suspected:
        again = inspect(item.path, study, verify=True)
        if not isinstance(again, Broken):
            stock.add(again, study.time.steps)
            continue
        try:
            set_aside(item.path)
        except OSError as error:
            raise DiskError.about(item.path, error) from error


def _clear(directory: Path, stock: Stock, computed: range) -> None:
    """Remove what is obsolete now that all parts of a range are complete.

    These are renamed broken files, and folders of finished parts whose process ended before it could remove
    them.
    """
    for path in listed(directory / PARTS_FOLDER, ".broken"):
        first = path.name.partition(".")[0].rpartition("-")[2]
        if first.isdecimal() and int(first) in computed:
            discard(path)
    whole = [standing.part for standing in stock.whole]
    for part, _, alive in found_unfinished(directory):
        mine = [other for other in whole if other.model == part.model]
        if not alive and not gaps(mine, part.last, part.first):
            unfinished = Unfinished.take(directory, part)
            if unfinished is not None:
                unfinished.finish()


def _with_shorter(part: Part, stock: Stock) -> Todo:
    return Todo(part, next((standing for standing in stock.shorter if standing.part == part), None))
