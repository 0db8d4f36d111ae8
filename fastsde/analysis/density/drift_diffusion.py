"""Finite volumes for ``d_t p = -div(b p) + 1/2 sum_ij d_i d_j (C_ij p)``: a generator between cells.

The generator is that of a Markov chain on the cells: no rate between two cells is negative and mass is
conserved, whatever the size of the cells, so that implicit steps keep densities positive. The walls of the
box reflect. The scheme is of second order in the size of a cell.

Where C is diagonal, fluxes through a face are exponentially fitted (Scharfetter and Gummel 1969; Chang and
Cooper 1970). With ``D = C / 2`` the flux from cell i to its neighbour j along an axis is

    J = D_f / h^2 (B(-z) p_i - B(z) p_j),   B(z) = z / (e^z - 1),
    z = int_i^j b / D dx - (1 - a) ln(D_j / D_i),

a = 0, 1/2, 1 in the sense of Ito, Stratonovich, anti-Ito. It vanishes on ``p_j = e^z p_i``: the stationary
law of one dimension is exact but for the quadrature of z, and that of a gradient drift under constant C is
the Gibbs law at the centres of the cells. Where C has entries off the diagonal, it is decomposed at every
cell into ``sum_k w_k e_k e_k^T``, the e_k whole numbers of cells (Selling's reduction; Bonnans, Ottenwaelter
and Zidani 2004; Fehrenbach and Mirebeau 2014), and a cell sends ``w_k B(-+ e_k . D^-1 b)`` along ``+-e_k``.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix

from fastsde.analysis.density.dynamics import Dynamics
from fastsde.analysis.density.grid import Grid
from fastsde.analysis.protocols import Floats, Integers

__all__ = ["assembled", "fitted_rates", "generator", "selling"]

VANISHING = 1e-10
"""Diffusion below this share of that beside it counts as none: velocity decides there, not force."""
FLATTEST = 1e-3
"""Least ratio of the eigenvalues of a covariance with entries off the diagonal; below it is raised."""


def fitted_rates(weight: Floats, velocity: Floats) -> tuple[Floats, Floats]:
    """Return the rates ``weight B(-+ velocity / weight)`` of both directions, B(z) = z / (e^z - 1).

    Their difference is the velocity, in cells per unit time; the weight is ``D / h^2``. Without diffusion
    all goes downstream.

    Examples
    --------
    >>> along, against = fitted_rates(np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 3.0]))
    >>> along.round(4).tolist(), against.round(4).tolist()
    ([1.0, 1.582, 3.0], [1.0, 0.582, 0.0])
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.abs(velocity) / weight
        against = np.where(ratio < 1e-9, weight - np.abs(velocity) / 2, np.abs(velocity) / np.expm1(ratio))
    against = np.where(weight > 0, against, 0.0)
    along = against + np.abs(velocity)
    forward = velocity > 0
    return np.where(forward, along, against), np.where(forward, against, along)


def assembled(size: int, source: Integers, target: Integers, rate: Floats) -> csc_matrix:
    """Return the generator of jumps from `source` to `target` cells; its columns sum to 0."""
    rows = np.concatenate([target, source])
    columns = np.concatenate([source, source])
    return coo_matrix((np.concatenate([rate, -rate]), (rows, columns)), shape=(size, size)).tocsc()


def generator(dynamics: Dynamics, grid: Grid, extra: Floats | None = None) -> csc_matrix:
    """Return the generator A, ``d_t mass = A mass``, of drift and Gaussian noise.

    Parameters
    ----------
    dynamics : Dynamics
        If it is stable, its covariance is not used: only drift, with the diffusion `extra`.
    grid : Grid
    extra : ndarray, shape (d,), optional
        In place of the covariance for stable noise, the rates between neighbours along each axis per unit of
        ``(B B^T / 2)^(alpha/2)``.
    """
    if not dynamics.stable and not _diagonal(dynamics, grid):
        return _tensor_generator(dynamics, grid)
    numbers = np.arange(grid.size).reshape(grid.shape)
    parts = []
    for axis in range(grid.dimension):
        before, after = _neighbours(numbers, axis)
        weight, velocity = _face_numbers(dynamics, grid, axis, extra)
        forward, backward = fitted_rates(weight, velocity)
        parts += [(before, after, forward), (after, before, backward)]
    source, target, rate = (np.concatenate(one) for one in zip(*parts, strict=True))
    return assembled(grid.size, source, target, rate)


def _diagonal(dynamics: Dynamics, grid: Grid) -> bool:
    if dynamics.dimension == 1:
        return True
    found = dynamics.covariances(grid.points)
    return bool(np.abs(found[:, 0, 1]).max() <= 1e-12 * np.abs(found).max())


def _neighbours(numbers: Integers, axis: int) -> tuple[Integers, Integers]:
    first = np.take(numbers, range(numbers.shape[axis] - 1), axis=axis)
    second = np.take(numbers, range(1, numbers.shape[axis]), axis=axis)
    return first.ravel(), second.ravel()


