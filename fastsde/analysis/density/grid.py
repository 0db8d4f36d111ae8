"""A grid of equal cells in one or two dimensions, and masses in its cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from fastsde.analysis.protocols import Floats

__all__ = ["Grid", "start_masses"]


@dataclass(frozen=True)
class Grid:
    """Equal cells of a box.

    Attributes
    ----------
    edges : tuple of ndarray
        Edges of the cells along each axis, rising by equal steps.

    Examples
    --------
    >>> grid = Grid.over([(-1.0, 1.0)], [4])
    >>> grid.centres[0].tolist(), grid.spacing.tolist(), grid.shape
    ([-0.75, -0.25, 0.25, 0.75], [0.5], (4,))
    """

    edges: tuple[Floats, ...]

    @classmethod
    def over(cls, domain: list[tuple[float, float]], cells: list[int]) -> Grid:
        """Divide the box `domain` into so many cells along each axis.

        If 0 is inside an interval, it is an edge: the box is moved by less than a cell, because noise may
        vanish where a coordinate is 0.
        """
        edges = []
        for (low, high), count in zip(domain, cells, strict=True):
            step = (high - low) / count
            first = round(low / step) * step if low < 0 < high else low
            edges.append(np.asarray(first + step * np.arange(count + 1), dtype=np.float64))
        return cls(tuple(edges))

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.edges)

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(len(edge) - 1 for edge in self.edges)

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(np.prod(self.shape))

    @cached_property
    def centres(self) -> tuple[Floats, ...]:
        """Centres along each axis."""
        return tuple((edge[1:] + edge[:-1]) / 2 for edge in self.edges)

    @cached_property
    def spacing(self) -> Floats:
        """Size of a cell along each axis, shape (d,)."""
        return np.array([(edge[-1] - edge[0]) / (len(edge) - 1) for edge in self.edges])

    @property
    def volume(self) -> float:
        """Length or area of a cell."""
        return float(np.prod(self.spacing))

    @cached_property
    def points(self) -> Floats:
        """Centres of all cells, shape (cells, d), the last axis fastest."""
        return self.product(self.centres)

    @staticmethod
    def product(axes: tuple[Floats, ...]) -> Floats:
        """Return all points whose coordinates are in `axes`, shape (points, d)."""
        return np.stack([one.ravel() for one in np.meshgrid(*axes, indexing="ij")], axis=1)

    def marginal(self, mass: Floats, axis: int) -> Floats:
        """Sum masses, shape (..., cells), over the other axes."""
        shaped = mass.reshape(*mass.shape[:-1], *self.shape)
        others = tuple(mass.ndim - 1 + k for k in range(self.dimension) if k != axis)
        return np.asarray(shaped.sum(axis=others))

    def at_edges(self, mass: Floats) -> Floats:
        """Return the masses in the first and last cells along each axis, shape (d, 2)."""
        sides = [self.marginal(mass, axis)[..., [0, -1]] for axis in range(self.dimension)]
        return np.stack(sides, axis=-2)


def start_masses(grid: Grid, origins: Floats, spread: Floats) -> Floats:
    """Return the mass that normal laws of equal weights about `origins` have in every cell, shape (cells,).

    Parameters
    ----------
    grid : Grid
    origins : ndarray, shape (k, d)
    spread : ndarray, shape (d,)
        Standard deviations. A coordinate without spread is shared by the two nearest cells so that its mean
        is kept. What is outside the box is counted in the cells at its edge.

    Examples
    --------
    >>> grid = Grid.over([(0.0, 4.0)], [4])
    >>> start_masses(grid, np.array([[1.75]]), np.array([0.0])).tolist()
    [0.0, 0.75, 0.25, 0.0]
    """
    total = np.zeros(grid.size)
    for origin in origins:
        mass = np.ones(1)
        for axis in range(grid.dimension):
            mass = np.multiply.outer(mass, _along(grid, axis, float(origin[axis]), float(spread[axis])))
        total += mass.ravel() / len(origins)
    return total


def _along(grid: Grid, axis: int, origin: float, spread: float) -> Floats:
    """Return the masses of one normal law along one axis."""
    edges, step = grid.edges[axis], grid.spacing[axis]
    if spread > 0:
        below = ndtr((edges[1:-1] - origin) / spread)
        return np.diff(below, prepend=0.0, append=1.0)
    mass = np.zeros(len(edges) - 1)
    place = float(np.clip((origin - edges[0]) / step - 0.5, 0, len(mass) - 1))
    low = min(int(place), len(mass) - 2)
    mass[low], mass[low + 1] = low + 1 - place, place - low
    return mass
