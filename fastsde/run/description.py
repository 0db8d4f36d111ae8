"""Describe an installation or an ensemble, for ``fastsde info``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastsde.integrate.devices import survey
from fastsde.storage.ensemble import Trajectories, open_ensemble
from fastsde.study.study import Study
from fastsde.system import provenance
from fastsde.system.progress import Progress
from fastsde.system.threads import default_threads

__all__ = ["contents", "environment"]


def environment() -> dict[str, Any]:
    """Return versions, machine, threads, vector lanes of each precision, and the folder of compiled code."""
    from fastsde.kernels import lanes, options

    lane_count: Callable[[str], int] = lanes.lane_count
    cache_folder: Callable[[], Path] = options.cache_folder
    return {
        "versions": provenance.versions(),
        "host": provenance.host(),
        "threads": default_threads(),
        "lanes": {dtype: int(lane_count(dtype)) for dtype in ("float64", "float32")},
        "cache": str(cache_folder()),
        "gpu": survey(),
    }


def contents(path: Path | str, *, verify: bool = False, progress: Progress | None = None) -> dict[str, Any]:
    """Return the content of an ensemble: network, models, trajectories, variables and provenance.

    Parameters
    ----------
    path, verify, progress
        As for `fastsde.storage.ensemble.open_ensemble`.

    Raises
    ------
    StoreError
        If there is no complete ensemble.
    """
    with open_ensemble(path, verify=verify, progress=progress) as ensemble:
        study = ensemble.study
        return {
            "file": str(ensemble.path),
            **_what(study),
            "learning_rate": study.time.learning_rate,
            "steps": study.time.steps,
            "dtype": study.dtype,
            "seed": study.seed,
            "models": {name: _model(ensemble[name]) for name in ensemble},
            **ensemble.provenance,
        }


def _what(study: Study) -> dict[str, Any]:
    """Return the widths of the network, or the kind and dimension of the landscape."""
    if study.landscape is not None:
        return {"landscape": study.landscape.kind, "dimension": study.landscape.dimension}
    return {"widths": list(study.widths)}


def _model(view: Trajectories) -> dict[str, Any]:
    return {
        "trajectories": view.count,
        "diverged": int(view.diverged.sum()),
        **({"stopped": int(view.stopped.sum())} if "stopped_step" in view.variables else {}),
        "snapshots": len(view.step),
        "variables": list(view.variables),
        **{key: value for key, value in view.attributes.items() if key != "coordinates"},
    }
