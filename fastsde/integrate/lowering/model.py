"""From a study's words to a kernel's numbers: a model of a study for the compiled code."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fastsde.integrate.lowering.events import watched_events
from fastsde.integrate.lowering.keys import philox_key, stream_of
from fastsde.integrate.lowering.lowered import Lowered
from fastsde.integrate.lowering.network import network_plan
from fastsde.integrate.lowering.plain import Request, plain_step
from fastsde.integrate.lowering.refined import carried_numbers, quiet_step, refined_step
from fastsde.integrate.lowering.shapes import interpreted_step
from fastsde.integrate.lowering.sizes import sample_count
from fastsde.problem.objective import objective_of
from fastsde.study.dimensions import dimension_sizes

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["lower"]


def lower(study: Study, name: str, problem: Problem, *, clock: Any = None) -> Lowered:
    """Translate one model of a study for the kernels.

    Parameters
    ----------
    study : Study
    name : str
        Name of the model.
    problem : Problem
        The study's problem (`fastsde.problem.data.build_problem`).
    clock : named tuple of `fastsde.kernels`, optional
        A law of the noise in place of the model's own.
    """
    from fastsde.kernels.observe import FINITE_TRACE, NO_TRACE, POPULATION_TRACE

    model = study.models[name]
    samples = sample_count(study)
    key = philox_key(study.seed, stream_of(study, name))
    start_key = philox_key(study.seed, "start") if study.start == "paired" else key
    attributes: dict[str, float | int | str] = {
        "dt": model.dt(study.time.learning_rate),
        "substeps": model.substeps,
        "kind": model.kind,
        "summary": model.summary(),
    }
    plain = plain_step(model, Request(study, problem, start_key, clock, attributes))
    batch = 1 if plain.dense else plain.batch  # only chains hold the samples of a batch
    events, data = watched_events(study, problem), objective_of(study, problem).kernel_data()
    moments = math.isfinite(problem.noise_sd) and math.isfinite(problem.t2)
    population = study.objective.samples is None and moments
    trace = FINITE_TRACE if samples else POPULATION_TRACE if population else NO_TRACE
    return Lowered(
        network=network_plan(study, model, samples, batch, data),
        data=data,
        dynamics=refined_step(study, model, interpreted_step(model, study, problem, plain)),
        events=events,
        key=key,
        start_key=start_key,
        choice=max(samples, getattr(model, "batch", 1)) + 1,
        trace=trace,
        quiet=refined_step(study, model, interpreted_step(model, study, problem, quiet_step(plain))),
        passages=dimension_sizes(study, 1)["passage"],
        carried=carried_numbers(study, model),
        attributes=attributes,
    )
