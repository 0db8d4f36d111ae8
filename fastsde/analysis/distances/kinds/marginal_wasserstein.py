r"""Wasserstein-p of the coordinates: (mean over coordinates of W_p^p)^(1/p), p = 1 and 2.

Known answers: a shift of every coordinate by m gives |m|; N(0, s^2) and N(0, r^2) in every coordinate are
|s - r| apart for p = 2, sqrt(2 / pi) |s - r| for p = 1.
"""

from __future__ import annotations

import numpy as np

from fastsde.analysis.distances import wasserstein_1d
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats


def relabelled(pooled: Floats, labels: Bools, power: int) -> Floats:
    """Distance of the two halves of a pooled sample under many labellings.

    Parameters
    ----------
    pooled : ndarray, shape (2n, d)
        Both samples.
    labels : ndarray of bool, shape (labelling, 2n)
        True for the first sample; each row holds n of them.
    power : int
        p, 1 or 2.

    Returns
    -------
    ndarray, shape (labelling,)

    Examples
    --------
    >>> x = np.arange(3.0)[:, None] * np.ones(2)
    >>> labels = np.arange(6)[None] < 3
    >>> relabelled(np.concatenate([x, x + 5.0]), labels, 1).tolist()
    [5.0]
    """
    coordinates = wasserstein_1d.relabelled(pooled, labels, power)
    return np.asarray(np.mean(coordinates**power, axis=1) ** (1 / power))


def _first_order(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    return relabelled(pooled, labels, 1)


def _second_order(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    return relabelled(pooled, labels, 2)


MARGINAL_W1 = register(
    Distance(
        name="marginal_w1",
        label="W1, coordinates",
        units="share or decade",
        relabelled=_first_order,
        moments=1.0,
        limit=lambda settings: settings.sliced_limit,
        detects="differences of the marginal laws, in the units of the coordinates",
        exists="moments of order 1 exist",
        equation="mean over coordinates of W1",
        source="Villani (2003), 2.2",
        order=60,
    )
)

MARGINAL_W2 = register(
    Distance(
        name="marginal_w2",
        label="W2, coordinates",
        units="share or decade",
        relabelled=_second_order,
        moments=2.0,
        limit=lambda settings: settings.sliced_limit,
        detects="as W1, coordinates, with more weight on large differences",
        exists="moments of order 2 exist",
        equation="root mean square over coordinates of W2",
        source="Villani (2003), 2.2",
        order=70,
    )
)
