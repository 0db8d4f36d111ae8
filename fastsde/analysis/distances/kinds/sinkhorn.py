r"""Sinkhorn divergence: OT_e(x,y) - OT_e(x,x)/2 - OT_e(y,y)/2, transport with an entropic penalty, debiased.

OT_e(x,y) = min over plans of <P, |x-y|^2> + e KL(P | uniform).

Known answers: |m|^2 for a shift by m, whatever the penalty; 0 between equal samples.
"""

from __future__ import annotations

import numpy as np

from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.kernel_two_sample import squared_distances
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats

ROUNDS = 100
TOLERANCE = 1e-3
CHECK = 4
"""Rounds between looks at whether the scalings have settled."""

RANGE = 300.0
"""Largest cost in units of the penalty: exp(-300) and its inverse are far from the ends of float64."""


def penalty(sample: Floats, blur: float) -> float:
    """Entropic penalty: ``blur`` times the mean squared distance, or 1/300 of the largest if that is more.

    Parameters
    ----------
    sample : ndarray, shape (n, d)
        Points pooled over both samples.
    blur : float
        Share of the mean; near 0 the divergence is the squared Wasserstein-2 distance, for large values
        the squared difference of the means.

    Examples
    --------
    >>> penalty(np.array([[0.0], [2.0]]), 0.1)
    0.4
    """
    squares = squared_distances(sample, sample)[np.triu_indices(len(sample), 1)]
    largest = float(squares.max(initial=0.0))
    middle = float(np.mean(squares)) if squares.size else 0.0
    return max(blur * middle, largest / RANGE) or 1.0


def sinkhorn_divergence(x: Floats, y: Floats, epsilon: float) -> float:
    """Sinkhorn divergence of two samples with the squared distance as cost.

    Parameters
    ----------
    x, y : ndarray, shape (n, d)
        The samples, of equal size.
    epsilon : float
        Entropic penalty, from `penalty`; the largest squared distance must not exceed 600 of it.

    Returns
    -------
    float
        In squared units of the coordinates, at least zero up to the tolerance, zero only between equal
        samples. The debiasing takes away most of what two samples of one law are apart, not all. It does not
        exist where the variance does not.

    Notes
    -----
    Feydy, Sejourne, Vialard, Amari, Trouve and Peyre (2019), AISTATS, equation 3 with cost |x-y|^2. The dual
    value is correct to second order in the remaining error of the marginals, 0.1 % on average.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> round(sinkhorn_divergence(x, x + [3.0, 4.0], 5.0), 3)
    25.0
    """
    labels = np.arange(len(x) + len(y)) < len(x)
    return float(relabelled(np.concatenate([x, y]), labels[None], epsilon)[0])


def relabelled(pooled: Floats, labels: Bools, epsilon: float) -> Floats:
    """Sinkhorn divergence of the halves of a pooled sample under many labellings.

    All labellings advance together: one round is a few products of the kernel of the pooled sample with the
    scalings of all of them, which are zero outside their half.

    Parameters
    ----------
    pooled : ndarray, shape (2n, d)
        Both samples.
    labels : ndarray of bool, shape (labelling, 2n)
        True for the first sample; each row holds n of them.
    epsilon : float
        Entropic penalty.

    Returns
    -------
    ndarray, shape (labelling,)
    """
    kernel = np.exp(-squared_distances(pooled, pooled) / epsilon)
    first = labels.T.astype(np.float64)
    second = 1.0 - first
    own = _symmetric(kernel, first) + _symmetric(kernel, second)
    return np.asarray(epsilon * (_transport(kernel, first, second) - own / 2))


def _transport(kernel: Floats, first: Floats, second: Floats) -> Floats:
    """Dual value sum a f + sum b g in units of the penalty, for columns of marks.

    Scalings count in units of the uniform weight and are zero outside their half.
    """
    n = first[:, 0].sum()
    u, v = first, second
    for number in range(ROUNDS):
        before = u
        u = n * first / (kernel @ v)
        v = n * second / (kernel @ u)
        if number % CHECK == 0 and _settled(u, before, second):
            break
    return np.asarray((_mean_log(u, second) + _mean_log(v, first)) / n)


def _symmetric(kernel: Floats, marks: Floats) -> Floats:
    """Dual value of a sample with itself; averaged logarithms converge in a few rounds."""
    n = marks[:, 0].sum()
    u, others = marks, 1.0 - marks
    for number in range(ROUNDS):
        before = u
        u = np.sqrt(n * u * marks / (kernel @ u))
        if number % CHECK == 0 and _settled(u, before, others):
            break
    return np.asarray(2 * _mean_log(u, others) / n)


def _settled(now: Floats, before: Floats, others: Floats) -> bool:
    """Whether the mean relative change of the scalings is small in every labelling: the marginals' error."""
    change = np.abs(now / (before + others) - (1.0 - others)).sum(axis=0)
    return bool(change.max() < TOLERANCE * (1.0 - others)[:, 0].sum())


def _mean_log(scaling: Floats, others: Floats) -> Floats:
    return np.asarray(np.log(scaling + others).sum(axis=0))


def _relabelled(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    return relabelled(pooled, labels, penalty(pooled, frame.settings.blur))


SINKHORN = register(
    Distance(
        name="sinkhorn",
        label="Sinkhorn divergence",
        units="(share or decade)²",
        relabelled=_relabelled,
        moments=2.0,
        limit=lambda settings: settings.transport_limit,
        detects="as W2, exact, with less sampling bias",
        exists="moments of order 2 exist",
        equation="OT_e(x,y) - OT_e(x,x)/2 - OT_e(y,y)/2",
        source="Feydy et al. (2019)",
        order=100,
    )
)
