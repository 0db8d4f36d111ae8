"""Initial states taken from another ensemble or from a file, and their copy in the run's directory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.problem.start_file import read_states
from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import broken, write_seal
from fastsde.storage.header import check_format, write_root
from fastsde.storage.layout import STATES_FILE
from fastsde.system.atomic import present, replacing
from fastsde.system.errors import Complaint, StoreError, StudyError, naming
from fastsde.system.hdf5 import reading

if TYPE_CHECKING:
    from fastsde.storage.ensemble import Ensemble, Trajectories
    from fastsde.study.study import Study

__all__ = ["keep_states", "resolve", "start_states"]


def resolve(study: Study, directory: Path | str | None = None) -> Study:
    """Return the study with the origin of its initial states filled in; any other study unchanged.

    The origin is a hash: of the other run's study, model and step, and hence of everything that its results
    depend on, or of the numbers in a file. It represents the states in fingerprints, independently of the
    path from which they are read. It is also part of the key of the random numbers, so that trajectories do
    not repeat the noise of those from which they branch.

    Parameters
    ----------
    study
        The study to run.
    directory
        Directory of the run; a copy of the states in it takes precedence over the other run.

    Raises
    ------
    StoreError, StudyError
        If there is no such run, model or snapshot, if it has no stored parameters, or if its network differs.
    """
    if not study.starts_from_states or study.network.init.origin is not None:
        return study
    with naming(study.source):
        return _resolved(study, directory)


def _resolved(study: Study, directory: Path | str | None) -> Study:
    init = study.network.init
    kept = None if directory is None else Path(directory) / STATES_FILE
    if kept is not None and present(kept) and not _source_exists(study):
        with reading(kept), netcdf.open_old(kept) as file:
            origin = str(file.attrs["origin"])
    elif init.kind == "values":
        states = _file_states(study)
        origin = hashlib.sha256(f"{states.shape}".encode() + states.astype("<f8").tobytes()).hexdigest()
    else:
        with _open(study) as source:
            view, index = _snapshot(study, source)
            text = f"{source.study.lineage(view.name)} {view.name} {int(view.step[index])}"
            origin = hashlib.sha256(text.encode()).hexdigest()
    return study.replace(network={"init": init.model_dump(exclude_none=True) | {"origin": origin}})


def keep_states(study: Study, directory: Path | str) -> None:
    """Copy the states from which a study starts into the run's directory, unless they are there already.

    Raises
    ------
    StoreError
        If the states cannot be read, or are too few.
    DiskError
        If the disk cannot be written.
    """
    if not study.starts_from_states:
        return
    path = Path(directory) / STATES_FILE
    wanted = -(-study.trajectories // (study.network.init.branches or 1))
    if _kept(path):
        there = len(_read(path, study, slice(None, wanted)))
        if there == wanted or _serves_all(study, there):
            return
    with naming(study.source):
        states, numbers = _states(study, wanted)
    sizes = {"state": len(states), "parameter": states.shape[1]}
    with replacing(path) as temporary:
        with netcdf.open_new(temporary) as file:
            write_root(file, study, schema.STATES_FORMAT)
            file.attrs["origin"] = str(study.network.init.origin)
            netcdf.define_dimensions(file, sizes)
            for (name, variable), data in zip(schema.STATES.items(), (states, numbers), strict=True):
                netcdf.create(file, name, variable, sizes, str(states.dtype), data=data)
        write_seal(temporary)


def start_states(
    study: Study, first: int, count: int, directory: Path | str | None = None
) -> NDArray[np.floating[Any]]:
    """Return the states from which trajectories start, (count, p): trajectory k from state k // branches.

    Parameters
    ----------
    study
        The study of the trajectories.
    first, count
        Range of trajectories.
    directory
        Directory of the run, if the states have been copied there; None: read them from the other run.
    """
    numbers = np.arange(first, first + count) // (study.network.init.branches or 1)
    rows = slice(int(numbers[0]), int(numbers[-1]) + 1)
    if directory is None:
        states = _states(study, rows.stop)[0]
        return states[0 * numbers if _serves_all(study, len(states)) else numbers]
    path = Path(directory) / STATES_FILE
    if _serves_all(study, len(_read(path, study, slice(2)))):
        return np.repeat(_read(path, study, slice(1)), count, axis=0)
    return _read(path, study, rows)[numbers - rows.start]


def _serves_all(study: Study, states: int) -> bool:
    """Return whether there is a single state, from which all trajectories start."""
    return states == 1 and study.network.init.kind == "values"


def _kept(path: Path) -> bool:
    """Return whether the copy of the states exists and is intact; `UnreadableError` if it cannot be read."""
    with reading(path):
        return present(path) and broken(path) is None


def _read(path: Path, study: Study, rows: slice) -> NDArray[Any]:
    with reading(path):
        wrong = broken(path, quick=True)
    if wrong:
        raise StoreError(f"{wrong}\nFix: remove it, so that the states are copied again")
    with reading(path), netcdf.open_old(path) as file:
        check_format(file, path, schema.STATES_FORMAT)
        if str(file.attrs["origin"]) != study.network.init.origin:
            raise StoreError(f"{path} does not hold the states from which this study starts")
        states: NDArray[Any] = file["parameters"][rows]
        return states


def _states(study: Study, wanted: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Read the first `wanted` states of trajectories that neither diverged nor stopped, and their numbers."""
    init = study.network.init
    if init.kind == "values":
        return _enough(study, _file_states(study), wanted)
    with _open(study) as source:
        view, index = _snapshot(study, source)
        parameters = _parameters(view, index, source)
    numbers = np.arange(len(parameters))
    finite = np.isfinite(parameters).all(axis=1) & (numbers >= (init.first or 0))
    usable = np.flatnonzero(finite)
    if len(usable) < wanted:
        expected = f"a run with {wanted} trajectories that neither diverged nor stopped; it has {len(usable)}"
        fix = "use fewer trajectories, or more branches per state"
        raise StudyError([Complaint("network.init.ensemble", f'"{init.ensemble}"', expected, fix)])
    return parameters[usable[:wanted]], usable[:wanted].astype(np.int64)


