"""The jobs of a device: what a task is given, as named tuples of numbers and arrays on the device.

Arrays have the trajectories along the first axis.
"""

from typing import Any, NamedTuple

__all__ = ["Advance", "Curve", "Draw", "Measure", "Noise", "Start"]


class Advance(NamedTuple):
    """Numbers of an integration."""

    state: Any
    diverged: Any
    passed: Any
    rows: Any  # of the arrays, one for each trajectory of the launch
    trajectory: Any  # number of the one in row 0
    start: int
    steps: int
    data: Any
    dynamics: Any
    key: Any
    events: Any


class Measure(NamedTuple):
    """Numbers of a measurement: columns as `fastsde.kernels.observe.observe` writes them."""

    state: Any
    out: Any
    data: Any
    net: Any  # sizes and places as numbers: compilers unroll no loop over them


class Noise(NamedTuple):
    """End-to-end matrices one step on, with noise and without."""

    state: Any
    out: Any
    diverged: Any  # not looked at
    passed: Any
    trajectory: Any
    start: int
    data: Any
    dynamics: Any
    key: Any
    events: Any


class Curve(NamedTuple):
    """Numbers of extreme Hessian eigenvalues."""

    state: Any
    diverged: Any
    columns: Any  # of the measurement before
    out: Any
    data: Any
    starts: Any
    tolerance: float


class Start(NamedTuple):
    """Starting points ``origins[number mod origins] + scales * normals``, nothing noted of them yet."""

    state: Any
    diverged: Any
    passed: Any
    trajectory: Any
    key: Any
    origins: Any  # (origins, parameters)
    scales: Any  # (parameters,)


class Draw(NamedTuple):
    """Normals added to a state, step after step: what a generator costs where nothing is stored."""

    state: Any
    trajectory: Any
    steps: int
    key: Any
