"""Checks of the terms of models, and of landscapes, against the rest of a study."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from fastsde.study.fields import Fault
from fastsde.study.models import GradientDescent, Sde, Sgd, Svag

if TYPE_CHECKING:
    from fastsde.study.contents import Content

__all__ = ["landscape_faults", "missing_faults", "term_faults"]

MAX_JUMPS = 500.0
MAX_EVENTS = 1e6
MAX_DAMPING = 500.0


def missing_faults(study: Content) -> Iterator[Fault]:
    """Ask for a network and data, or a landscape."""
    if study.landscape is None:
        for name in ("network", "data"):
            if getattr(study, name) is None:
                yield Fault((name,), None, "a table", "add it, or a [landscape]")
        return
    for name in ("network", "data"):
        if getattr(study, name) is not None:
            yield Fault((name,), "set", "nothing: the study has a landscape", "remove one of the two")


def term_faults(study: Content) -> Iterator[Fault]:
    """Check sizes of given matrices, and terms against schedule and data."""
    widths = study.widths
    parameters = sum(a * b for a, b in pairwise(widths))
    schedule = study.time.schedule
    varies = schedule is not None and (schedule.kind != "constant" or schedule.warm_up is not None)
    for name, model in study.models.items():
        where = ("models", name)
        if isinstance(model, Sde | GradientDescent):
            yield from _drift_faults(model, where, widths, parameters)
            if model.central_flow is not None and varies:
                mend = "remove time.schedule or central_flow"
                yield Fault((*where, "central_flow"), model.central_flow, "a constant learning rate", mend)
        if isinstance(model, Sde):
            if model.covariance is not None and model.covariance.size != parameters:
                allowed = f"a covariance of the {parameters} parameters"
                yield Fault((*where, "covariance"), model.covariance.size, allowed)
            if model.jumps is not None:
                mean = model.jumps.rate * model.dt(study.time.learning_rate)
                if mean > MAX_JUMPS:
                    allowed = f"at most {MAX_JUMPS:g} jumps a step (it is {mean:g}): so many are Gaussian"
                    yield Fault((*where, "jumps", "rate"), model.jumps.rate, allowed, "lower it")
            yield from _clock_faults(model, where, model.dt(study.time.learning_rate))
        population = study.data is not None and study.data.samples == "population"
        if isinstance(model, Sgd) and model.label_noise is not None and population:
            mend = "set data.label_noise: a population draws its labels again anyway"
            yield Fault((*where, "label_noise"), model.label_noise, "label noise only with finite data", mend)


def _clock_faults(model: Sde, where: tuple[str, ...], dt: float) -> Iterator[Fault]:
    if model.tempering is not None and model.tempering * dt > MAX_DAMPING:
        allowed = f"at most {MAX_DAMPING / dt:g}, {MAX_DAMPING:g} over the step: such noise is Gaussian"
        mend = "lower it, or remove tempering and alpha"
        yield Fault((*where, "tempering"), model.tempering, allowed, mend)
    clock = model.subordination
    if clock is not None and clock.first_events(dt) > MAX_EVENTS:
        allowed = f"at most {MAX_EVENTS:g} steps of operational time in the first step of time"
        found = f"{clock.scale:g} (it has {clock.first_events(dt):.3g})"
        mend = "lower scale, raise beta, or take longer steps"
        yield Fault((*where, "subordination", "scale"), found, allowed, mend)


def _drift_faults(
    model: Sde | GradientDescent, where: tuple[str, ...], widths: tuple[int, ...], parameters: int
) -> Iterator[Fault]:
    rotation = model.rotation
    if rotation is not None and rotation.matrix is not None and len(rotation.matrix) != parameters:
        allowed = f"{parameters} rows, one a parameter"
        yield Fault((*where, "rotation", "matrix"), len(rotation.matrix), allowed)
    if rotation is not None and rotation.layer is not None:
        if rotation.layer > len(widths) - 1:
            yield Fault((*where, "rotation", "layer"), rotation.layer, f"a layer from 1 to {len(widths) - 1}")
        elif widths[rotation.layer] < 2:
            yield Fault((*where, "rotation", "layer"), rotation.layer, "a layer of two rows or more")
    if model.central_flow is not None and model.central_flow > parameters:
        yield Fault((*where, "central_flow"), model.central_flow, f"at most {parameters}, the parameters")


def landscape_faults(study: Content) -> Iterator[Fault]:
    """Check what only landscapes, or no landscape, can have."""
    landscape = study.landscape
    if landscape is None:
        return
    if landscape.kind == "user" and study.dtype == "float32":
        yield Fault(("dtype",), "float32", '"float64": a function of your own computes in it')
    for name, model in study.models.items():
        where = ("models", name)
        if isinstance(model, Sde | GradientDescent) and study.dtype == "float32":
            for field in ("second_order", "central_flow"):
                if getattr(model, field):
                    allowed = "nothing in float32: derivatives of a landscape are differences"
                    yield Fault((*where, field), getattr(model, field), allowed, 'set dtype = "float64"')
        if isinstance(model, Sgd) and model.label_noise is not None:
            yield Fault((*where, "label_noise"), model.label_noise, "nothing: a landscape has no labels")
        if isinstance(model, GradientDescent):
            continue
        samples = getattr(landscape, "samples", 0)
        needs = not isinstance(model, Sde) or model.noise == "gradient" or model.temperature == "matched"
        if needs and not landscape.samples_of:
            key = "kind"
            if isinstance(model, Sde):
                key = "noise" if model.noise == "gradient" else "temperature"
            allowed = "nothing that needs samples: this landscape is no mean over any"
            mend = 'take gd, or an sde with noise = "given" or a number as temperature'
            yield Fault((*where, key), getattr(model, key), allowed, mend)
        elif needs and model.batch > samples:
            yield Fault((*where, "batch"), model.batch, f"at most landscape.samples = {samples}")
        if not needs or not landscape.samples_of:
            continue
        if model.sampling == "fresh":
            mend = f'set sampling = "{"replacement" if isinstance(model, Svag) else "epoch"}"'
            yield Fault((*where, "sampling"), "fresh", "samples of the landscape", mend)
        if isinstance(model, Sde) and model.match_at == "minimum":
            allowed = 'a number, or "matched" elsewhere than at the minimum: that of a landscape is not known'
            mend = 'set match_at = "start" or "local", or temperature to a number'
            yield Fault((*where, "temperature"), "matched", allowed, mend)
