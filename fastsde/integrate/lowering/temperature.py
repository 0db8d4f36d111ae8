"""The temperature at which isotropic noise has the strength of SGD's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastsde.integrate.lowering.batches import batch_share
from fastsde.integrate.lowering.landscape import landscape_trace
from fastsde.integrate.lowering.sizes import START_SAMPLE, parameter_count, sample_count
from fastsde.problem.initial_points import balanced_factors, start_points
from fastsde.problem.network import DeepLinearNetwork

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.models import Sde
    from fastsde.study.study import Study

__all__ = ["matched_temperature"]


def matched_temperature(
    study: Study, model: Sde, problem: Problem, start_key: tuple[np.uint64, np.uint64]
) -> float:
    """Return the temperature at which isotropic noise has the trace of SGD's at a reference point.

    ``2 T p = eta tr Cov(gradient of a batch)``, p the number of parameters. The point is the balanced
    factorisation of the optimum (``match_at = "minimum"``), or the mean over the first 256 starting points
    (``"start"``).
    """
    if study.landscape is not None:
        trace = landscape_trace(study, start_key)
        share = batch_share(model, problem, sample_count(study, problem))
        return study.time.learning_rate * trace * share / (2 * parameter_count(study))
    network = DeepLinearNetwork(study.network.widths, problem.loss_scale)
    if model.match_at == "start":
        from fastsde.kernels.cpu import standard_normals

        normals = standard_normals(network.size, 0, START_SAMPLE, start_key, np.float64)
        points = start_points(normals, study.network.init, study.network.widths)
    else:
        hidden = [np.eye(width) for width in study.network.widths[1:-1]]
        points = network.pack([np.asarray(w) for w in balanced_factors(problem.optimum, hidden)])
    trace = float(np.mean(network.noise_trace(np.asarray(points, dtype=np.float64), problem)))
    return study.time.learning_rate * trace * batch_share(model, problem) / (2 * network.size)