def _face_numbers(dynamics: Dynamics, grid: Grid, axis: int, extra: Floats | None) -> tuple[Floats, Floats]:
    """Return ``D / h^2`` and the velocity in cells per unit time that is fitted, at the faces of an axis."""
    step = grid.spacing[axis]
    axes = list(grid.centres)
    axes[axis] = grid.edges[axis][1:-1]
    faces = grid.product(tuple(axes))
    before, after = _neighbours(np.arange(grid.size).reshape(grid.shape), axis)

    def weights(points: Floats) -> Floats:
        variance = dynamics.covariances(points)[:, axis, axis]
        if extra is None:
            return np.asarray(variance / (2 * step**2))
        return np.asarray((variance / 2) ** (dynamics.alpha / 2) * extra[axis])

    middle = weights(faces)
    if dynamics.constant:
        return middle, _gradient_velocity(dynamics, grid, axis, middle)
    inside = weights(grid.points)
    drift = dynamics.drift(grid.points)[:, axis] / step
    at_face = dynamics.drift(faces)[:, axis] / step
    low, high = inside[before], inside[after]
    share = 1.0 - dynamics.sense
    with np.errstate(divide="ignore", invalid="ignore"):
        force = (drift[before] / low + 4 * at_face / middle + drift[after] / high) / 6
        fitted = middle * (force - share * np.log(high / low))
    least, most = np.minimum(np.minimum(low, high), middle), np.maximum(np.maximum(low, high), middle)
    plain = at_face - share * (high - low)
    return middle, np.where(least > VANISHING * most, fitted, plain)


def _gradient_velocity(dynamics: Dynamics, grid: Grid, axis: int, weight: Floats) -> Floats:
    """Return the velocity under constant noise: differences of the potential, and of the stream function.

    Rotation is taken from the potential at the corners of the cells, so that it has no divergence.
    """
    step = grid.spacing[axis]
    potential = dynamics.potential(grid.points).reshape(grid.shape)
    velocity = -np.diff(potential, axis=axis).ravel() / step**2
    if dynamics.rotation is not None:
        other = 1 - axis
        axes = [grid.edges[0], grid.edges[1]]
        axes[axis] = grid.edges[axis][1:-1]
        shape = (len(axes[0]), len(axes[1]))
        corners = dynamics.potential(grid.product((axes[0], axes[1]))).reshape(shape)
        slope = np.diff(corners, axis=other).ravel() / grid.spacing[other]
        velocity = velocity - dynamics.rotation[axis, other] * slope / step
    if dynamics.correction is not None:
        axes = list(grid.centres)
        axes[axis] = grid.edges[axis][1:-1]
        velocity = velocity + dynamics.correction(grid.product(tuple(axes)))[:, axis] / step
    return np.asarray(velocity)


def _tensor_generator(dynamics: Dynamics, grid: Grid) -> csc_matrix:
    """Return the generator where the covariance has entries off the diagonal."""
    points = grid.points
    diffusion = dynamics.covariances(points) / 2 / np.multiply.outer(grid.spacing, grid.spacing)
    diffusion = _raised(diffusion)
    drift = dynamics.drift(points) / grid.spacing
    force = np.linalg.solve(diffusion, drift[..., None])[..., 0]
    weights, offsets = selling(diffusion)
    place = np.stack(np.unravel_index(np.arange(grid.size), grid.shape), axis=1)
    source, target, rate = [], [], []
    for k in range(3):
        velocity = weights[:, k] * np.sum(force * offsets[:, k], axis=1)
        for sign, rates in zip((1, -1), fitted_rates(weights[:, k], velocity), strict=True):
            there = place + sign * offsets[:, k]
            inside = np.all((there >= 0) & (there < grid.shape), axis=1) & (rates > 0)
            source.append(np.flatnonzero(inside))
            target.append(np.ravel_multi_index(tuple(there[inside].T), grid.shape))
            rate.append(rates[inside])
    return assembled(grid.size, np.concatenate(source), np.concatenate(target), np.concatenate(rate))


def _raised(diffusion: Floats) -> Floats:
    """Return matrices, in cells, whose smaller eigenvalue is at least `FLATTEST` times the larger."""
    values, vectors = np.linalg.eigh(diffusion)
    values[:, 0] = np.maximum(values[:, 0], FLATTEST * values[:, 1])
    values = np.maximum(values, 1e-300)
    return np.asarray((vectors * values[:, None, :]) @ np.swapaxes(vectors, 1, 2))


def selling(matrices: Floats) -> tuple[Floats, Integers]:
    """Decompose positive definite matrices into ``sum_k w_k e_k e_k^T``, three offsets e_k of whole numbers.

    Parameters
    ----------
    matrices : ndarray, shape (n, 2, 2)

    Returns
    -------
    weights : ndarray, shape (n, 3)
        Not negative.
    offsets : ndarray of int, shape (n, 3, 2)

    Examples
    --------
    >>> matrix = np.array([[[2.0, 1.5], [1.5, 1.25]]])
    >>> weights, offsets = selling(matrix)
    >>> np.einsum("nk,nki,nkj->nij", weights, offsets, offsets).tolist(), bool(weights.min() >= 0)
    ([[[2.0, 1.5], [1.5, 1.25]]], True)
    """
    count = len(matrices)
    base = np.tile(np.array([[1, 0], [0, 1], [-1, -1]]), (count, 1, 1))
    for _ in range(200):
        products = np.einsum("nki,nij,nlj->nkl", base, matrices, base)
        pairs = products[:, (0, 1, 2), (1, 2, 0)]
        size = np.trace(products, axis1=1, axis2=2)[:, None]
        acute = pairs > 1e-12 * size
        todo = np.flatnonzero(acute.any(axis=1))
        if not len(todo):
            break
        first = np.argmax(pairs[todo], axis=1)
        one, other = base[todo, first], base[todo, (first + 1) % 3]
        base[todo, first], base[todo, (first + 1) % 3] = -one, other
        base[todo, (first + 2) % 3] = one - other
    weights = np.maximum(-pairs, 0.0)
    third = base[:, (2, 0, 1)]
    offsets = np.stack([-third[..., 1], third[..., 0]], axis=-1)
    return weights, offsets
