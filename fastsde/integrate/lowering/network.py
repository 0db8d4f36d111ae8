"""Sizes and memory of a network as the kernels take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastsde.integrate.lowering.refined import carried_numbers, central_directions, is_refined
from fastsde.integrate.lowering.shapes import noise_room
from fastsde.integrate.lowering.sizes import parameter_count

if TYPE_CHECKING:
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["network_plan"]


def network_plan(study: Study, model: Model, samples: int, batch: int) -> Any:
    """Return the sizes of a network and of the memory that a step of a model needs."""
    from fastsde.kernels.drift.central import central_room
    from fastsde.kernels.layout import plan_network

    size, directions = parameter_count(study), central_directions(model)
    carried = carried_numbers(model, size)
    central = central_room(size, directions) if directions else 0
    shaped = noise_room(study, model)
    return plan_network(study.widths, samples, batch, carried, is_refined(model), central, shaped)
