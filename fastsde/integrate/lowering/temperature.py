"""The temperature at which isotropic noise has the strength of SGD's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastsde.integrate.lowering.batches import batch_share
from fastsde.problem.objective import objective_of

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.models import Sde
    from fastsde.study.study import Study

__all__ = ["matched_temperature"]


def matched_temperature(
    study: Study, model: Sde, problem: Problem, start_key: tuple[np.uint64, np.uint64]
) -> float:
    """Return the temperature at which isotropic noise has the trace of SGD's at a reference point.

    ``2 T p = eta tr Cov(gradient of a batch)``, p the number of parameters. The point is the minimum that the
    objective knows (``match_at = "minimum"``), or the mean over the first 256 starting points (``"start"``).
    """
    objective = objective_of(study, problem)
    traces = objective.noise_trace(objective.matching_points(str(model.match_at), start_key))
    assert traces is not None
    trace = float(np.mean(traces))
    share = batch_share(model, problem, objective.samples)
    return study.time.learning_rate * trace * share / (2 * objective.traits.dimension)
