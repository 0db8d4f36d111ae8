"""Bootstrap of sample quantiles without resampling: ranks of a bootstrap sample are drawn, not its values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastsde.analysis.protocols import Floats


def resampled_quantiles(
    ordered: Floats, levels: Sequence[float], replicates: int, generator: np.random.Generator
) -> Floats:
    """Quantiles of bootstrap samples, exactly, at the cost of a few numbers a replicate.

    The r-th smallest of n values drawn with replacement from an ordered sample is at place
    floor(n U_(r)) of it, U_(r) being the r-th smallest of n uniform numbers; and jointly for several r the
    spacings of U are gamma variables over their sum.

    Parameters
    ----------
    ordered : ndarray, shape (n,) or (n, column)
        The sample, each column in rising order; the columns are resampled at the same ranks.
    levels : sequence of float, strictly increasing, in (0, 1)
    replicates : int
    generator : numpy.random.Generator

    Returns
    -------
    ndarray, shape (replicate, level) or (replicate, level, column)

    Notes
    -----
    Efron (1979), Annals of Statistics 7, 1, section 3, does it for the median. The quantile of level p is
    the order statistic of rank round(p (n + 1)), within 1..n.

    Examples
    --------
    >>> x = (np.arange(10_000) + 0.5) / 10_000  # uniform: the sd of the median is 1 / (2 sqrt(n)) = 0.005
    >>> medians = resampled_quantiles(x, [0.5], 4000, np.random.default_rng(1))
    >>> round(float(medians.std()), 3)
    0.005
    """
    size = len(ordered)
    rank = np.clip(np.rint(np.asarray(levels) * (size + 1)), 1, size)
    shapes = np.diff(np.concatenate([[0.0], rank, [size + 1.0]]))
    spacings = generator.gamma(np.maximum(shapes, 1e-12), size=(replicates, len(shapes)))
    uniform = np.cumsum(spacings, axis=1)[:, :-1] / spacings.sum(axis=1, keepdims=True)
    return np.asarray(ordered[np.minimum((size * uniform).astype(np.int64), size - 1)])
