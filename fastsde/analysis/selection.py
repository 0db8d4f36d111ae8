"""Which sections an analysis measures, and which it keeps from an earlier one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.phrases import enumerated
from fastsde.analysis.protocols import Ensemble, Trajectories
from fastsde.analysis.sections import SECTIONS
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from fastsde.analysis.results import Findings
    from fastsde.analysis.settings import Settings

__all__ = ["SNAPSHOTS", "check_kept", "check_sections", "measured_together", "significant_sections"]

SNAPSHOTS = "snapshots"
"""The pass over all snapshots: moments, distances over time and learning times of every model."""


def check_sections(names: Sequence[str]) -> None:
    """Refuse names of sections that there are not.

    Raises
    ------
    RequestError
    """
    known = (SNAPSHOTS, *SECTIONS)
    unknown = [name for name in names if name not in known]
    if not names:
        raise RequestError(f"no section is named; an analysis has {', '.join(known)}")
    if unknown:
        raise RequestError(f"no section {unknown[0]!r} in an analysis; it has {', '.join(known)}")


def measured_together(names: Sequence[str] | None, kept: bool) -> Sequence[str] | None:
    """Return the sections to measure so that the significance rests on all distances; None for all.

    Parameters
    ----------
    names : sequence of str, optional
        The sections that are asked for; all by default.
    kept : bool
        Whether an earlier analysis has all of them, and they are kept.

    Examples
    --------
    >>> measured_together(["tails"], kept=True), measured_together(["tails"], kept=False)
    (['tails'], ['tails', 'snapshots', 'distances'])
    >>> measured_together(["snapshots"], kept=True), measured_together(["distances"], kept=True)
    (['snapshots', 'distances'], ['distances', 'snapshots'])
    """
    together = (SNAPSHOTS, *significant_sections())
    if names is None or (kept and not set(together) & set(names)):
        return names
    return list(dict.fromkeys([*names, *together]))


def significant_sections() -> list[str]:
    """Return the sections whose distances are tested with those of the pass over all snapshots."""
    return [name for name, section in SECTIONS.items() if section.significant]


def check_kept(
    before: Findings,
    ensemble: Ensemble,
    views: Mapping[str, Trajectories],
    reference: str,
    settings: Settings,
) -> None:
    """Refuse to add sections to an analysis of something else, or done otherwise.

    Raises
    ------
    RequestError
        Naming what differs.
    """
    step = next(iter(views.values())).step
    differs = {
        "the study": before.fingerprint != ensemble.study.fingerprint(),
        "the models": list(before.models) != list(views),
        "the number of trajectories": any(
            name in before.models and before.models[name].trajectories != view.count
            for name, view in views.items()
        ),
        "the snapshots": not np.array_equal(before.step, step),
        "the reference": before.reference != reference,
    }
    here, there = dataclasses.asdict(settings), dataclasses.asdict(before.settings)
    if settings.quick == before.settings.quick:
        differs |= {f"the setting {name}": there[name] != value for name, value in here.items()}
    names = [name for name, other in differs.items() if other]
    why = [f"it differs in {enumerated(names)}"] if names else []
    if settings.quick != before.settings.quick:
        why.append(
            "it is a quick one" if before.settings.quick else "it is not a quick one, as this would be"
        )
    if why:
        same = "analyse with --quick as well, or without --sections"
        way = (
            same if before.settings.quick and not (settings.quick or names) else "analyse without --sections"
        )
        raise RequestError(
            f"single sections cannot be added to the analysis that is there: {' and '.join(why)}; {way}"
        )
