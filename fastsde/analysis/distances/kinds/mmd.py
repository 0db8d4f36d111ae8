r"""Squared maximum mean discrepancy, unbiased, with Gaussian kernels exp(-|x-y|^2 / (2 h^2)).

Known answers: 0 on average between equal laws, 2 between laws that are far apart beside h; between N(0, 1)
and N(m, 1) in one dimension, with one kernel of width h, 2 h (h^2 + 2)^(-1/2) (1 - exp(-m^2 / (2 (h^2 +
2)))).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastsde.analysis.distances import kernel_two_sample
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.kernel_two_sample import Kernel, gaussian_kernel, with_diverged
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats

SCALES = (0.25, 1.0, 4.0)
"""Bandwidths, in units of the median one, of the Gaussian kernels whose mean is the kernel of the MMD."""


def squared_mmd(x: Floats, y: Floats, bandwidth: float) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of two samples.

    mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean k(x_i, y_j)

    Parameters
    ----------
    x, y : ndarray, shapes (n, d) and (m, d)
        The samples, at least two points each.
    bandwidth : float
        Kernel width h, in the unit of the coordinates.

    Returns
    -------
    float
        Dimensionless, between about 0 and 2; negative values are sampling noise around
        zero. It exists for every law, heavy tails included.

    Notes
    -----
    Gretton, Borgwardt, Rasch, Schoelkopf and Smola (2012), JMLR 13, 723, equation 3.

    Examples
    --------
    >>> x = np.zeros((4, 1))
    >>> squared_mmd(x, x + 100.0, bandwidth=1.0)
    2.0
    """
    labels = np.arange(len(x) + len(y)) < len(x)
    return float(relabelled(np.concatenate([x, y]), labels[None], bandwidth)[0])


def relabelled(pooled: Floats, labels: Bools, bandwidth: float, scales: Sequence[float] = (1.0,)) -> Floats:
    """Unbiased squared MMD of the two parts of a pooled sample under many labellings.

    Parameters
    ----------
    pooled : ndarray, shape (n, d)
        Both samples.
    labels : ndarray of bool, shape (labelling, n)
        True for the first sample; every row holds as many of them.
    bandwidth : float
        Kernel width h.
    scales : sequence of float
        The kernel is the mean of Gaussian ones, whose widths are these times h.

    Returns
    -------
    ndarray, shape (labelling,)
    """
    kernels = [gaussian_kernel(scale * bandwidth) for scale in scales]
    mean = kernels[0] if len(kernels) == 1 else _mean_kernel(kernels)
    return np.asarray(kernel_two_sample.relabelled(pooled, labels, [mean])[0])


def _mean_kernel(kernels: Sequence[Kernel]) -> Kernel:
    return lambda squares: np.mean([kernel(squares) for kernel in kernels], axis=0)


def _relabelled(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    return relabelled(with_diverged(pooled, frame.bandwidth), labels, frame.bandwidth, SCALES)


MMD = register(
    Distance(
        name="mmd",
        label="MMD²",
        units="dimensionless",
        relabelled=_relabelled,
        limit=lambda settings: settings.kernel_limit,
        diverged=True,
        unbiased=True,
        detects="every difference of two laws; divergence is a separate state",
        equation="E k(x,x') + E k(y,y') - 2 E k(x,y)",
        source="Gretton et al. (2012)",
        order=10,
    )
)
