"""Checks of a study that need several of its tables at once; each yields what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastsde.study.fields import Fault
from fastsde.study.models import GradientDescent, Sde, Sgd, Svag

if TYPE_CHECKING:
    from fastsde.study.contents import Content

__all__ = ["data_faults", "event_faults", "model_faults"]

MAX_INTEGRATOR_STEPS = 2**44
SMALLEST_DT = 1e-300


def data_faults(study: Content) -> Iterator[Fault]:
    """Check the data against the size of the network."""
    if study.landscape is not None:
        return
    data, inputs = study.data, study.data.inputs
    d_in, d_out = study.network.widths[0], study.network.widths[-1]
    values = list(data.teacher.singular_values)
    if len(values) > min(d_in, d_out):
        allowed = f"at most {min(d_in, d_out)} of them: the smaller of {d_in} inputs and {d_out} outputs"
        mend = "shorten the list, or widen the first and last of network.widths"
        yield Fault(("data", "teacher", "singular_values"), values, allowed, mend)
    if inputs.spectrum is not None and len(inputs.spectrum) != d_in:
        allowed = f"{d_in} numbers, one an input"
        yield Fault(("data", "inputs", "spectrum"), list(inputs.spectrum), allowed)
    if inputs.whiten and data.samples != "population" and data.samples <= d_in:
        mend = "take more samples, or set data.inputs.whiten = false"
        yield Fault(("data", "samples"), data.samples, f"more than the {d_in} inputs, to whiten", mend)


def event_faults(study: Content) -> Iterator[Fault]:
    """Check thresholds: shares of a mode and losses have a range, of a landscape none."""
    events = study.events
    modes = min(study.widths[0], study.widths[-1]) if study.landscape is None else study.widths[-1]
    for number, interval in enumerate(events.intervals or ()):
        if interval.mode > modes:
            allowed = f"a mode from 1 to {modes}"
            yield Fault(("events", "intervals", number, "mode"), interval.mode, allowed)
    if study.landscape is not None:
        return
    for number, share in enumerate(events.mode_learned):
        if not 0 < share <= 1:
            allowed = "a share of the mode's strength above 0, at most 1"
            yield Fault(("events", "mode_learned", number), share, allowed)
    for number, level in enumerate(events.loss_below):
        if level <= 0:
            yield Fault(("events", "loss_below", number), level, "a number above 0: losses are")


def model_faults(study: Content) -> Iterator[Fault]:
    """Check each model against data and length; an SDE's batch only where no SGD has the same."""
    steps = study.time.steps
    samples = study.data.samples if study.landscape is None else 0
    reported = {(m.batch, m.sampling) for m in study.models.values() if isinstance(m, Sgd)}
    for name, model in study.models.items():
        where = ("models", name)
        if steps * model.substeps > MAX_INTEGRATOR_STEPS:
            allowed = f"steps x substeps at most 2^44; time.steps is {steps}"
            yield Fault((*where, "substeps"), model.substeps, allowed)
        if model.dt(study.time.learning_rate) < SMALLEST_DT:
            allowed = (
                f"at least {SMALLEST_DT:g} times the substeps of every model; {name} has {model.substeps}"
            )
            yield Fault(("time", "learning_rate"), study.time.learning_rate, allowed)
        if study.landscape is not None:
            continue
        if samples == "population":
            yield from _moment_faults(study, name)
        if isinstance(model, GradientDescent):
            continue
        if isinstance(model, Sde) and model.match_at == "start" and study.starts_from_states:
            allowed = '"minimum" or "local": a temperature is matched before the states are read'
            yield Fault((*where, "match_at"), model.match_at, allowed)
        if isinstance(model, Sde) and (model.batch, model.sampling) in reported:
            continue
        if samples == "population" and model.sampling != "fresh":
            mend = 'set sampling = "fresh", or give data.samples a number'
            yield Fault((*where, "sampling"), model.sampling, '"fresh", as data.samples = "population"', mend)
        if samples != "population" and model.sampling == "fresh":
            epoch = "" if isinstance(model, Svag) else '"epoch", '
            allowed = f'{epoch}"without-replacement" or "replacement", as the data are finite'
            mend = 'fresh data needs data.samples = "population"'
            yield Fault((*where, "sampling"), model.sampling, allowed, mend)
        if samples != "population" and model.batch > samples:
            yield Fault((*where, "batch"), model.batch, f"at most data.samples = {samples}")


def _moment_faults(study: Content, name: str) -> Iterator[Fault]:
    """Refuse a model whose equation needs a moment that the population does not have."""
    model, inputs, noise = study.models[name], study.data.inputs, study.data.label_noise
    tail = inputs.tail
    if model.kind != "sgd" and tail <= 2:
        allowed = "only sgd: inputs without a variance have no population gradient"
        yield Fault(("models", name, "kind"), model.kind, allowed, "give data.samples a number")
        return
    if not isinstance(model, Sde) or (model.noise != "gradient" and model.temperature != "matched"):
        return
    if tail <= 4 or math.isinf(noise.sd):
        field = "noise" if model.noise == "gradient" else "temperature"
        culprit = f"{inputs.kind} inputs" if tail <= 4 else f"{noise.kind} label noise"
        allowed = f"nothing that needs a gradient covariance: with {culprit} (tail index "
        allowed += f"{tail if tail <= 4 else noise.tail:g}) none exists in the population"
        mend = 'give data.samples a number, or take noise = "isotropic" with a number as temperature'
        yield Fault(("models", name, field), getattr(model, field), allowed, mend)
