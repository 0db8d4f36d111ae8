"""A study in which trajectories of another program are one of the models."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from fastsde.problem.trajectory_file import TrajectoryFile
from fastsde.study.study import Study
from fastsde.system.atomic import replacing
from fastsde.system.errors import RequestError

__all__ = ["import_model"]

WORDS = {
    "parameters": "all parameters: everything but the noise of single steps follows from them",
    "matrices": "end-to-end matrices: loss, modes and singular values follow from them",
    "values": "observables: nothing else is known",
}


def import_model(source: Path, name: str, file: Path, path: Path) -> str:
    """Write a study with an imported model beside those of another, and say what its file has.

    All models get the snapshots of the file up to the end of the study, and as many trajectories as the file
    has, or as the study has if that is less.

    Parameters
    ----------
    source : Path
        The study.
    name : str
        Of the new model.
    file : Path
        With its trajectories.
    path : Path
        The study to write.

    Returns
    -------
    str
        A sentence for the user.

    Raises
    ------
    RequestError
        If the study has a model of that name, or the file has no snapshot at its start or within its time.
    StudyError
        If the file does not fit the study.
    """
    document = tomllib.loads(source.read_text(encoding="utf-8"))
    study = Study.load(source)
    if name in study.models:
        raise RequestError(f"{source} has a model {name!r} already, expected a new name")
    where = os.path.relpath(file.absolute(), path.absolute().parent)
    document.setdefault("models", {})[name] = {"kind": "imported", "file": Path(where).as_posix()}
    found = TrajectoryFile(_made(document, source), name)
    steps = [int(step) for step in found.steps if step <= study.time.steps]
    if len(steps) < 2 or steps[0] != 0:
        raise RequestError(
            f"{file} has snapshots at steps {', '.join(map(str, found.steps[:8]))}, expected the start (step "
            f"0) and another up to step {study.time.steps:,}, the end of the study. Fix: save the starting "
            "points too"
        )
    document["trajectories"] = min(study.trajectories, found.count)
    document["time"] |= {"steps": steps[-1], "snapshots": {"at": steps}}
    TrajectoryFile(_made(document, source), name).check()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(tomli_w.dumps(document), encoding="utf-8")
    return (
        f"{file} has {WORDS[found.kind]}. {name} is compared at {len(steps)} snapshots up to step "
        f"{steps[-1]:,}, with {document['trajectories']:,} trajectories of each model."
    )


def _made(document: dict[str, Any], source: Path) -> Study:
    """Return the study of a document that stands beside another file."""
    from fastsde.study.extension_imports import looking_in

    with looking_in(source.parent):
        return Study.from_mapping(document, str(source)).read_from(source.parent, str(source))
