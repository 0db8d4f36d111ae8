r"""Energy distance: 2 E|X-Y|^q - E|X-X'|^q - E|Y-Y'|^q, unbiased; in one dimension in n log n.

Known answers: between points at distance r, 2 r^q; between N(0, 1) and N(m, 1) in one dimension, for q = 1,
2 m (2 Phi(m / sqrt 2) - 1) - 4 (1 - exp(-m^2 / 4)) / sqrt(pi), Phi being the normal distribution function.
"""

from __future__ import annotations

import numpy as np

from fastsde.analysis.distances import kernel_two_sample
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats


def energy_distance(x: Floats, y: Floats, exponent: float = 1.0) -> float:
    """Unbiased estimate of the energy distance of two samples.

    Parameters
    ----------
    x, y : ndarray, shapes (n, d) and (m, d)
        The samples, at least two points each.
    exponent : float
        q, above 0 and below 2. The distance exists where the law has a moment of order q.

    Returns
    -------
    float
        In units of the coordinates to the power q; zero only between equal laws; negative values are sampling
        noise around zero.

    Notes
    -----
    Szekely and Rizzo (2013), J. Stat. Plann. Inference 143, 1249. For q = 1 in one dimension it is twice the
    integral of the squared difference of the distribution functions (Cramer's distance).

    Examples
    --------
    >>> x = np.zeros((4, 2))
    >>> energy_distance(x, x + [3.0, 4.0])
    10.0
    """
    labels = np.arange(len(x) + len(y)) < len(x)
    return float(relabelled(np.concatenate([x, y]), labels[None], exponent)[0])


def relabelled(pooled: Floats, labels: Bools, exponent: float = 1.0) -> Floats:
    """Energy distance of the two parts of a pooled sample under many labellings.

    Parameters
    ----------
    pooled : ndarray, shape (n, d)
        Both samples.
    labels : ndarray of bool, shape (labelling, n)
        True for the first sample; every row holds as many of them.
    exponent : float
        q, above 0 and below 2.

    Returns
    -------
    ndarray, shape (labelling,)

    Raises
    ------
    ValueError
        If q is not between 0 and 2, where the distance would no longer distinguish laws.
    """
    if not 0 < exponent < 2:
        raise ValueError(f"the exponent of the energy distance must lie between 0 and 2, got {exponent}")
    if pooled.shape[1] == 1 and exponent == 1:
        return _one_dimension(pooled[:, 0], labels)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(kernel_two_sample.relabelled(pooled, labels, [distance_kernel(exponent)])[0])


def distance_kernel(exponent: float) -> kernel_two_sample.Kernel:
    """Return -|x-y|^q as a function of the squared distance; its statistic is the energy distance."""
    if exponent == 1:
        return lambda squares: -np.sqrt(squares)
    return lambda squares: -(squares ** (exponent / 2))


def _one_dimension(pooled: Floats, labels: Bools) -> Floats:
    """Take sums of |x_i - x_j| from ranks: sum over i < j of |x_i - x_j| = sum (2 r_i - n - 1) x_(i)."""
    order = np.argsort(pooled, kind="stable")
    middle = pooled[order] - pooled.mean()
    first = labels[:, order]
    n, m = int(first[0].sum()), int((~first[0]).sum())
    all_pairs = (2 * np.arange(1, n + m + 1) - n - m - 1) @ middle
    own = _pairs(first, n) @ middle
    other = _pairs(~first, m) @ middle
    cross = all_pairs - own - other
    return np.asarray(2 * cross / (n * m) - 2 * own / (n * (n - 1)) - 2 * other / (m * (m - 1)))


def _pairs(chosen: Bools, count: int) -> Floats:
    """Weights 2 r - n - 1 of the chosen in their own order, zero for the others."""
    return np.asarray(np.where(chosen, 2 * np.cumsum(chosen, axis=1) - count - 1, 0), dtype=np.float64)


ENERGY = register(
    Distance(
        name="energy",
        label="energy distance",
        units="(share or decade)^q",
        relabelled=lambda pooled, labels, frame: relabelled(pooled, labels, frame.settings.energy_exponent),
        moments=lambda settings: settings.energy_exponent,
        limit=lambda settings: settings.kernel_limit,
        every_snapshot=True,
        all_pairs=True,
        unbiased=True,
        detects="every difference of two laws",
        exists="moments of order `energy_exponent` (1) exist",
        equation="2 E‖x-y‖^q - E‖x-x'‖^q - E‖y-y'‖^q",
        source="Szekely and Rizzo (2013)",
        order=40,
    )
)
