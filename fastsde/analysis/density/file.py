"""Densities of several models, and their file ``density.h5``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from fastsde.analysis import records
from fastsde.analysis.density.of_study import model_density
from fastsde.analysis.density.solve import Density
from fastsde.analysis.protocols import Floats
from fastsde.study.study import Study
from fastsde.system.atomic import replacing
from fastsde.system.progress import Progress, Silent
from fastsde.system.provenance import versions

__all__ = ["moments", "read_densities", "solve_models", "write_densities"]

FORMAT_VERSION = "1.0"


def solve_models(
    study: Study,
    names: Sequence[str],
    *,
    domain: Sequence[tuple[float, float]] | None = None,
    cells: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Density]:
    """Return the densities of some models at the snapshots of a study."""
    progress = progress or Silent()
    found = {}
    with progress.task("density", len(names), "models"):
        for number, name in enumerate(names):
            progress.update(number, name)
            found[name] = model_density(study, name, domain=domain, cells=cells)
        progress.update(len(names))
    return found


def moments(density: Density) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each coordinate, (time, d) each.

    Examples
    --------
    >>> edges = {"x": np.array([0.0, 2.0, 4.0])}
    >>> half = np.array([[0.5, 0.5]])
    >>> [found.tolist() for found in moments(Density(np.ones(1), edges, half, *[np.zeros(1)] * 3))]
    [[[2.0]], [[1.0]]]
    """
    mass = density.mass.reshape(len(density.times), -1)
    points = density.grid.points
    mean = mass @ points
    square = np.stack([row @ (points - centre) ** 2 for row, centre in zip(mass, mean, strict=True)])
    return mean, np.sqrt(square)


def write_densities(path: Path, study: Study, found: dict[str, Density]) -> Path:
    """Write densities, one group per model (docs/format.md), completely or not at all; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        file.attrs["format"] = "fastsde-density"
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["study"] = study.to_toml()
        file.attrs["versions"] = json.dumps(versions())
        for name, density in found.items():
            records.write(file.create_group(name, track_order=True), density)
    return path


def read_densities(path: Path) -> dict[str, Density]:
    """Read the file that `write_densities` wrote."""
    with h5py.File(path, "r") as file:
        return {name: records.read(file[name], Density) for name in file}
