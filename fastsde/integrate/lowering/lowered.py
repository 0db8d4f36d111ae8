"""A model as the kernels take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Lowered"]


@dataclass(frozen=True)
class Lowered:
    """A model as the kernels take it.

    Parameters
    ----------
    network, data, dynamics, events
        Named tuples of `fastsde.kernels`.
    key, start_key : tuple of two uint64
        Philox keys of the model's draws and of its starting points.
    choice : int
        Rows of sample indices that a block needs.
    trace : int
        Which formula gives the noise trace.
    quiet
        The dynamics without its noise.
    passages : int
        First passages that are looked for.
    carried : int
        Numbers besides the parameters that a trajectory carries from step to step.
    attributes : dict
        What is worth knowing afterwards: dt, substeps, temperature, ...
    """

    network: Any
    data: Any
    dynamics: Any
    events: Any
    key: tuple[np.uint64, np.uint64]
    start_key: tuple[np.uint64, np.uint64]
    choice: int
    trace: int
    quiet: Any
    passages: int
    carried: int
    attributes: dict[str, float | int | str]
