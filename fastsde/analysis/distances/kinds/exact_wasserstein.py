r"""Exact Wasserstein-2: W^2 = min over permutations of the mean squared distance of partners.

Known answers: |m| for a shift by m; the root of `fastsde.analysis.distances.gaussian.bures` for Gaussian
laws, approached from above as the samples grow.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from fastsde.analysis.distances.kernel_two_sample import squared_distances
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats


def exact_wasserstein(x: Floats, y: Floats) -> float:
    """Wasserstein-2 distance of two samples of equal size, by optimal assignment.

    Parameters
    ----------
    x, y : ndarray, shape (n, d)
        The samples. Time grows as n^3: use subsamples.

    Returns
    -------
    float
        In the unit of the coordinates. Two samples of one law are about n^(-1/d) apart, so that in many
        dimensions sampling noise dominates it: read it beside its null band. It does not exist where the
        variance does not.

    Raises
    ------
    ValueError
        If the sizes differ.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(3, 2)
    >>> exact_wasserstein(x, x[::-1] + [3.0, 4.0])
    5.0
    """
    if x.shape != y.shape:
        raise ValueError(f"the samples must have one shape, got {x.shape} and {y.shape}")
    labels = np.arange(2 * len(x)) < len(x)
    return float(relabelled(np.concatenate([x, y]), labels[None])[0])


def relabelled(pooled: Floats, labels: Bools) -> Floats:
    """Exact Wasserstein-2 distance of the halves of a pooled sample under many labellings, (labelling,)."""
    squares = squared_distances(pooled, pooled)
    return np.sqrt([_cheapest(squares[mark][:, ~mark]) for mark in labels])


def _cheapest(cost: Floats) -> float:
    return float(cost[linear_sum_assignment(cost)].mean())


EXACT_W2 = register(
    Distance(
        name="exact_w2",
        label="W2, exact",
        units="share or decade",
        relabelled=lambda pooled, labels, frame: relabelled(pooled, labels),
        moments=2.0,
        limit=lambda settings: settings.transport_limit,
        detects="differences in the units of the coordinates, dependence included",
        exists="moments of order 2 exist",
        equation="root of min over couplings of E‖x-y‖²",
        source="Villani (2003), 1.1",
        order=90,
    )
)
