"""Jumps of stable noise between cells: fractional powers of the discrete Laplacian.

On a grid of step h the power alpha/2 of minus the discrete Laplacian has the symbol
``(2 sin(k h / 2) / h)^alpha``, which is ``|k|^alpha`` to second order: the fractional centred difference
(Ortigueira 2006; Celik and Duman 2012),

    (-Delta)^(alpha/2) u_i ~ h^-alpha sum_k g_k u_(i-k),
    g_k = (-1)^k Gamma(alpha + 1) / (Gamma(alpha/2 - k + 1) Gamma(alpha/2 + k + 1)).

``g_0 > 0``, all others are negative, and they sum to 0: minus the operator is the generator of jumps between
cells, the walk of the discrete Laplacian on a stable clock. In two dimensions the symbol of an elliptical law
is ``(sum_i s_i (2 sin(k_i h_i / 2) / h_i)^2)^(alpha/2)``, that of independent components the sum over i of
the powers.

Jumps to a neighbour are left to `fastsde.analysis.density.drift_diffusion`, where they stabilise the drift.
Jumps out of the box end in the cell of its edge that is nearest: under a drift that confines, what jumps far
comes back.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import irfftn, next_fast_len, rfftn

from fastsde.analysis.density.grid import Grid
from fastsde.analysis.protocols import Floats

__all__ = ["FarJumps", "centred_differences", "far_jumps_matrix", "neighbour_rates", "rates_out"]

ROOM = 3
"""Periods of the lattice on which jumps are computed, in boxes: jumps beyond them wrap around."""


def centred_differences(alpha: float, count: int) -> Floats:
    """Return the rates ``-g_1, .., -g_count`` of jumps over 1, 2, .. cells to one side, for ``h = 1``.

    Examples
    --------
    >>> centred_differences(2.0, 3).tolist()
    [1.0, 0.0, 0.0]
    >>> rates = centred_differences(1.5, 4000)
    >>> bool(abs(2 * rates.sum() - centred_total(1.5)) < 1e-4)
    True
    """
    from scipy.special import gamma

    first = gamma(alpha + 1) / (gamma(alpha / 2) * gamma(alpha / 2 + 2))
    k = np.arange(1, count)
    ratios = (k - alpha / 2) / (k + 1 + alpha / 2)
    return np.asarray(first * np.concatenate([[1.0], np.cumprod(ratios)]))


def centred_total(alpha: float) -> float:
    """Return ``g_0``, the rate of all jumps for ``h = 1``."""
    from scipy.special import gamma

    return float(gamma(alpha + 1) / gamma(alpha / 2 + 1) ** 2)


def far_jumps_matrix(alpha: float, cells: int, step: float) -> Floats:
    """Return the generator of jumps over two cells or more in one dimension, shape (cells, cells).

    Columns, from a cell, sum to 0. To be multiplied by the stable scale to the power alpha.
    """
    rates = centred_differences(alpha, cells) / step**alpha
    rates[0] = 0.0
    distance = np.abs(np.subtract.outer(np.arange(cells), np.arange(cells)))
    matrix = np.where(distance > 0, rates[np.maximum(distance, 1) - 1], 0.0)
    below = _below(alpha, cells, step)
    matrix[0] += below
    matrix[-1] += below[::-1]
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=0))
    return matrix


def rates_out(alpha: float, cells: int, step: float) -> Floats:
    """Return the rates of jumps from each cell to beyond the edges in one dimension, shape (cells,)."""
    below = _below(alpha, cells, step)
    return below + below[::-1]


def _below(alpha: float, cells: int, step: float) -> Floats:
    """Return the rates of jumps from each cell to beyond the first; those to a neighbour are left out."""
    rates = centred_differences(alpha, cells)
    further = np.maximum(centred_total(alpha) / 2 - np.cumsum(rates), 0.0)  # over more than k + 1 cells, at k
    return np.asarray(further[np.maximum(np.arange(cells) - 1, 0)] / step**alpha)


def neighbour_rates(alpha: float, grid: Grid, *, by_component: bool, shares: Floats) -> Floats:
    """Return the rates of jumps to the next cell along each axis, shape (d,).

    Parameters
    ----------
    shares : ndarray, shape (d,)
        Variances along the axes over that of the unit in which the rates are.
    """
    if grid.dimension == 1 or by_component:
        first = centred_differences(alpha, 1)[0]
        return np.asarray(first * (np.sqrt(shares) / grid.spacing) ** alpha)
    kernel = irfftn(_symbol(alpha, grid, by_component, shares)[0], _lattice(grid))
    return -np.array([kernel[1, 0], kernel[0, 1]])


def _lattice(grid: Grid) -> tuple[int, ...]:
    return tuple(next_fast_len(ROOM * count, real=True) for count in grid.shape)


def _symbol(alpha: float, grid: Grid, by_component: bool, shares: Floats) -> tuple[Floats, list[Floats]]:
    """Return the symbol of all jumps on the lattice, and ``2 - 2 cos`` of the phase along each axis."""
    sizes = _lattice(grid)
    frequencies = [*(np.fft.fftfreq(size) for size in sizes[:-1]), np.fft.rfftfreq(sizes[-1])]
    waves = [4 * np.sin(np.pi * frequency) ** 2 for frequency in frequencies]
    turns = list(np.meshgrid(*waves, indexing="ij"))
    terms = [turn * share / step**2 for turn, share, step in zip(turns, shares, grid.spacing, strict=True)]
    if by_component:
        return np.sum([term ** (alpha / 2) for term in terms], axis=0), turns
    return np.sum(terms, axis=0) ** (alpha / 2), turns


class FarJumps:
    """Jumps over two cells or more, of a scale that is the same everywhere.

    Parameters
    ----------
    alpha : float
    grid : Grid
    variances : ndarray, shape (d,)
        Squares of the stable scale along the axes, over the unit of time.
    by_component : bool
    """

    def __init__(self, alpha: float, grid: Grid, variances: Floats, *, by_component: bool) -> None:
        self._grid, self._sizes = grid, _lattice(grid)
        symbol, turns = _symbol(alpha, grid, by_component, variances)
        near = neighbour_rates(alpha, grid, by_component=by_component, shares=variances)
        self._symbol = np.maximum(symbol - np.tensordot(near, turns, 1), 0.0)

    def after(self, mass: Floats, time: float) -> Floats:
        """Return the masses, shape (cells,), after jumps for a time, exactly on the lattice."""
        shape = self._grid.shape
        room = np.zeros(self._sizes)
        room[tuple(slice(count) for count in shape)] = mass.reshape(shape)
        spread = np.maximum(irfftn(rfftn(room) * np.exp(-time * self._symbol), self._sizes), 0.0)
        for axis, count in enumerate(shape):
            spread = _folded(spread, count, axis)
        return np.asarray(spread.ravel() * (mass.sum() / spread.sum()))


def _folded(values: Floats, count: int, axis: int) -> Floats:
    """Put what is outside the first `count` places of a periodic axis into the nearest of them."""
    values = np.moveaxis(values, axis, 0)
    outside = len(values) - count
    kept = values[:count].copy()
    kept[-1] += values[count : count + outside // 2].sum(axis=0)
    kept[0] += values[count + outside // 2 :].sum(axis=0)
    return np.moveaxis(kept, 0, axis)