def _enough(study: Study, states: NDArray[Any], wanted: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return all states of a file, in the study's precision; there must be one, or `wanted` or more."""
    if len(states) < wanted and not _serves_all(study, len(states)):
        expected = f"a file with one state, or with at least {wanted} states; it has {len(states)}"
        fix = "use fewer trajectories, or more branches per state"
        raise StudyError([Complaint("network.init.file", f'"{study.network.init.file}"', expected, fix)])
    return states.astype(study.dtype), np.arange(len(states), dtype=np.int64)


def _file_states(study: Study) -> NDArray[Any]:
    return read_states(_source(study), study.network.widths)


def _source(study: Study) -> Path:
    """Return the path of the run or file from which the states are taken."""
    key = "file" if study.network.init.kind == "values" else "ensemble"
    return study.locate(str(getattr(study.network.init, key)), f"network.init.{key}")


def _source_exists(study: Study) -> bool:
    """Return whether the run or file from which the states are taken can be found."""
    try:
        _source(study)
    except StudyError:
        return False
    return True


def _open(study: Study) -> Ensemble:
    from fastsde.storage.ensemble import open_ensemble

    return open_ensemble(_source(study))


def _snapshot(study: Study, source: Ensemble) -> tuple[Trajectories, int]:
    """Return the requested model and the index of its snapshot."""
    init = study.network.init
    if init.model not in source:
        names = ", ".join(f'"{name}"' for name in source.names)
        raise _complaint("model", f'"{init.model}"', f"a model of the run {init.ensemble}: {names}")
    if source.study.network.widths != study.network.widths:
        expected = f"{list(source.study.network.widths)}, the widths of the run with the states"
        raise StudyError([Complaint("network.widths", str(list(study.network.widths)), expected)])
    view = source[str(init.model)]
    steps = [int(step) for step in view.step]
    if init.step is not None and init.step not in steps:
        expected = f"the step of a snapshot of that run: {', '.join(map(str, steps))}"
        raise _complaint("step", init.step, expected)
    return view, len(steps) - 1 if init.step is None else steps.index(init.step)


def _parameters(view: Trajectories, index: int, source: Ensemble) -> NDArray[Any]:
    """Return the parameters at a snapshot, from the observable or, at the last one, from the final states."""
    if "parameters" in view:
        return view.read("parameters", index)
    kept = source.final_parameters(view.name) if index == len(view.step) - 1 else None
    if kept is None:
        expected = (
            'a step of a run that records the observable "parameters", or the last step of a run that stores '
            "final states (--keep-state)"
        )
        raise _complaint("step", int(view.step[index]), expected)
    return np.where((view.diverged | view.stopped)[:, None], np.nan, kept)


def _complaint(key: str, found: object, expected: str) -> StudyError:
    return StudyError([Complaint(f"network.init.{key}", str(found), expected)])
