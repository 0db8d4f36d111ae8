r"""Squared Wasserstein-2 distance of the Gaussians fitted to two samples, debiased.

Known answers: |m|^2 for a shift by m; |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^{1/2} S2 S1^{1/2})^{1/2}) for two
Gaussian laws.
"""

from __future__ import annotations

import numpy as np

from fastsde.analysis.distances.gaussian import bures, fitted
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats


def squared_wasserstein(x: Floats, y: Floats, seed: int = 0) -> float:
    """Squared Wasserstein-2 distance of the Gaussians fitted to two samples, debiased by half samples.

    2 B(x, y) - (B(x', y') + B(x'', y'')) / 2, where x', x'' are random halves of x, and so for y

    Parameters
    ----------
    x, y : ndarray, shapes (n, d) and (m, d)
        The samples, at least eight points each.
    seed : int
        Seed of the halves.

    Returns
    -------
    float
        In squared units of the coordinates. B alone is too large by about 2d/n + d(d+1)/(2n) (unit
        covariance); half samples have twice that, so what remains is of second order, under the null and
        off it. Negative values are sampling noise around zero. It does not exist where the variance does not.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(500, 3))
    >>> 0.9 < squared_wasserstein(x, x[::-1] + [1.0, 0.0, 0.0]) < 1.1
    True
    """
    labels = np.arange(len(x) + len(y)) < len(x)
    return float(relabelled(np.concatenate([x, y]), labels[None], seed)[0])


def relabelled(pooled: Floats, labels: Bools, seed: int = 0) -> Floats:
    """`squared_wasserstein` of the two parts of a pooled sample under many labellings, shape (labelling,).

    The halves are one random half of the pooled sample within each part, so that all labellings, the
    observed one among them, are exchangeable under the null.
    """
    half = np.zeros(len(pooled), dtype=np.bool_)
    generator = np.random.Generator(np.random.Philox(seed))
    half[generator.permutation(len(pooled))[: len(pooled) // 2]] = True
    whole = bures(fitted(pooled, labels), fitted(pooled, ~labels))
    parts = [bures(fitted(pooled, labels & part), fitted(pooled, ~labels & part)) for part in (half, ~half)]
    return np.asarray(2 * whole - (parts[0] + parts[1]) / 2)


GAUSSIAN_W2 = register(
    Distance(
        name="gaussian_w2",
        label="W2² of Gaussian fits",
        units="(share or decade)²",
        relabelled=lambda pooled, labels, frame: relabelled(pooled, labels, frame.settings.seed),
        moments=2.0,
        limit=lambda settings: settings.sliced_limit,
        unbiased=True,
        detects="differences of mean and covariance",
        exists="the variance exists",
        equation="‖m1-m2‖² + tr(S1 + S2 - 2 (S1^½ S2 S1^½)^½)",
        source="Dowson and Landau (1982)",
        order=80,
    )
)
