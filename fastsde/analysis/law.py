"""What is known of a study before any trajectory is run: moments, saddles, noise, spacing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastsde.analysis.protocols import Floats


def moment_limits(model: Any, depth: int, modes: int, loss: bool) -> Floats:
    """Orders below which modes and loss have moments, by the model's definition.

    A product of L layers, each with an increment of the same alpha-stable clock, has tail index alpha / L;
    the loss, quadratic in it, alpha / (2 L). Gaussian and tempered models set no limit.

    Examples
    --------
    >>> from types import SimpleNamespace as Model
    >>> moment_limits(Model(kind="sde", alpha=1.6, tempering=None), depth=2, modes=1, loss=True)
    array([0.8, 0.4])
    """
    alpha = getattr(model, "alpha", 2.0)
    bounded = getattr(model, "tempering", None) is not None or getattr(model, "truncation", None) is not None
    stable = model.kind == "sde" and alpha < 2 and not bounded
    quiet = getattr(model, "temperature", None) == 0
    tail = alpha / depth if stable and not quiet else math.inf
    return np.array([tail] * modes + [tail / 2] * loss)


def plateaus(problem: Any) -> Floats:
    """Loss with the first r modes learned and the others zero: optimum_loss + c/2 sum_{k > r} s_k^2.

    Only for white inputs; otherwise, or where the optimum has no finite loss, an empty array.
    """
    covariance = np.asarray(problem.covariance)
    if not np.isfinite(problem.optimum_loss) or not np.allclose(
        covariance, np.eye(len(covariance)), atol=1e-8
    ):
        return np.empty(0)
    squares = np.asarray(problem.mode_strength, dtype=np.float64) ** 2
    rest = np.concatenate([np.cumsum(squares[::-1])[::-1], [0.0]])
    return np.asarray(problem.optimum_loss + problem.loss_scale / 2 * rest)


def follows_gradient(model: Any) -> bool:
    """Whether a model's noise has the covariance of SGD's gradient, so that ``noise_trace`` is its level."""
    return model.kind == "sgd" or getattr(model, "noise", "") == "gradient"


def log_spaced(step: Floats | np.ndarray[Any, np.dtype[np.int64]]) -> bool:
    """Whether snapshots are spread over decades: most of those in the first half lie in the first tenth."""
    early = step[step <= step[-1] / 2]
    return bool(len(step) > 3 and np.mean(early <= step[-1] / 10) > 1 / 2)
