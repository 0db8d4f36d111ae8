"""What a GPU measures of trajectories at a snapshot, and how the host takes it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.gpu.host_jobs import lanczos
from fastsde.integrate.gpu.placements import measuring_class
from fastsde.integrate.gpu.programs import model_program
from fastsde.integrate.measurements import Measured, stepped_rows
from fastsde.kernels.gpu import arrays, streams
from fastsde.kernels.gpu.arguments import put_on
from fastsde.kernels.gpu.jobs import Curve, Measure, Noise
from fastsde.kernels.observe import measurement_columns

if TYPE_CHECKING:
    from fastsde.integrate.gpu.batches import Batch
    from fastsde.integrate.gpu.launcher import Launcher
    from fastsde.integrate.gpu.rows import Buffers
    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.observer import Observer
    from fastsde.study.study import Study

__all__ = ["Measurements", "Setting", "measured_rows", "measurements"]

Array = NDArray[Any]


@dataclass
class Setting:
    """What measuring the batches of an integration takes.

    Parameters
    ----------
    study, lowered
    data, dynamics, events, network
        On the device.
    buffers : fastsde.integrate.gpu.rows.Buffers
    streams : tuple
        To compute on, and to copy on.
    wanted : set
        Columns that observables have asked for, which are copied at once from then on.
    """

    study: Study
    lowered: Lowered
    data: Any
    dynamics: Any
    events: Any
    network: Any
    buffers: Buffers
    streams: tuple[Any, Any]
    wanted: set[tuple[int, int]] = field(default_factory=set)


class Measurements:
    """What a batch was measured to be: on the device, and as rows on the host what is asked for.

    Later steps change nothing of it. The next measurement does.

    Parameters
    ----------
    setting : Setting
    columns
        What `fastsde.kernels.observe` measures, on the device.
    count : int
        Trajectories.
    """

    def __init__(self, setting: Setting, columns: Any, count: int) -> None:
        self._setting, self._columns, self._count = setting, columns, count
        self._here: dict[Any, Array] = {}
        self._lock = threading.Lock()

    def send(self, name: str, source: Any) -> None:
        """Begin to copy an array of the device to the host, as rows."""
        compute, copy = self._setting.streams
        if source.ndim > 1:
            source = self._rows(name, source, 0, source.shape[1], compute)
        else:
            there = self._setting.buffers.on_device(f"copy of {name}", source.shape, source.dtype)
            there.copy_to_device(source, stream=compute)
            source = there
        streams.after(compute, copy)
        self._leave(name, source)

    def send_wanted(self) -> None:
        """Begin to copy the columns that observables are known to ask for."""
        for key in sorted(self._setting.wanted):
            self._send_columns(key)

    def wait(self) -> None:
        """Wait until all that was sent is on the host."""
        self._setting.streams[1].synchronize()

    def rows(self, name: str) -> Array:
        """Return what was sent under a name."""
        return self._here[name]

    def columns(self, place: int | slice) -> Array:
        """Return a column, (rows,), or some, (rows, columns)."""
        one = not isinstance(place, slice)
        key = (place.start, place.stop) if isinstance(place, slice) else (place, place + 1)
        with self._lock:
            if key not in self._here:
                self._setting.wanted.add(key)
                self._send_columns(key)
                self.wait()
            found = self._here[key]
        return found[:, 0] if one else found

    def _send_columns(self, key: tuple[int, int]) -> None:
        """Copy some columns; the stream that computes may be steps ahead already."""
        copy = self._setting.streams[1]
        first, last = key
        if last - first == 1:
            here = self._leave(f"column {first}", self._columns[:, first])
        elif last == first:
            here = np.empty((self._count, 0), self._columns.dtype)
        else:
            name = f"columns {first} to {last}"
            here = self._leave(name, self._rows(name, self._columns, first, last, copy))
        self._here[key] = here.reshape(self._count, last - first)

    def _rows(self, name: str, source: Any, first: int, last: int, stream: Any) -> Any:
        """Return some columns of an array of the device as rows, which are there as well."""
        shape = self._count, last - first
        there = self._setting.buffers.on_device(f"rows of {name}", shape, source.dtype, rows=True)
        arrays.rows_from(source, 0, first, there, stream)
        return there

    def _leave(self, name: str, there: Any) -> Array:
        here = self._setting.buffers.on_host(name, there.shape, there.dtype)
        if here.size:
            there.copy_to_host(here, stream=self._setting.streams[1])
        self._here[name] = here
        return here


def measurements(
    setting: Setting, observer: Observer, batch: Batch, place: tuple[int, int], launcher: Launcher
) -> Measurements:
    """Start measuring a batch, and copying what is recorded to the host.

    Parameters
    ----------
    setting : Setting
    observer : fastsde.integrate.observer.Observer
        What is recorded.
    batch : fastsde.integrate.gpu.batches.Batch
    place : tuple of int
        Number of the batch's first trajectory, and the step.
    launcher : fastsde.integrate.gpu.launcher.Launcher
    """
    study, low, count = setting.study, setting.lowered, batch.count
    size = int(low.network.widths[0] * low.network.widths[-1])

    def room(name: str, width: int) -> Any:
        return setting.buffers.on_device(name, (count, width), study.dtype)

    def launch(program: Any, task: str, job: Any) -> None:
        launcher.run(program, task, count, job)

    columns = room("columns", measurement_columns(low.network.widths).count)
    where = measuring_class(low, study.dtype)
    program = model_program(study, low, where)
    job = Measure(batch.state, columns, setting.data, setting.network)
    launch(program, "measure_trace" if observer.trace else "measure", job)
    found = Measurements(setting, columns, count)
    found.send("diverged", batch.diverged)
    found.send_wanted()
    if {"parameters", "path"} & observer.needs:
        found.send("states", batch.state)
    if "update_noise" in observer.needs:
        nothing = arrays.put(np.full(1, -1)), arrays.put(np.empty((1, 0), np.int64))
        quiet = put_on(low.quiet, study.dtype, arrays.put)
        for name, kind, numbers in (
            ("noisy", low.dynamics, setting.dynamics),
            ("quiet", low.quiet, quiet),
        ):
            out = room(name, size)
            program = model_program(study, low, where, dynamics=kind)
            noise = Noise(batch.state, out, *nothing, *place, setting.data, numbers, low.key, setting.events)
            launch(program, "noise", noise)
            found.send(name, out)
    if "curvature" in observer.needs:
        plan, starts, tolerance = lanczos(study, low)
        out = room("curvature", 3)
        program = model_program(study, low, "global", plan=plan)
        curve = Curve(batch.state, batch.diverged, columns, out, setting.data, arrays.put(starts), tolerance)
        launch(program, "curve", curve)
        found.send("curvature", out)
    return found


def measured_rows(
    found: Measurements, begin: int, end: int, lowered: Lowered, first: int, now: int
) -> Measured:
    """Return some rows of measurements, as the observer takes them; `first` is the number of row 0."""

    def rows(name: str) -> Array:
        return found.rows(name)[begin:end]

    def noise() -> Array:
        with np.errstate(invalid="ignore"):  # diverged trajectories
            return np.asarray(rows("noisy") - rows("quiet"))

    return Measured(
        columns=lambda place: found.columns(place)[begin:end],
        states=lambda: rows("states"),
        noise=noise,
        curvature=lambda bad: rows("curvature"),
        stepped=lambda dynamics: stepped_rows(lowered, rows("states"), first + begin, now, dynamics),
    )
