"""Checks of a study that need several of its tables at once; each yields what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastsde.study.fields import Fault
from fastsde.study.stops import stop_faults

if TYPE_CHECKING:
    from fastsde.study.contents import Content

__all__ = [
    "data_faults",
    "event_faults",
    "landscape_faults",
    "missing_faults",
    "model_faults",
    "saddle_faults",
]

MAX_INTEGRATOR_STEPS = 2**44
SMALLEST_DT = 1e-300


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


def data_faults(study: Content) -> Iterator[Fault]:
    """Check the data against the size of the network."""
    if study.landscape is not None:
        return
    data, inputs = study.data, study.data.inputs
    d_in, d_out = study.network.widths[0], study.network.widths[-1]
    if data.file is not None:
        if data.columns != (d_in, d_out):
            expected = f"{d_in} inputs and {d_out} labels, the ends of network.widths"
            found = f"{data.columns[0]} inputs and {data.columns[1]} labels" if data.columns else "none"
            yield Fault(("data", "file"), found, expected, "correct network.widths, or the file")
        if data.whiten and isinstance(data.samples, int) and data.samples <= d_in:
            fix = "take more samples, or set data.whiten = false"
            yield Fault(("data", "whiten"), True, f"more samples than the {d_in} inputs, to whiten", fix)
        return
    teacher = data.teacher
    values = list(teacher.singular_values or ()) if teacher is not None else []
    if len(values) > min(d_in, d_out):
        expected = f"at most {min(d_in, d_out)} of them: the smaller of {d_in} inputs and {d_out} outputs"
        fix = "shorten the list, or widen the first and last of network.widths"
        yield Fault(("data", "teacher", "singular_values"), values, expected, fix)
    if inputs.spectrum is not None and len(inputs.spectrum) != d_in:
        expected = f"{d_in} numbers, one per input"
        yield Fault(("data", "inputs", "spectrum"), list(inputs.spectrum), expected)
    for number, (row, column) in enumerate(data.entries or ()):
        if row > d_out or column > d_in:
            expected = f"an entry of a matrix of {d_out} outputs and {d_in} inputs"
            yield Fault(("data", "entries", number), [row, column], expected)
    if inputs.whiten and isinstance(data.samples, int) and data.samples <= d_in:
        fix = "take more samples, or set data.inputs.whiten = false"
        yield Fault(("data", "samples"), data.samples, f"more than the {d_in} inputs, to whiten", fix)


def event_faults(study: Content) -> Iterator[Fault]:
    """Check thresholds: shares of a mode and losses have a range, of a landscape none."""
    events = study.events
    modes = study.objective.modes
    for number, interval in enumerate(events.intervals or ()):
        if interval.mode > modes:
            expected = f"a mode from 1 to {modes}"
            yield Fault(("events", "intervals", number, "mode"), interval.mode, expected)
    yield from stop_faults(study)
    if events.escaped is not None:
        yield from _escape_faults(study)
    if not study.objective.positive:
        return
    for number, share in enumerate(events.mode_learned if study.objective.linear else ()):
        if not 0 < share <= 1:
            expected = "a share of the mode's strength above 0, at most 1"
            yield Fault(("events", "mode_learned", number), share, expected)
    for number, level in enumerate(events.loss_below):
        if level <= 0:
            yield Fault(("events", "loss_below", number), level, "a number above 0: losses are")


def saddle_faults(study: Content) -> Iterator[Fault]:
    """Check that the saddle that trajectories start at is known for these data."""
    init = None if study.network is None else study.network.init
    if init is not None and init.kind == "saddle" and study.data.measured and init.kept:
        expected = "rank = 0: of measurements only the origin is known to be a saddle"
        yield Fault(("network", "init", "rank" if init.modes is None else "modes"), list(init.kept), expected)


def _escape_faults(study: Content) -> Iterator[Fault]:
    """Check that there is a saddle to escape from."""
    where, given = ("events", "escaped"), list(study.events.escaped or ())
    if study.network is None:
        expected = "nothing: a landscape says its events by radius_above and intervals"
        yield Fault(where, given, expected, "write radius_above = [1.0], the distance from the centre")
    elif study.network.init.kind != "saddle":
        expected = 'nothing: only with network.init.kind = "saddle" is it known what is left'
        fix = 'remove it, or start at a saddle: init = { kind = "saddle", rank = 0, perturbation = 1e-3 }'
        yield Fault(where, given, expected, fix)
    elif len(study.network.init.kept) == study.objective.modes:
        yield Fault(where, given, "nothing: a start with all modes learned is the minimum", "lower init.rank")


def model_faults(study: Content) -> Iterator[Fault]:
    """Check the steps of each model, then let it check itself against the study."""
    steps, setting = study.time.steps, study.setting
    for name, model in study.models.items():
        where = ("models", name)
        if steps * model.substeps > MAX_INTEGRATOR_STEPS:
            expected = f"steps x substeps at most 2^44; time.steps is {steps}"
            yield Fault((*where, "substeps"), model.substeps, expected)
        if model.dt(study.time.learning_rate) < SMALLEST_DT:
            expected = (
                f"at least {SMALLEST_DT:g} times the substeps of every model; {name} has {model.substeps}"
            )
            yield Fault(("time", "learning_rate"), study.time.learning_rate, expected)
        yield from model.faults(setting, where)


def landscape_faults(study: Content) -> Iterator[Fault]:
    """Check the precision of a landscape."""
    landscape = study.landscape
    if landscape is None:
        return
    if landscape.by_point and study.dtype == "float32":
        yield Fault(("dtype",), "float32", '"float64": a function of your own computes in it')
