"""Is a late-time law a Boltzmann law? Effective temperatures of modes, equipartition, and the shape.

At a minimum of least squares, ``L = c/2 tr(D S D^T)`` with ``D = W - optimum``, the law ``exp(-L/T)`` makes D
Gaussian: the mode ``u_a^T W v_a`` has the mean s_a and the variance ``(T/c) v_a^T S^+ v_a``, independently of
the other modes. For one layer this is the Gibbs law itself. A deeper network without weight decay has none
(the integral of ``exp(-L/T)`` diverges along the orbits that leave W unchanged), but near a minimum where the
Jacobian J of W has full rank the same holds of W: every direction of W at the same temperature. There W moves
by ``-G dL/dW`` with noise of covariance ``2 T G``, ``G = J J^T``, and the stationary variance ``T/c S^+`` is
the same for every G: the network's wandering along the orbits, which changes G, leaves it alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, kstest, norm

from fastsde.analysis import confidence
from fastsde.analysis.confidence import Interval
from fastsde.analysis.protocols import Floats

SIMULATED = 199
"""Samples of the null law of a Kolmogorov-Smirnov distance with fitted parameters."""


@dataclass(frozen=True)
class Temperatures:
    """Effective temperatures of modes, from their variances.

    Attributes
    ----------
    each : Interval
        ``T_a = Var(m_a) / susceptibility_a``, shape (mode,); the interval allows for the sample's kurtosis.
    common : Interval
        Precision-weighted geometric mean.
    equipartition_p : float
        p-value of the hypothesis that all are equal (Wald's test of their logarithms).
    ratio : float
        Largest over smallest.
    """

    each: Interval
    common: Interval
    equipartition_p: float
    ratio: float


def temperatures(values: Floats, susceptibility: Floats) -> Temperatures:
    """Effective temperature of each mode.

    Parameters
    ----------
    values : ndarray, shape (trajectory, mode)
        Finite.
    susceptibility : ndarray, shape (mode,)
        Variance of the mode at temperature 1; NaN for modes to leave out.

    Notes
    -----
    ``Var(log s^2) = (kurtosis - 1) / n`` to first order, for any law with four moments.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(0.0, [2.0, 4.0], (4000, 2))
    >>> fits = temperatures(draws, np.array([2.0, 8.0]))
    >>> fits.each.value.round(1), fits.equipartition_p > 0.01
    (array([2., 2.]), True)
    """
    centred = values - values.mean(axis=0)
    variance = np.sum(centred**2, axis=0) / (len(values) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = variance / susceptibility
        kurtosis = np.mean(centred**4, axis=0) / np.mean(centred**2, axis=0) ** 2
        error = np.sqrt((kurtosis - 1) / len(values))
        logs = np.log(np.where(each > 0, each, np.nan))
        widths = np.exp(confidence.WIDTH * error)
    known = np.isfinite(logs) & np.isfinite(error) & (error > 0)
    interval = Interval(each, each / widths, each * widths)
    if not known.any():
        nothing = confidence.around(math.nan, math.nan)
        return Temperatures(interval, nothing, math.nan, math.nan)
    weight = 1 / error[known] ** 2
    middle = float(np.sum(weight * logs[known]) / np.sum(weight))
    spread = confidence.around(middle, 1 / math.sqrt(float(np.sum(weight))))
    common = Interval(*(np.exp(end) for end in (spread.value, spread.low, spread.high)))
    wald = float(np.sum(weight * (logs[known] - middle) ** 2))
    count = int(known.sum())
    p_value = float(chi2.sf(wald, count - 1)) if count > 1 else math.nan
    return Temperatures(interval, common, p_value, float(each[known].max() / each[known].min()))


@dataclass(frozen=True)
class Fit:
    """Kolmogorov-Smirnov distance from a law, and the p-value of a sample from that law lying so far off."""

    distance: float
    p_value: float


def normal_fit(values: Floats, seed: int) -> Fit:
    """Compare values with a normal law of their own mean and variance (Lilliefors 1967, simulated).

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> bool(normal_fit(random.normal(3, 2, 500), 0).p_value > 0.05)
    True
    >>> bool(normal_fit(random.exponential(size=500), 0).p_value < 0.01)
    True
    """
    random = np.random.Generator(np.random.Philox(seed))
    draws = random.standard_normal((SIMULATED, len(values)))
    null = [_standard_distance(_standardised(row)) for row in draws]
    return _fit(_standard_distance(_standardised(values)), np.array(null))


def scaled_fit(values: Floats, seed: int) -> Fit:
    """Compare values with a normal law of mean 0 whose variance is theirs: one fitted parameter.

    Examples
    --------
    >>> shifted = np.random.default_rng(0).normal(0.3, 1.0, 2000)
    >>> bool(scaled_fit(shifted, 0).p_value < 0.01)
    True
    """
    random = np.random.Generator(np.random.Philox(seed))
    draws = random.standard_normal((SIMULATED, len(values)))
    null = [_standard_distance(row / np.sqrt(np.mean(row**2))) for row in draws]
    return _fit(_standard_distance(values / np.sqrt(np.mean(values**2))), np.array(null))


def given_fit(values: Floats) -> Fit:
    """Compare values with the standard normal law; nothing is fitted."""
    test = kstest(values, "norm")
    return Fit(float(test.statistic), float(test.pvalue))


def _standardised(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / values.std())


def _standard_distance(values: Floats) -> float:
    """Kolmogorov-Smirnov distance from the standard normal law."""
    ordered = norm.cdf(np.sort(values))
    ranks = np.arange(len(ordered) + 1) / len(ordered)
    return float(max(np.max(ranks[1:] - ordered), np.max(ordered - ranks[:-1])))


def _fit(distance: float, null: Floats) -> Fit:
    return Fit(distance, float((1 + np.sum(null >= distance)) / (1 + len(null))))
