"""What part files and ensembles have in common: root attributes, and the coordinates of a model's group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import check_sealed
from fastsde.study.passages import THRESHOLDS
from fastsde.system import provenance
from fastsde.system.errors import DamageError, StoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastsde.storage.plan import Part
    from fastsde.study.study import Study

__all__ = ["check_format", "define_group", "model_attributes", "write_part_root", "write_root"]


def write_root(file: Any, study: Study, file_format: str) -> None:
    """Write the root attributes: format, the resolved study, and provenance."""
    file.attrs["format"] = file_format
    file.attrs["format_version"] = np.array(schema.FORMAT_VERSION, dtype=np.int64)
    file.attrs["study"] = study.to_toml()
    file.attrs["fingerprint"] = study.fingerprint()
    if study.extensions is not None:
        file.attrs["extensions"] = json.dumps([dict(extension) for extension in study.extensions])
    file.attrs["seed"] = np.uint64(study.seed)
    file.attrs["versions"] = json.dumps(provenance.versions())
    file.attrs["host"] = json.dumps(provenance.host())
    file.attrs["created"] = provenance.now()


def write_part_root(file: Any, study: Study, part: Part, file_format: str) -> None:
    """Write the root attributes of the file of one part: those of `write_root`, and which part it is."""
    write_root(file, study, file_format)
    file.attrs["model"] = part.model
    file.attrs["first"] = np.int64(part.first)
    file.attrs["count"] = np.int64(part.count)


def check_format(file: Any, path: Path, *formats: str) -> str:
    """Return the format of an open file if it is one of `formats` and of a version this program reads.

    Raises
    ------
    StoreError
        If the file has another format, or another major version.
    DamageError
        If its format attribute or its checksum is missing.
    """
    file_format = file.attrs.get("format")
    if file_format not in formats:
        kind = DamageError if file_format is None else StoreError
        raise kind(f"{path} is not a {' or '.join(formats)} file (its format is {file_format!r})")
    major, minor = (int(number) for number in file.attrs["format_version"])
    if major != schema.FORMAT_VERSION[0]:
        raise StoreError(
            f"{path} has format version {major}, but this version of fastsde reads format version "
            f"{schema.FORMAT_VERSION[0]}\n"
            "Fix: install the version of fastsde that wrote it (root attribute `versions`)"
        )
    check_sealed(path, (major, minor))
    return str(file_format)


def define_group(
    file: Any, study: Study, name: str, trajectories: NDArray[np.int64], strengths: NDArray[np.float64]
) -> Any:
    """Create a model's group with its dimensions and coordinates, and return it.

    Parameters
    ----------
    file
        Open HDF5 file.
    study, name
        The study and the model's name in it.
    trajectories
        Numbers of the trajectories, shape (count,).
    strengths
        Singular values of the optimum, shape (modes,).
    """
    sizes = schema.dimension_sizes(study, len(trajectories))
    del sizes["passage"]
    steps = np.asarray(study.time.snapshot_steps(), dtype=np.int64)
    values: dict[str, Any] = {
        "trajectory": trajectories,
        "mode": np.arange(1, sizes["mode"] + 1),
        **{one.name: np.asarray(one.values(study.events)) for one in THRESHOLDS},
        "step": steps,
        "time": steps * study.time.learning_rate,
        "mode_strength": strengths,
    }
    group = file.create_group(name, track_order=True)
    netcdf.define_dimensions(group, sizes, coordinates=schema.COORDINATES)
    for variable_name, variable in (schema.COORDINATES | schema.AUXILIARY).items():
        if all(variable.shape(sizes)):
            netcdf.create(group, variable_name, variable, sizes, data=values[variable_name])
    group.attrs["coordinates"] = " ".join(schema.AUXILIARY)
    return group


def model_attributes(study: Study, name: str) -> dict[str, float | int | str]:
    """Return the attributes of every model's group: kind, description, and step sizes."""
    model = study.models[name]
    rate = study.time.learning_rate
    return {
        "kind": model.kind,
        "summary": model.summary(),
        "learning_rate": rate,
        "dt": model.dt(rate),
        "substeps": model.substeps,
    }
