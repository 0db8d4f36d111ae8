"""A network and its data as the kernels take them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.integrate.lowering.sizes import cast, parameter_count
from fastsde.integrate.refinements import carried_numbers, central_directions, is_refined

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["network_data", "network_plan"]


def network_plan(study: Study, model: Model, samples: int, batch: int) -> Any:
    """Return the sizes of a network and of the memory that a step of a model needs."""
    from fastsde.kernels.drift.central import central_room
    from fastsde.kernels.layout import plan_network

    size, directions = parameter_count(study), central_directions(model)
    carried = carried_numbers(study, model, size)
    central = central_room(size, directions) if directions else 0
    return plan_network(study.widths, samples, batch, carried, is_refined(study, model), central)


def network_data(study: Study, problem: Problem) -> Any:
    """Return the data of a network as the kernels take them."""
    from fastsde.kernels.layout import Data

    d_out, d_in = problem.optimum.shape
    inputs = np.empty((0, d_in)) if problem.inputs is None else problem.inputs
    labels = np.empty((0, d_out)) if problem.labels is None else problem.labels
    return Data(
        inputs=cast(study, inputs),
        labels=cast(study, labels),
        rows=cast(study, np.pad(np.hstack([inputs, labels]), ((0, 0), (0, -(d_in + d_out) % 4)))),
        noise=cast(study, labels - inputs @ problem.optimum.T),
        optimum=cast(study, problem.optimum),
        covariance=cast(study, problem.covariance),
        factor=cast(study, problem.factor),
        factor_transposed=cast(study, problem.factor.T),
        white=problem.white,
        scale=problem.loss_scale,
        floor=problem.optimum_loss if math.isfinite(problem.optimum_loss) else 0.0,
        label_sd=problem.noise_sd if math.isfinite(problem.noise_sd) else 0.0,
        spread=problem.t2 if math.isfinite(problem.t2) else 1.0,
    )
