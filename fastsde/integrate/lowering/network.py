"""Sizes and memory of a network as the kernels take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastsde.integrate.lowering.refined import carried_numbers, central_directions, is_refined
from fastsde.integrate.lowering.shapes import noise_room
from fastsde.integrate.lowering.sizes import parameter_count
from fastsde.study.models.batches import by_members, label_sd

if TYPE_CHECKING:
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["network_plan"]


def network_plan(study: Study, model: Model, samples: int, batch: int, data: Any) -> Any:
    """Return the sizes of a network and of the memory that a step of a model needs.

    Parameters
    ----------
    study : Study
    model : Model
    samples, batch : int
        Samples of the data, and of the batch whose activations are in memory.
    data : fastsde.kernels.layout.Data or fastsde.kernels.surface.Surface
    """
    from fastsde.kernels.drift.central import central_room
    from fastsde.kernels.layout import plan_landscape, plan_network

    size, directions = parameter_count(study), central_directions(model)
    carried = carried_numbers(study, model)
    central = central_room(size, directions) if directions else 0
    shaped = noise_room(study, model)
    if study.objective.linear:
        return plan_network(study.widths, samples, batch, carried, is_refined(model), central, shaped)
    rooms = {"work": study.objective.workspace}
    if by_members(model, samples):
        rooms["row"] = data.rows.shape[1]
        batch = int(getattr(model, "batch", 0)) if label_sd(model) else 0
        rooms["label_noise"] = batch * data.labels.shape[1]
    return plan_landscape(size, samples, carried, is_refined(model), central, shaped, **rooms)
