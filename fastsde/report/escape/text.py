"""What the page says of escape: who leaves when, and what makes it sooner."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from fastsde.analysis import Analysis
from fastsde.analysis.escape.course import other_course
from fastsde.analysis.escape.hazard import HazardRatio
from fastsde.analysis.escape.places import is_rank, rank_place
from fastsde.analysis.phrases import between, enumerated
from fastsde.analysis.summary import ordered
from fastsde.report.escape.effects import (
    barriers,
)

if TYPE_CHECKING:
    from fastsde.analysis.escape.section import Escape, EscapeCurves


def escaped(analysis: Analysis) -> bool:
    """Whether any trajectory of any model escaped from the first place."""
    found: Escape = analysis.sections["escape"]
    return any(one.escaped[0] > 0 for one in found.models.values())


def finding(analysis: Analysis) -> str:
    """Say which models escape when the reference does, and by what factor the others differ."""
    found = analysis.sections["escape"]
    same: list[str] = []
    other: list[str] = []
    rates: list[str] = []
    for name in ordered(analysis):
        one = found.models[name]
        low, high = one.median_ratio_low[0], one.median_ratio_high[0]
        if not math.isfinite(one.median_ratio[0]):
            if one.hazard_ratio_low[0] > 1 or one.hazard_ratio_high[0] < 1:
                span = between(one.hazard_ratio_low[0], one.hazard_ratio_high[0])
                rates.append(f"{escape(name)} {one.hazard_ratio[0]:.3g} times ({span})")
            continue
        if low <= 1 <= high:
            same.append(escape(name))
        else:
            other.append(f"{escape(name)} {one.median_ratio[0]:.3g} times ({between(low, high)})")
    empty = [escape(name) for name in ordered(analysis) if not found.models[name].arrived[0]]
    reference = escape(found.reference)
    time = f"time to reach {found.places[0]}" if barriers(found.places) else "escape time"
    said = f"Median {time} indistinguishable from {reference}'s: {', '.join(same)}."
    sentences = [said] if same else []
    if other:
        more = f", and {len(other) - 4} more in the table" if len(other) > 4 else ""
        sentences.append(f"Median {time} differs from {reference}'s: {'; '.join(other[:4])}{more}.")
    if rates:
        sentences.append(f"Escape rate differs from {reference}'s: {'; '.join(rates[:4])}.")
    if empty:
        sentences.append(f"Undetermined for {enumerated(empty)}: nearly all trajectories diverge.")
    return " ".join(sentences)


def hazard_finding(analysis: Analysis) -> str:
    """Say how the hazard of the reference depends on time, and for which models it differs."""
    found = analysis.sections["escape"]
    rank = next((r for r in range(len(found.places)) if _later(found.models[found.reference], r)), None)
    if rank is None:
        return f"Too few escapes of {escape(found.reference)} to say how their rate depends on time."
    reference = _later(found.models[found.reference], rank)
    place = found.places[rank]
    later = is_rank(place) and any(map(is_rank, found.places[:rank]))
    where = "the arrival" if later else "the start at the origin" if place == rank_place(0) else "the start"
    target = f"from {place}" if is_rank(place) else f"to {place}"
    said = f"Escape rate {target} after {where}: {_went(found.models, found.reference, rank)}."
    others = {name: _later(found.models[name], rank) for name in ordered(analysis) if name != found.reference}
    other = [name for name, one in others.items() if one and reference and other_course(one, reference)]
    same = [escape(name) for name, one in others.items() if one and name not in other]
    if same:
        said += f" Indistinguishable from it: {', '.join(same)}."
    if other:
        more = f", and {len(other) - 4} more" if len(other) > 4 else ""
        said += " Time dependence differs: "
        said += f"{'; '.join(_went(found.models, name, rank) for name in other[:4])}{more}."
    return said


def _later(one: EscapeCurves, rank: int) -> HazardRatio | None:
    """Return the later hazard over the earlier, where it is known."""
    ends = (one.later, one.later_low, one.later_high)
    values = [float(each[rank]) for each in ends]
    return HazardRatio(values[0], values[1], values[2], math.nan) if all(map(math.isfinite, values)) else None


def _went(models: dict[str, EscapeCurves], name: str, rank: int) -> str:
    one = models[name]
    span = between(one.later_low[rank], one.later_high[rank], ".2g")
    word = "is constant" if one.course[rank] == "constant" else one.course[rank]
    return f"{escape(name)} {word} ({one.later[rank]:.2g} times as high after the median escape, {span})"
