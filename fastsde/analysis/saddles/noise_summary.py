"""What is known of the noise near a saddle: medians over visited points and single steps, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastsde.analysis import confidence
from fastsde.analysis.protocols import Floats, Integers
from fastsde.analysis.saddles.saddle_noise import LEADING, NoiseShape, sign_shape
from fastsde.analysis.tails.tail_report import TailReport

__all__ = ["Point", "SaddleNoise", "of_points", "of_steps"]


@dataclass(frozen=True)
class SaddleNoise:
    """Noise of one model near the saddles; every array has the saddle first.

    Attributes
    ----------
    states : ndarray, shape (saddle,)
        Visited points at which the covariance was computed.
    dimension : ndarray, shape (saddle,)
        Parameters, or entries of W where only W was recorded.
    power : ndarray, shape (saddle,)
        Median variance of the noise per unit of time, all directions together.
    participation, participation_low, participation_high : ndarray, shape (saddle,)
        Median over points, and quantiles 0.05 and 0.95, of the participation ratio of the covariance in the
        parameters (of W where only that was recorded).
    raw_participation : ndarray, shape (saddle,)
        Of the noise of the end-to-end gradient, before it is carried to the layers.
    spectrum, spectrum_low, spectrum_high : ndarray, shape (saddle, 6)
        Median shares of the largest eigenvalues, and the order statistics between which it lies at 95 %,
        here and below; NaN for fewer than six points.
    along_mode, along_mode_low, along_mode_high : ndarray, shape (saddle,)
        Variance along the direction that raises the strongest mode not kept, over the mean variance; median.
    along_lowest, along_lowest_low, along_lowest_high : ndarray, shape (saddle,)
        The same along the Hessian eigenvectors of least eigenvalue; NaN where none is negative.
    draws : ndarray, shape (saddle,)
        Single steps gathered (``update_noise``).
    step_participation, step_participation_low, step_participation_high : ndarray, shape (saddle,)
        Participation ratio of their sign covariance, in the modes of the optimum, with a 95 % interval over
        trajectories.
    step_along_mode, step_along_mode_low, step_along_mode_high : ndarray, shape (saddle,)
        Its variance along the strongest mode not kept over the mean.
    tails : TailReport
        All tail estimates, with the saddle as the column, of single steps along the strongest mode not kept,
        in units of the trajectory's own noise level where that was recorded; the trajectory is the unit.
    """

    states: Floats
    dimension: Floats
    power: Floats
    participation: Floats
    participation_low: Floats
    participation_high: Floats
    raw_participation: Floats
    spectrum: Floats
    spectrum_low: Floats
    spectrum_high: Floats
    along_mode: Floats
    along_mode_low: Floats
    along_mode_high: Floats
    along_lowest: Floats
    along_lowest_low: Floats
    along_lowest_high: Floats
    draws: Floats
    step_participation: Floats
    step_participation_low: Floats
    step_participation_high: Floats
    step_along_mode: Floats
    step_along_mode_low: Floats
    step_along_mode_high: Floats
    tails: TailReport


@dataclass(frozen=True)
class Point:
    """Noise at one visited point.

    Attributes
    ----------
    shape, raw : NoiseShape
        Of the model's noise, and of the end-to-end gradient's.
    along_lowest : float
        Variance along the least curvature over the mean.
    dimension : int
    """

    shape: NoiseShape
    raw: NoiseShape
    along_lowest: float
    dimension: int


def of_points(found: Sequence[Point]) -> dict[str, Any]:
    """Return one row of `SaddleNoise`: that of the points at one saddle; `power` is the median trace."""
    if not found:
        names = ["dimension", "power", "participation", "participation_low", "participation_high"]
        names += ["raw_participation"]
        names += [f"{name}{end}" for name in ("along_mode", "along_lowest") for end in ("", "_low", "_high")]
        empty = {f"spectrum{end}": np.full(LEADING, np.nan) for end in ("", "_low", "_high")}
        return {"states": 0.0, **empty, **dict.fromkeys(names, np.nan)}
    share = np.array([one.shape.participation for one in found])
    return {
        "states": float(len(found)),
        "dimension": float(found[0].dimension),
        "power": float(np.median([one.shape.trace for one in found])),
        "participation": _quantile(share, 0.5),
        "participation_low": _quantile(share, 0.05),
        "participation_high": _quantile(share, 0.95),
        "raw_participation": _quantile(np.array([one.raw.participation for one in found]), 0.5),
        **_median("spectrum", np.array([one.shape.spectrum for one in found])),
        **_median("along_mode", np.array([one.shape.alignment for one in found])),
        **_median("along_lowest", np.array([one.along_lowest for one in found])),
    }


def of_steps(noise: Floats, trajectory: Integers, mode: int | None) -> dict[str, Any]:
    """Return one row of `SaddleNoise`: that of single steps (n, mode) of trajectories (n,) at one saddle."""
    names = ("step_participation", "step_along_mode")
    row: dict[str, Any] = {"draws": float(len(noise))}
    if len(noise) < 2 or mode is None:
        return row | {f"{name}{end}": np.nan for name in names for end in ("", "_low", "_high")}
    for name, one in zip(names, sign_shape(noise, trajectory, mode), strict=True):
        row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return row


def _median(name: str, values: Floats) -> dict[str, Any]:
    medians = confidence.median(values)
    return {name: medians.value, f"{name}_low": medians.low, f"{name}_high": medians.high}


def _quantile(values: Floats, level: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, level)) if known.size else np.nan
