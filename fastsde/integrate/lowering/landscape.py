"""A landscape as the kernels take it, and the trace of its gradient noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.integrate.cache_lock import once
from fastsde.integrate.lowering.sizes import START_SAMPLE, cast, parameter_count
from fastsde.problem.initial_points import landscape_points
from fastsde.study.landscapes import Numbers

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["landscape_trace", "surface"]


def surface(study: Study, numbers: Numbers) -> Any:
    """Return a landscape as the kernels take it."""
    from fastsde.kernels.layout import plan_network
    from fastsde.kernels.surface import Surface, is_kept, place_of, routines
    from fastsde.problem.user import function_address

    landscape = study.landscape
    assert landscape is not None
    name = landscape.surface_name
    made = Surface(
        kind=place_of(name),
        inputs=cast(study, numbers.inputs),
        labels=cast(study, numbers.labels),
        table=cast(study, numbers.table),
        vector=cast(study, numbers.vector),
        optimum=cast(study, landscape.middle()[:, None]),
        scale=1.0,
        floor=0.0,
        address=function_address(study),
        value=0,
        trace=0,
    )
    network = plan_network(study.widths, 0, 1)
    if is_kept(name):
        once(f"{name}-{study.dtype}", lambda: routines(name, network, made))
    value, trace = routines(name, network, made)
    return made._replace(value=value, trace=trace)


def landscape_trace(study: Study, start_key: tuple[np.uint64, np.uint64]) -> float:
    """Return the mean trace of one sample's noise over the first 256 starting points of a landscape."""
    from fastsde.kernels.cpu import aligned, standard_normals, to_lanes
    from fastsde.kernels.lanes import lane_count
    from fastsde.kernels.layout import plan_network
    from fastsde.kernels.observe import FINITE_TRACE, observe

    assert study.landscape is not None
    numbers = study.landscape.numbers()
    size = parameter_count(study)
    normals = standard_normals(size, 0, START_SAMPLE, start_key, study.dtype)
    state = to_lanes(landscape_points(normals, study.landscape))
    network = plan_network(study.widths, len(numbers.inputs), 1)
    lanes = lane_count(study.dtype)
    out = np.empty((len(state) * lanes, 3 + size), study.dtype)
    memory = aligned(network.size * lanes, study.dtype)
    observe(state, memory, network, surface(study, numbers), FINITE_TRACE, out)
    return float(out[:START_SAMPLE, 2].astype(np.float64).mean())
