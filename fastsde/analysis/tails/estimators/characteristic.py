r"""The stable index by the characteristic function: slope of ln(-2 ln|phi(u)|) against ln u."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats
from fastsde.analysis.tails.registry import TailEstimator, register
from fastsde.analysis.tails.tail_estimate import SMALLEST_SAMPLE, UNKNOWN, TailEstimate, around, projection

POINTS = 0.1 * np.arange(2, 11)
"""Where the characteristic function is read, in units of one over half the interquartile range."""


def estimate(values: ArrayLike, level: float = CONFIDENCE, design: float = 1.0) -> TailEstimate:
    """Index alpha of a symmetric stable law, assuming that the law is stable.

    The slope of ln(-2 ln|phi(u)|) on ln u for u between 0.2 and 1 over half the interquartile range
    (Koutrouvelis 1980, without iteration). A law that is not stable also yields a number, between 1 and 2:
    read it only next to the index of sums (`fastsde.analysis.tails.stability`), which a stable law leaves
    as it is.

    Parameters
    ----------
    values : array_like, shape (n,)
        Independent values.
    level : float
        Coverage of the interval.
    design : float
        Factor by which dependence inflates the variance.

    Returns
    -------
    TailEstimate
        The standard error is that of the slope's influence function. NaN for fewer than 100 values, a zero
        interquartile range, or a characteristic function that vanishes within the points.

    Notes
    -----
    Koutrouvelis (1980), Journal of the American Statistical Association 75, 918.

    Examples
    --------
    >>> tail = estimate(np.random.default_rng(1).standard_cauchy(20_000))
    >>> tail.low < 1.0 < tail.high
    True
    """
    x = projection(values)
    if x.size < SMALLEST_SAMPLE:
        return UNKNOWN
    lower, middle, upper = np.quantile(x, (0.25, 0.5, 0.75))
    if not upper > lower:
        return UNKNOWN
    index, influence = 0.0, np.zeros(x.size)
    tenth = np.exp((0.2j / (upper - lower)) * (x - middle))
    wave = tenth.copy()
    for weight in _slope_weights(np.log(POINTS)):
        wave *= tenth
        mean = complex(wave.mean())
        size = abs(mean)
        if not 0 < size < 1:
            return UNKNOWN
        index += weight * math.log(-2 * math.log(size))
        along = (mean.real * wave.real + mean.imag * wave.imag) / size - size
        influence += weight / (size * math.log(size)) * along
    error = math.sqrt(design * float(np.mean(influence**2)) / x.size)
    return around(float(index), error, x.size, level)


def _slope_weights(abscissa: Floats) -> Floats:
    """Weights of the ordinates in the slope of a least-squares line."""
    centred = abscissa - abscissa.mean()
    return np.asarray(centred / np.sum(centred**2), dtype=np.float64)


CHARACTERISTIC = register(
    TailEstimator(
        name="characteristic",
        label="characteristic fn",
        estimate=estimate,
        estimates="stable index",
        consistent="symmetric stable laws",
        standard_error="that of the influence function of the slope",
        source="Koutrouvelis (1980)",
        assumes_stable=True,
        of_bulk=True,
        compared=True,
        order=70,
    )
)
