"""Do singular vectors point at the modes and layers at each other, and are layers balanced? Over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.late_window import survivors
from fastsde.analysis.protocols import Bools, Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, of_networks, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

NAMES = ("mode_alignment", "layer_alignment", "balance")
LEVELS = (0.05, 0.5, 0.95)
ROWS = 20_000
"""Most trajectories over which quantiles are taken."""


@dataclass(frozen=True)
class ModelAlignment:
    """Quantiles at `LEVELS` over the trajectories that never diverged, (level, snapshot, mode or interface).

    Attributes
    ----------
    counted : int
    quantiles : dict of str to ndarray
        By the names of `NAMES` that were recorded; without its sign for mode_alignment.
    """

    counted: int
    quantiles: dict[str, Floats]


@dataclass(frozen=True)
class Alignment:
    """Alignment and balance of all models."""

    models: dict[str, ModelAlignment]


def measure(context: Context) -> Alignment | None:
    """Take quantiles of what was recorded; None without any interface and mode."""
    layers = len(context.ensemble.study.widths) - 1
    names = [name for name in NAMES if context.recorded(name) and (layers > 1 or name == "mode_alignment")]
    if not names or names == ["balance"]:
        return None
    return Alignment({name: _model(view, names) for name, view in context.views.items()})


def _model(view: Trajectories, names: list[str]) -> ModelAlignment:
    alive = survivors(view)
    quantiles = {
        name: np.stack([_row(view, name, s, alive) for s in range(len(view.step))], 1) for name in names
    }
    return ModelAlignment(int(alive.sum()), quantiles)


def _row(view: Trajectories, name: str, snapshot: int, alive: Bools) -> Floats:
    values = np.abs(np.asarray(view.read(name, snapshot), dtype=np.float64)[alive][:ROWS])
    if not len(values):
        return np.full((len(LEVELS), values.shape[1]), np.nan)
    return np.asarray(np.quantile(values, LEVELS, axis=0))


SECTION = register_section(
    Section(
        name="alignment",
        record=Alignment,
        measure=measure,
        order=100,
        applies=of_networks,
        cost=Cost(
            (0, 0.000121, 4.09e-05, 9.63e-07, 5.9e-07, 2.07e-08, 0, 2.38e-08)
        ),  # fitted over measured: 0.88 to 1.04
    )
)
