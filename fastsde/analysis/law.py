"""What is known of a study before any trajectory is run: moments, saddles, noise, spacing."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.study.models.model import Model


def moment_limits(model: Model, depth: int, modes: int, loss: bool) -> Floats:
    """Orders below which modes and loss have moments, by the model's definition.

    A product of L layers, each with an increment of the same stretched Gaussian law of tail index alpha, has
    tail index alpha / L; the loss, quadratic in it, alpha / (2 L). Laws with all moments set no limit.

    Examples
    --------
    >>> from fastsde.study.models import Sde
    >>> moment_limits(Sde(noise="gradient", alpha=1.6), depth=2, modes=1, loss=True)
    array([0.8, 0.4])
    """
    tail = model.tail_index / depth
    return np.array([tail] * modes + [tail / 2] * loss)


def plateaus(problem: Any) -> Floats:
    """Loss with the first r modes learned and the others zero: optimum_loss + c/2 sum_{k > r} s_k^2.

    Only for white inputs and measurements that see all directions alike; otherwise, or where the optimum has
    no finite loss, an empty array.
    """
    if any(getattr(problem, name, None) is not None for name in ("entries", "matrices")):
        return np.empty(0)
    covariance = np.asarray(problem.covariance)
    if not np.isfinite(problem.optimum_loss) or not np.allclose(
        covariance, np.eye(len(covariance)), atol=1e-8
    ):
        return np.empty(0)
    squares = np.asarray(problem.mode_strength, dtype=np.float64) ** 2
    rest = np.concatenate([np.cumsum(squares[::-1])[::-1], [0.0]])
    return np.asarray(problem.optimum_loss + problem.loss_scale / 2 * rest)


def follows_gradient(model: Model) -> bool:
    """Whether a model's noise has the covariance of SGD's gradient, so that ``noise_trace`` is its level."""
    return model.has_gradient_noise


def log_spaced(step: Floats | np.ndarray[Any, np.dtype[np.int64]]) -> bool:
    """Whether snapshots are spread over decades: most of those in the first half lie in the first tenth."""
    early = step[step <= step[-1] / 2]
    return bool(len(step) > 3 and np.mean(early <= step[-1] / 10) > 1 / 2)


def time_weights(step: Floats | np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    """Weight of each snapshot in a mean over time, by the trapezoidal rule; they add up to one.

    Over the logarithm of time where snapshots are spread over decades (`log_spaced`), which leaves out the
    start, else over time. The mean then depends on the course and not on where snapshots crowd.

    Examples
    --------
    >>> time_weights(np.array([0, 10, 20, 21, 22, 23, 24, 30])).round(2).tolist()
    [0.17, 0.33, 0.18, 0.03, 0.03, 0.03, 0.12, 0.1]
    """
    known = np.asarray(step, dtype=np.float64)
    if len(known) < 2:
        return np.ones(len(known))
    moving = known > 0 if log_spaced(step) else np.ones(len(known), dtype=np.bool_)
    at = np.log(known[moving]) if log_spaced(step) else known
    gaps = np.diff(at) / 2
    weights = np.zeros(len(known))
    weights[moving] = np.concatenate([gaps, [0.0]]) + np.concatenate([[0.0], gaps])
    total = weights.sum()
    return np.asarray(weights / total) if total > 0 else np.ones(len(known))


def branches_of(study: Any) -> int:
    """How many trajectories start from each state; 1 where every trajectory has a start of its own."""
    return int(getattr(study.network.init, "branches", None) or 1) if study.objective.linear else 1
