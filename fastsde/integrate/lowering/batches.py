"""Batches: the covariance of their gradients, and the cheaper way to compute one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastsde.problem.network import DeepLinearNetwork

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.models import Sgd, Svag
    from fastsde.study.study import Study

__all__ = ["batch_share", "goes_by_samples"]


def batch_share(model: Any, problem: Problem, samples: int | None = None) -> float:
    """Return the covariance of a batch's mean gradient as a share of one sample's covariance."""
    n = samples if samples is not None else 0 if problem.inputs is None else len(problem.inputs)
    if n == 0 or model.sampling == "replacement":
        return float(1.0 / model.batch)
    return float((n - model.batch) / (n - 1) / model.batch) if n > 1 else 0.0


def goes_by_samples(study: Study, model: Sgd | Svag, problem: Problem) -> bool:
    """Say whether SGD is cheaper by chains over a step's samples than by weights of the whole data set.

    Multiply-adds of a step of B samples: ``3 B p`` against ``3 d_in p + 2 n d_in d_out``. Fresh samples have
    no other way, and only networks have chains.
    """
    if not study.objective.linear or study.objective.measured:
        return False
    if problem.inputs is None:
        return True
    samples, d_in = problem.inputs.shape
    parameters = DeepLinearNetwork(study.network.widths, problem.loss_scale).size
    weights = 3 * d_in * parameters + 2 * samples * problem.optimum.size
    return bool(3 * model.samples_per_step * parameters <= weights)
