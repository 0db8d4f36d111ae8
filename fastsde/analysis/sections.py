"""The sections of an analysis: each asks an ensemble one question, and answers with one record.

A section is declared by a `Section` in the module that measures it, and registered there. Its answer is
stored in ``analysis.h5`` under ``sections/NAME``, in `Analysis.sections`, and in ``--json``; the figures that
show it are registered in `fastsde.report.spec`. A section reads the ensemble in blocks, so that memory grows
with neither snapshots nor, where possible, trajectories.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import h5py

from fastsde.analysis import records
from fastsde.analysis.context import Context
from fastsde.analysis.distances.effect import Effects
from fastsde.analysis.distances.from_reference import FromReference
from fastsde.analysis.protocols import Ensemble, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.shape.moments import Moments
from fastsde.system.brief import make_brief
from fastsde.system.errors import RequestError
from fastsde.system.progress import Progress, Silent
from fastsde.system.registry import LAST, Registry

if TYPE_CHECKING:
    from fastsde.analysis.settings import Settings
    from fastsde.study.study import Study

__all__ = [
    "SECTIONS",
    "Section",
    "measure_sections",
    "of_networks",
    "of_regressions",
    "read_sections",
    "register_section",
]

R = TypeVar("R")
SHARES = 1000
"""Units of progress per second that a section is expected to take."""
LEAST_WEIGHT = 0.1
"""Seconds of progress for a section that is expected to take less, or of which nothing is known."""


def of_any(study: Study) -> bool:
    """Whether a section applies to a study: to any."""
    return True


def of_networks(study: Study) -> bool:
    """Whether a study is of a deep linear network: for sections on saddles, ranks and feature learning."""
    return study.objective.linear


def of_regressions(study: Study) -> bool:
    """Whether a study is of a network that learns from inputs and labels: for what is known exactly there."""
    return study.objective.linear and not study.objective.measured


@dataclass(frozen=True)
class Section(Generic[R]):
    """One question to an ensemble, and all that is said about it in the analysis.

    Attributes
    ----------
    name : str
        Under which the answer is stored, and which ``fastsde analyze --sections`` takes.
    record : type
        Class of the answer, a frozen dataclass; see `fastsde.analysis.records` for its fields.
    measure : callable
        From a `Context` to the answer, or None if the ensemble lacks what it needs.
    order : int
        Place among the sections; they are measured in this order.
    applies : callable
        Whether the question makes sense for a study: `of_any`, `of_networks`, or any function of a study.
    cost : Cost, optional
        For ``fastsde plan``.
    settings : mapping of str to float
        Settings of this section alone, with their defaults; `own_settings` returns their values.
    numbers : callable, optional
        From an analysis and the name of a model to what the section adds to the model's row of
        `fastsde.analysis.summary.summary`. Called without the section's answer too: `of` returns None then.
    cells : callable, optional
        The same as text, for the table on a terminal: cells by column head.
    significant : bool
        Whether its distances, which it adds to `Context.comparison`, are part of the test of significance.
        Such a section is measured together with the pass over all snapshots.
    finish : callable, optional
        From the answer, the reference and the significance of every model to the answer that is stored.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Count:
    ...     trajectories: int
    >>> section = Section("count", Count, lambda context: Count(sum(v.count for v in context.views.values())))
    >>> section.name, section.record.__name__
    ('count', 'Count')
    """

    name: str
    record: type[R]
    measure: Callable[[Context], R | None]
    order: int = LAST
    applies: Callable[[Study], bool] = of_any
    cost: Cost | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    numbers: Callable[[Any, str], dict[str, Any]] | None = None
    cells: Callable[[Any, str], dict[str, str]] | None = None
    significant: bool = False
    finish: Callable[[Any, str, Mapping[str, Any]], R] | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"a section needs a name of letters, digits and underscores, not {self.name!r}")
        if not dataclasses.is_dataclass(self.record):
            raise TypeError(f"the record of the section {self.name!r} is to be a dataclass")
        make_brief(self.record)

    def of(self, analysis: Any) -> R | None:
        """Return the answer that an analysis has, or None."""
        found: R | None = analysis.sections.get(self.name)
        return found

    def own_settings(self, settings: Settings) -> dict[str, float]:
        """Return the section's own settings: its defaults, and what `settings` has in their place.

        Raises
        ------
        RequestError
            If `settings` has one that the section has not.
        """
        given = settings.own.get(self.name, {})
        unknown = [name for name in given if name not in self.settings]
        if unknown:
            known = ", ".join(self.settings) or "none"
            raise RequestError(f"the section {self.name} has no setting {unknown[0]!r}; it has {known}")
        return {**self.settings, **given}


SECTIONS: Registry[Section[Any]] = Registry("section of the analysis", "fastsde.analysis")
"""All sections by name, in the order in which they are measured."""

register_section = SECTIONS.register
"""Register a `Section`, and return it."""


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
    expected: Mapping[str, float] | None = None,
) -> tuple[dict[str, Any], dict[str, float]]:
    """Measure all sections or `only` some; return the answers there are, and the seconds of each section.

    Progress is in the seconds `expected` of each section, in any unit.
    """
    progress = progress or Silent()
    context = Context(ensemble, views, reference, settings, progress, moments or {}, effects, comparison)
    asked = [
        section
        for section in SECTIONS.values()
        if section.applies(ensemble.study) and (only is None or section.name in only)
    ]
    found, seconds = {}, {}
    weights = {section.name: max(LEAST_WEIGHT, (expected or {}).get(section.name, 0.0)) for section in asked}
    done = 0.0
    with progress.task("analyse", round(SHARES * sum(weights.values())), ""):
        for section in asked:
            progress.update(round(SHARES * done), section.name)
            start = time.perf_counter()
            found[section.name] = section.measure(context)
            seconds[section.name] = time.perf_counter() - start
            done += weights[section.name]
        progress.update(round(SHARES * done))
    return {name: record for name, record in found.items() if record is not None}, seconds


def finished(found: Mapping[str, Any], reference: str, significance: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers in the order of the sections, completed by the significance of the models."""
    ordered = {name: section for name, section in SECTIONS.items() if name in found}
    return {
        name: found[name] if section.finish is None else section.finish(found[name], reference, significance)
        for name, section in ordered.items()
    }


def read_sections(file: h5py.File) -> dict[str, Any]:
    """Read the answers of the sections that an analysis file has, of those that are registered."""
    group = file.get("sections", {})
    return {
        name: records.read(group[name], section.record) for name, section in SECTIONS.items() if name in group
    }


def check_own_settings(settings: Settings) -> None:
    """Refuse settings of sections that there are not, or that they do not have.

    Raises
    ------
    RequestError
    """
    for name in settings.own:
        if name not in SECTIONS:
            raise RequestError(f"settings of a section {name!r}, which there is not: {', '.join(SECTIONS)}")
        SECTIONS[name].own_settings(settings)
