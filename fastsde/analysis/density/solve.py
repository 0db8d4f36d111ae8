"""The density of an equation on a grid at given times, with its error, and the box that holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.density.drift_diffusion import generator
from fastsde.analysis.density.dynamics import Dynamics
from fastsde.analysis.density.evolution import LARGEST_DIFFERENCE, ImplicitEuler, SplitStep, evolve
from fastsde.analysis.density.fractional_laplacian import (
    FarJumps,
    far_jumps_matrix,
    neighbour_rates,
    rates_out,
)
from fastsde.analysis.density.fractional_time import evolve_fractional
from fastsde.analysis.density.grid import Grid, start_masses
from fastsde.analysis.protocols import Floats
from fastsde.system.errors import RequestError

__all__ = ["Density", "Start", "default_cells", "density", "find_domain", "full_generator", "outward_rates"]

CELLS = {1: 400, 2: 80}
"""Cells along each axis unless told otherwise."""
STABLE_CELLS = {1: 2000, 2: 72}
"""The same of stable noise, whose densities are wide."""
DENSE_CELLS = 300
"""The same where the jumps are a dense matrix: stable noise that follows the state, or in fractional time."""
FRACTIONAL_STEPS = {1: 160, 2: 60}
MOST_CELLS = {1: 6400, 2: 80}
"""Cells along each axis that are tried for the sake of `SMALL_ERROR`."""
SMALL_ERROR = 2e-3
"""Error of the last density at which no more cells are taken."""
COARSE = {1: (240, 2400), 2: (36,)}
"""Cells with which the box is looked for; the next number if the box has grown `MANY` times."""
MANY = 8
DENSE_COARSE = 120
"""Cells with which the box is looked for where the jumps are a dense matrix."""
EDGE = 1e-5
"""Mass at an edge up to which the box is large enough under normal noise."""
STABLE_EDGE = {1: 3e-4, 2: 2e-3}
"""Mass in the outermost tenth of the box on one side up to which it is large enough under stable noise."""
EMPTY = {1: 1e-7, 2: 1e-6}
"""Mass of a coarse cell below which the box may end there."""
DOUBLINGS = 14
GIVE_A_BOX = "give the box (fastsde density --domain LOW HIGH)"

Domain = list[tuple[float, float]]


@dataclass(frozen=True)
class Start:
    """Normal laws of equal weights: means, shape (k, d), and standard deviations, shape (d,)."""

    origins: Floats
    spread: Floats


@dataclass(frozen=True)
class Density:
    """Masses in the cells of a grid over time.

    Attributes
    ----------
    times : ndarray, shape (time,)
    edges : dict of str to ndarray
        "x" and, in two dimensions, "y": edges of the cells.
    mass : ndarray, shape (time, x) or (time, x, y)
        Probability of each cell; the density is this over the size of a cell.
    error : ndarray, shape (time,)
        Estimate of the error, as a total variation distance: a third of the difference from the density with
        half as many cells along each axis, as of a scheme of second order. Where drift is far stronger than
        noise over a cell the scheme is of first order, and the error up to three times that.
    edge : ndarray, shape (time,)
        Mass in the outermost cells: what the walls hold back, or what jumps over them brought there.
    outward : ndarray, shape (time,)
        Probability per unit time of a jump out of the box, which ends at its edge; 0 without stable noise.
    """

    times: Floats
    edges: dict[str, Floats]
    mass: Floats
    error: Floats
    edge: Floats
    outward: Floats

    @property
    def grid(self) -> Grid:
        """The grid."""
        return Grid(tuple(self.edges.values()))

    @property
    def values(self) -> Floats:
        """The density at the centres of the cells, shape (time, x) or (time, x, y)."""
        return np.asarray(self.mass / self.grid.volume)


def default_cells(dynamics: Dynamics) -> int:
    """Return how many cells there are along each axis unless told otherwise."""
    if not dynamics.stable:
        return CELLS[dynamics.dimension]
    dense = dynamics.beta < 1 or not dynamics.constant
    return DENSE_CELLS if dense else STABLE_CELLS[dynamics.dimension]


def density(
    dynamics: Dynamics,
    start: Start,
    times: Floats,
    domain: Domain | None = None,
    cells: int | None = None,
) -> Density:
    """Solve the Fokker-Planck equation.

    Parameters
    ----------
    dynamics : Dynamics
    start : Start
    times : ndarray
        Rising, from 0 on.
    domain : list of (float, float), optional
        The box; by default `find_domain` finds it.
    cells : int, optional
        Along each axis, an even number; by default `default_cells`, in one dimension twice as many, and
        again up to `MOST_CELLS`, while the error is not small.

    Raises
    ------
    RequestError
        If the equation has no form here that is solved.

    Examples
    --------
    >>> bowl = Dynamics(1, lambda x: x[:, 0] ** 2 / 2, lambda x: x, np.array([[0.2]]))
    >>> found = density(bowl, Start(np.array([[1.0]]), np.array([0.0])), np.array([0.5, 8.0]))
    >>> x = found.grid.centres[0]
    >>> (found.mass @ x).round(2).tolist(), (found.mass[-1] @ x**2).round(3).tolist()
    ([0.61, 0.0], 0.1)
    """
    if dynamics.stable and dynamics.beta < 1 and dynamics.dimension > 1:
        raise RequestError("stable noise in fractional time is solved for in one dimension only")
    try:
        return _density(dynamics, start, times, domain, cells)
    except (RuntimeError, ArithmeticError, np.linalg.LinAlgError) as error:  # of the factorisations
        raise RequestError(f"the equation cannot be solved on its grid ({error}): {GIVE_A_BOX}") from error


def _density(
    dynamics: Dynamics, start: Start, times: Floats, domain: Domain | None, cells: int | None
) -> Density:
    domain = find_domain(dynamics, start, times) if domain is None else domain
    asked = cells
    most = cells = default_cells(dynamics) if cells is None else cells + cells % 2
    if asked is None and not dynamics.stable:
        most = MOST_CELLS[dynamics.dimension]
    steps = FRACTIONAL_STEPS[dynamics.dimension]
    grid = Grid.over(domain, [cells] * dynamics.dimension)
    half = Grid(tuple(edge[::2] for edge in grid.edges))
    rough = _masses(dynamics, half, start, times, 4 * LARGEST_DIFFERENCE, steps // 2)
    while True:
        mass = _masses(dynamics, grid, start, times, LARGEST_DIFFERENCE, steps)
        error = _difference(mass, grid, rough, half) / 3
        if error[-1] <= SMALL_ERROR or 2 * grid.shape[0] > most:
            break
        rough, half, grid = mass, grid, _halved(grid)
    return Density(
        times=times,
        edges=dict(zip("xy", grid.edges, strict=False)),
        mass=mass.reshape(len(times), *grid.shape),
        error=error,
        edge=_edge_mass(mass, grid),
        outward=mass @ outward_rates(dynamics, grid),
    )


def _halved(grid: Grid) -> Grid:
    """Return the grid with every cell halved along each axis."""
    return Grid(tuple(np.linspace(edge[0], edge[-1], 2 * len(edge) - 1) for edge in grid.edges))


def _masses(
    dynamics: Dynamics, grid: Grid, start: Start, times: Floats, tolerance: float, fractional_steps: int
) -> Floats:
    begin = start_masses(grid, start.origins, start.spread)
    if dynamics.beta < 1:
        matrix = full_generator(dynamics, grid)
        return evolve_fractional(matrix, begin, times, dynamics.beta, dynamics.clock_scale, fractional_steps)
    return evolve(_step(dynamics, grid), begin, times, tolerance)


def _step(dynamics: Dynamics, grid: Grid) -> Callable[[Floats, float], Floats]:
    if not dynamics.stable or not dynamics.constant:
        return ImplicitEuler(full_generator(dynamics, grid))
    variances = np.diag(dynamics.covariances(grid.points[:1])[0]) / 2
    near = neighbour_rates(dynamics.alpha, grid, by_component=dynamics.by_component, shares=variances)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.where(variances > 0, near / variances ** (dynamics.alpha / 2), 0.0)
    jumps = FarJumps(dynamics.alpha, grid, variances, by_component=dynamics.by_component)
    return SplitStep(generator(dynamics, grid, unit), jumps)


def full_generator(dynamics: Dynamics, grid: Grid) -> Any:
    """Return the generator: sparse for normal noise, dense for stable noise in one dimension."""
    if not dynamics.stable:
        return generator(dynamics, grid)
    near = neighbour_rates(dynamics.alpha, grid, by_component=True, shares=np.ones(1))
    far = far_jumps_matrix(dynamics.alpha, grid.size, float(grid.spacing[0]))
    return generator(dynamics, grid, near).toarray() + far * _scales(dynamics, grid)


def _scales(dynamics: Dynamics, grid: Grid) -> Floats:
    """Return the stable scale to the power alpha in every cell."""
    variances = dynamics.covariances(grid.points)[:, 0, 0]
    return np.asarray((variances / 2) ** (dynamics.alpha / 2))


def outward_rates(dynamics: Dynamics, grid: Grid) -> Floats:
    """Return the rate of jumps out of the box from every cell, in two dimensions as of independent axes."""
    if not dynamics.stable:
        return np.zeros(grid.size)
    variances = dynamics.covariances(grid.points)
    total = np.zeros(grid.shape)
    for axis, (count, step) in enumerate(zip(grid.shape, grid.spacing, strict=True)):
        rates = rates_out(dynamics.alpha, count, float(step))
        scale = (variances[:, axis, axis] / 2) ** (dynamics.alpha / 2)
        along = rates if grid.dimension == 1 else np.expand_dims(rates, 1 - axis)
        total += scale.reshape(grid.shape) * along
    return total.ravel()


def _edge_mass(mass: Floats, grid: Grid) -> Floats:
    shaped = mass.reshape(-1, *grid.shape)
    inside = shaped[(slice(None), *[slice(1, -1)] * grid.dimension)]
    return np.asarray(mass.sum(axis=1) - inside.reshape(len(mass), -1).sum(axis=1))


def _difference(mass: Floats, grid: Grid, rough: Floats, half: Grid) -> Floats:
    """Return half the sum of differences, in the cells of the rougher grid."""
    summed = mass.reshape(-1, *grid.shape)
    for axis, count in enumerate(half.shape):
        shape = (*summed.shape[: axis + 1], count, 2, *summed.shape[axis + 2 :])
        summed = summed.reshape(shape).sum(axis=axis + 2)
    return np.asarray(np.abs(summed.reshape(len(mass), -1) - rough).sum(axis=1) / 2)


def find_domain(dynamics: Dynamics, start: Start, times: Floats) -> Domain:
    """Find a box that holds the density at all times, with few cells.

    An edge moves out, each time to twice its distance from the start, while there is mass at it; then the
    box shrinks to where there is mass. What runs away for ever ends at an edge after `DOUBLINGS` steps.
    """
    middle = start.origins.mean(axis=0)
    reach = np.abs(start.origins - middle).max(axis=0)
    variance = np.diagonal(dynamics.covariances(start.origins), axis1=1, axis2=2).max(axis=0)
    size = np.maximum(4 * np.hypot(start.spread, np.sqrt(variance * min(1.0, times[-1]))), 1e-3) + 1.5 * reach
    box = np.stack([middle - size, middle + size], axis=1)
    looked = times[np.unique(np.linspace(0, len(times) - 1, 6).astype(int))]
    dense = dynamics.stable and (dynamics.beta < 1 or not dynamics.constant)
    for cells in (DENSE_COARSE,) if dense else COARSE[dynamics.dimension]:
        wide, grid, mass, grown = _grown(dynamics, box, start, looked, cells)
        if grown < MANY:
            break
    box = wide
    for _ in range(0 if dynamics.stable else DOUBLINGS):
        smaller = _trimmed(grid, mass)
        shrunk = np.diff(smaller, axis=1) / np.diff(box, axis=1)
        box = smaller
        if shrunk.min() > 0.6:
            break
        grid, mass = _coarse(dynamics, box, start, looked, cells)
    return [(float(low), float(high)) for low, high in box]


def _grown(
    dynamics: Dynamics, box: Floats, start: Start, times: Floats, cells: int
) -> tuple[Floats, Grid, Floats, int]:
    """Let a box grow until nothing is at its edges; return how often it did, too."""
    middle, grown = start.origins.mean(axis=0)[:, None], 0
    while True:
        grid, mass = _coarse(dynamics, box, start, times, cells)
        crowded = _crowded(dynamics, grid, mass)
        if grown == DOUBLINGS or not crowded.any():
            return box, grid, mass, grown
        box = np.where(crowded, middle + 2 * (box - middle), box)
        grown += 1


def _crowded(dynamics: Dynamics, grid: Grid, mass: Floats) -> NDArray[np.bool_]:
    """Whether there is mass at each edge, shape (d, 2)."""
    if not dynamics.stable:
        return np.asarray(grid.at_edges(mass).max(axis=0) > EDGE)
    found = []
    for axis, count in enumerate(grid.shape):
        along, tenth = grid.marginal(mass, axis), max(1, count // 10)
        found.append([along[:, :tenth].sum(axis=1).max(), along[:, -tenth:].sum(axis=1).max()])
    return np.array(found) > STABLE_EDGE[grid.dimension]


def _coarse(dynamics: Dynamics, box: Floats, start: Start, times: Floats, cells: int) -> tuple[Grid, Floats]:
    grid = Grid.over([(low, high) for low, high in box.tolist()], [cells] * len(box))
    with np.errstate(over="ignore", invalid="ignore"):
        mass = _masses(dynamics, grid, start, times, 4 * LARGEST_DIFFERENCE, 24)
    if not np.all(np.isfinite(mass)):
        raise RequestError(f"the landscape is not finite where the density goes: {GIVE_A_BOX}")
    return grid, mass


def _trimmed(grid: Grid, mass: Floats) -> Floats:
    """Return the box of the cells with mass at any time, and two cells more on each side."""
    box = []
    for axis, edges in enumerate(grid.edges):
        full = np.flatnonzero(grid.marginal(mass, axis).max(axis=0) > EMPTY[grid.dimension])
        box.append((edges[max(0, full[0] - 2)], edges[min(len(edges) - 1, full[-1] + 3)]))
    return np.array(box)
