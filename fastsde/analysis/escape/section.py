"""Escape from each saddle or over each barrier: curves, divergences, hazards, and the effects of settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.escape.effects import COVARIATES, Effect, Group, effect, families
from fastsde.analysis.escape.model_curves import EscapeCurves, Shape, escape_curves
from fastsde.analysis.escape.model_row import cells
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.places import known_stays
from fastsde.analysis.law import log_spaced
from fastsde.analysis.protocols import Floats
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

__all__ = ["Escape", "EscapeCurves", "escape_groups", "measure"]


@dataclass(frozen=True)
class Escape:
    """Escape from every saddle, of every model.

    Attributes
    ----------
    source : str
        Where the passages come from.
    places : tuple of str
        What is left: "rank 0", "rank 1", ... of a network; of a landscape what is crossed, such as
        "coordinate 1 above 0.5" or "radius 1".
    reference : str
        Model that the others are compared with: the analysis's, or without one the first.
    grid : ndarray, shape (rank, grid)
        Times at which curves are kept, from the arrival at the rank.
    edge : ndarray, shape (rank, bin + 1)
        Edges of the hazards' bins, quantiles of all escape times.
    horizon : ndarray, shape (rank,)
        Up to where means are taken: the time by which 95 % of all stays have ended.
    models : dict of str to EscapeCurves
    effects : dict of str to Effect
        Effects of the models' settings where models differ in one only; each knows its place and covariate,
        and keys only distinguish them.
    """

    source: str
    places: tuple[str, ...]
    reference: str
    grid: Floats
    edge: Floats
    horizon: Floats
    models: dict[str, EscapeCurves]
    effects: dict[str, Effect]


def measure(context: Context) -> Escape | None:
    """Measure the escape of every model; None if nothing says when it happens."""
    found = {name: known_stays(view, context) for name, view in context.views.items()}
    known = {name: one for name, one in found.items() if one is not None}
    if len(known) < len(found):
        return None
    end = float(next(iter(context.views.values())).time[-1])
    by_model = {name: one.stays for name, one in known.items()}
    first = next(iter(known.values()))
    reference = context.reference or next(iter(known))
    spread = log_spaced(np.asarray(next(iter(context.views.values())).step))
    shapes = [Shape(spread, [many[r] for many in by_model.values()], end) for r in range(len(first.places))]
    models = {
        name: escape_curves(
            many, by_model[reference] if name != reference else None, shapes, context.settings.seed
        )
        for name, many in by_model.items()
    }
    return Escape(
        source=first.source,
        places=first.places,
        reference=reference,
        grid=np.array([shape.grid for shape in shapes]),
        edge=np.array([shape.edge for shape in shapes]),
        horizon=np.array([shape.horizon for shape in shapes]),
        models=models,
        effects=_effects(escape_groups(context, by_model), context.settings.seed),
    )


def escape_groups(context: Context, by_model: Mapping[str, list[Passages]]) -> list[list[Group]]:
    """Return, for each rank, the groups of stays with what each model is."""
    study = context.ensemble.study
    settings = {name: study.models[name].model_dump(exclude_none=True) for name in by_model}
    data = study.data.seed if study.data is not None else study.seed
    ranks = len(next(iter(by_model.values())))
    return [
        [Group(name, settings[name], data, many[r]) for name, many in by_model.items()] for r in range(ranks)
    ]


def _effects(by_rank: list[list[Group]], seed: int) -> dict[str, Effect]:
    effects = {}
    for rank, groups in enumerate(by_rank):
        for covariate in COVARIATES:
            for number, family in enumerate(families(groups, covariate)):
                found = effect(family, covariate, seed, rank)
                if found is not None:
                    effects[f"rank {rank} {covariate} {number}"] = found
    return effects


SECTION = register_section(
    Section(
        name="escape",
        record=Escape,
        measure=measure,
        order=70,
        cells=cells,
        cost=Cost(
            (0, 0.0115, 0, 0, 5.38e-06, 1.39e-07, 1.29e-05, 1.66e-06)
        ),  # fitted over measured: 0.46 to 1.27
    )
)
