"""How a trained state's future spreads: the section on ensembles that branch from states of another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.branching.variance_components import Components, variance_components
from fastsde.analysis.coordinates import feature_matrix, feature_names
from fastsde.analysis.protocols import Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, of_networks, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

__all__ = ["Branching", "Spread", "measure"]

SMALLEST_LOSS = 1e-300


@dataclass(frozen=True)
class Spread:
    """Components of variance of one model, each of shape (snapshot, quantity); see `Components`."""

    within: Floats
    between: Floats
    share: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Branching:
    """What the section found.

    Attributes
    ----------
    states, branches : int
        Number of states from which trajectories start, and of trajectories from each.
    step : ndarray, shape (snapshot,)
        Steps since the branching.
    quantities : tuple of str
        Modes as fractions of their strength, and log10 loss, as recorded.
    models : dict of str to Spread
        By model.
    """

    states: int
    branches: int
    step: Floats
    quantities: tuple[str, ...]
    models: dict[str, Spread]


def measure(context: Context) -> Branching | None:
    """Split the spread of every model at every snapshot; None if trajectories do not branch."""
    study = context.ensemble.study
    branches = context.branches
    modes, loss = context.recorded("modes"), context.recorded("loss")
    whole = all(view.count == study.trajectories for view in context.views.values())
    states = -(-study.trajectories // branches)
    if branches < 2 or states < 2 or not whole or not (modes or loss):
        return None
    names = feature_names(len(context.strength) if modes else 0, loss, study.objective.vocabulary.mode_name)
    spreads = {name: _spread(context, view, branches, modes, loss) for name, view in context.views.items()}
    step = np.asarray(next(iter(context.views.values())).step, dtype=np.float64)
    return Branching(states, branches, step, names, spreads)


def _spread(context: Context, view: Trajectories, branches: int, modes: bool, loss: bool) -> Spread:
    found: list[Components] = []
    for index in range(len(view.step)):
        points = feature_matrix(
            view.read("modes", index) if modes else None,
            view.read("loss", index) if loss else None,
            context.scale,
            SMALLEST_LOSS,
        )
        found.append(variance_components(points, branches, context.settings.seed))
    columns = ("within", "between", "share", "low", "high")
    return Spread(*(np.stack([getattr(one, column) for one in found]) for column in columns))


SECTION = register_section(
    Section(
        name="branching",
        record=Branching,
        measure=measure,
        order=140,
        applies=of_networks,
        cost=Cost((0.001, 0, 0, 0, 0, 0, 0, 0)),  # 1.00 to 1.00
    )
)
