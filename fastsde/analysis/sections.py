"""The sections of an analysis: each asks an ensemble one question, and answers with one record.

A section is a name, the class of its record (a frozen dataclass; see `fastsde.analysis.records` for what its
fields may be) and the function that measures it. It reads the ensemble blockwise, so that memory grows with
neither snapshots nor, where it can be helped, trajectories. What it found stands in ``analysis.h5`` under
``sections/NAME``, in `Analysis.sections`, and in ``--json``; a module of `fastsde.report` shows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py

from fastsde.analysis import records
from fastsde.analysis.branching import section as branching
from fastsde.analysis.context import Context
from fastsde.analysis.currents import mixing
from fastsde.analysis.currents import section as currents
from fastsde.analysis.distances import battery, pairs, relevance
from fastsde.analysis.distances.effect import Effects
from fastsde.analysis.distances.from_reference import FromReference
from fastsde.analysis.escape import section as escape
from fastsde.analysis.features import alignment, diffusion, late_law, rank
from fastsde.analysis.protocols import Ensemble, Trajectories
from fastsde.analysis.saddles import section as saddles
from fastsde.analysis.shape import section as shape
from fastsde.analysis.shape.moments import Moments
from fastsde.analysis.tails import section as tails
from fastsde.system.progress import Progress, Silent

if TYPE_CHECKING:
    from fastsde.analysis.settings import Settings

__all__ = ["SECTIONS", "Section", "measure_sections", "read_sections"]


@dataclass(frozen=True)
class Section:
    """One question to an ensemble.

    Attributes
    ----------
    name : str
        Where the answer stands in an analysis.
    record : type
        Class of the answer.
    measure : callable
        From a `Context` to the answer, or None where the ensemble has not what it takes.
    networks_only : bool
        Whether the question makes no sense on a landscape.
    """

    name: str
    record: type
    measure: Callable[[Context], Any]
    networks_only: bool = False


SECTIONS: tuple[Section, ...] = (
    Section("distances", battery.Battery, battery.measure),
    Section("pairs", pairs.Pairs, pairs.measure),
    Section("relevance", relevance.Relevance, relevance.measure),
    Section("shape", shape.ShapeSection, shape.measure),
    Section("tails", tails.TailSection, tails.measure),
    Section("saddles", saddles.Saddles, saddles.measure, networks_only=True),
    Section("escape", escape.Escape, escape.measure),
    Section("diffusion", diffusion.Diffusion, diffusion.measure, networks_only=True),
    Section("rank", rank.Ranks, rank.measure, networks_only=True),
    Section("alignment", alignment.Alignment, alignment.measure, networks_only=True),
    Section("late_law", late_law.LateLaws, late_law.measure, networks_only=True),
    Section("currents", currents.Currents, currents.measure),
    Section("mixing", mixing.MixingTimes, mixing.measure),
    Section("branching", branching.Branching, branching.measure, networks_only=True),
)
"""All sections, in the order in which they are measured."""


def measure_sections(
    ensemble: Ensemble,
    views: Mapping[str, Trajectories],
    reference: str,
    settings: Settings,
    progress: Progress | None = None,
    moments: Mapping[str, Moments] | None = None,
    effects: Effects | None = None,
    comparison: FromReference | None = None,
    *,
    only: Collection[str] | None = None,
) -> tuple[dict[str, Any], dict[str, float]]:
    """Ask all sections, or `only` some; those without an answer are left out. Also return their seconds."""
    progress = progress or Silent()
    context = Context(ensemble, views, reference, settings, progress, moments or {}, effects, comparison)
    landscape = ensemble.study.landscape is not None
    asked = [
        section
        for section in SECTIONS
        if not (landscape and section.networks_only) and (only is None or section.name in only)
    ]
    found, seconds = {}, {}
    with progress.task("analyse", len(asked), "sections"):
        for number, section in enumerate(asked):
            progress.update(number, section.name)
            start = time.perf_counter()
            found[section.name] = section.measure(context)
            seconds[section.name] = time.perf_counter() - start
        progress.update(len(asked))
    return {name: record for name, record in found.items() if record is not None}, seconds


def read_sections(file: h5py.File) -> dict[str, Any]:
    """Read the records of the sections that an analysis file has."""
    group = file.get("sections", {})
    return {one.name: records.read(group[one.name], one.record) for one in SECTIONS if one.name in group}
