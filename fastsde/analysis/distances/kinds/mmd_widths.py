r"""Largest squared MMD over several bandwidths, each in units of its null quantile.

Known answers: at most 1 where no bandwidth is significant at 5 %, above 1 where one is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastsde.analysis.distances import kernel_two_sample
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.kernel_two_sample import gaussian_kernel, with_diverged
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.levels import NULL_QUANTILE
from fastsde.analysis.protocols import Bools, Floats

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Bandwidths, in units of the median one."""


def relabelled(pooled: Floats, labels: Bools, bandwidths: Sequence[float]) -> Floats:
    """Unbiased squared MMD at several bandwidths under many labellings, shape (bandwidth, labelling)."""
    return kernel_two_sample.relabelled(pooled, labels, [gaussian_kernel(width) for width in bandwidths])


def aggregated(values: Floats) -> Floats:
    """Largest squared MMD over bandwidths, each in units of its null quantile.

    Parameters
    ----------
    values : ndarray, shape (bandwidth, labelling)
        From `relabelled`, at least two labellings.

    Returns
    -------
    ndarray, shape (labelling,)
        max over bandwidths of MMD^2 / q95, where q95 is the 95 % quantile over all labellings, the observed
        one among them: the labellings stay exchangeable, so a permutation test of the maximum is exact.

    Notes
    -----
    As Schrab, Kim, Albert, Laurent, Guedj and Gretton (2023), JMLR 24, 194, with scaled statistics instead
    of adjusted levels.

    Examples
    --------
    >>> aggregated(np.array([[4.0, 1.0, 0.0], [9.0, 0.0, 3.0]])).argmax()
    np.int64(0)
    """
    scale = np.quantile(values, NULL_QUANTILE, axis=1, keepdims=True)
    return np.asarray(np.max(values / np.where(scale > 0, scale, 1.0), axis=0))


def _relabelled(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    states = with_diverged(pooled, max(FACTORS) * frame.bandwidth)
    return aggregated(relabelled(states, labels, [factor * frame.bandwidth for factor in FACTORS]))


MMD_WIDTHS = register(
    Distance(
        name="mmd_widths",
        label="MMD², several bandwidths",
        units="null quantiles",
        relabelled=_relabelled,
        limit=lambda settings: settings.pair_limit,
        diverged=True,
        unbiased=True,
        detects="as MMD², at the best of five bandwidths",
        equation="max over bandwidths of MMD² / its null quantile",
        source="Schrab et al. (2023)",
        order=30,
    )
)
