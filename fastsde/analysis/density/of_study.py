"""The density of a model of a study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.density.model_dynamics import dynamics_of, why_no_density
from fastsde.analysis.density.solve import Density, Domain, Start, density
from fastsde.problem.objective import objective_of
from fastsde.problem.objectives.landscape import LandscapeObjective
from fastsde.study.study import Study
from fastsde.system.errors import RequestError, StudyError

__all__ = ["model_density", "start_of"]


def start_of(study: Study) -> Start:
    """Return the law of the starting points of a landscape."""
    objective = objective_of(study)
    assert isinstance(objective, LandscapeObjective)
    start = objective.affine_start()
    return Start(np.asarray(start.origins, np.float64), np.asarray(start.scales, np.float64))


def model_density(
    study: Study,
    name: str,
    times: ArrayLike | None = None,
    *,
    domain: Sequence[tuple[float, float]] | None = None,
    cells: int | None = None,
) -> Density:
    """Solve the Fokker-Planck equation of a model on a landscape of one or two dimensions.

    Parameters
    ----------
    study : Study
    name : str
        Name of the model.
    times : array_like, optional
        Rising, from 0 on, in units of learning rate times steps; by default those of the study's snapshots.
    domain : sequence of (float, float), optional
        Ends of the box along each axis; by default it is found.
    cells : int, optional
        Along each axis.

    Returns
    -------
    Density

    Raises
    ------
    StudyError
        If there is no such model, or its density is not computed; the message says why.
    RequestError
        If times, domain or cells are not valid.

    Examples
    --------
    >>> from fastsde import Study
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "landscape": {"kind": "double-well"},
    ...     "time": {"learning_rate": 0.1, "steps": 10_000},
    ...     "models": {"langevin": {"kind": "sde", "noise": "isotropic", "temperature": 0.2}},
    ... })
    >>> found = model_density(study, "langevin", [1000.0])
    >>> right = found.mass[0, found.grid.centres[0] > 0].sum()
    >>> bool(abs(right - 0.5) < 1e-6)
    True
    """
    if name not in study.models:
        raise StudyError(
            f"there is no model {name!r}; the models are {', '.join(study.models)}", study.source
        )
    why = why_no_density(study, name)
    if why:
        raise StudyError(f"models.{name} has no density: {why}", study.source)
    chosen = study.time.snapshot_steps() if times is None else None
    given = np.asarray(times if chosen is None else np.asarray(chosen) * study.time.learning_rate, np.float64)
    _check(given, domain, cells, study.objective.dimension)
    box: Domain | None = None if domain is None else [(float(low), float(high)) for low, high in domain]
    return density(dynamics_of(study, name), start_of(study), given, box, cells)


def _check(
    times: np.ndarray, domain: Sequence[tuple[float, float]] | None, cells: int | None, dimension: int
) -> None:
    if times.ndim != 1 or not len(times) or times[0] < 0 or np.any(np.diff(times) <= 0) or times[-1] <= 0:
        raise RequestError("times of a density are to rise, from 0 on, and to end above 0")
    if domain is not None and len(domain) != dimension:
        raise RequestError(
            f"the domain has {len(domain)} intervals, and the landscape {dimension} dimensions"
        )
    for low, high in domain or ():
        if not low < high:
            raise RequestError(
                f"the domain has the interval {low:g} to {high:g}: the first end is to be below"
            )
    if cells is not None and cells < 4:
        raise RequestError(f"{cells} cells are too few for a density: at least 4")
