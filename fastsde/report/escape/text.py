"""What the page says of escape: who leaves when, and what makes it sooner."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from fastsde.analysis import Analysis
from fastsde.analysis.escape.course import other_course
from fastsde.analysis.escape.hazard import HazardRatio
from fastsde.analysis.phrases import between, enumerated
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import writing
from fastsde.report.escape import figures
from fastsde.report.escape.effects import (
    barriers,
    effect_finding,
    effect_rows,
    effect_sentences,
    effects_table,
)
from fastsde.report.spec import FigureSpec
from fastsde.report.writing import p_value

if TYPE_CHECKING:
    from fastsde.analysis.escape.section import Escape, EscapeCurves

__all__ = ["SPECS", "effect_finding", "effect_rows", "effect_sentences", "effects_table"]


def _found(analysis: Analysis) -> Escape | None:
    return analysis.sections.get("escape")


def _escaped(analysis: Analysis) -> bool:
    found = _found(analysis)
    return found is not None and any(one.escaped[0] > 0 for one in found.models.values())


def _has_effects(analysis: Analysis) -> bool:
    found = _found(analysis)
    return found is not None and bool(found.effects)


def _finding(analysis: Analysis) -> str:
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


def _table(analysis: Analysis) -> str:
    found = analysis.sections["escape"]
    step = time_per_step(analysis)
    ranks = range(min(figures.RANKS, len(found.grid)))
    head = ("model", *(figures.passage_name(found.places[rank]) for rank in ranks))
    rows = [
        [escape(name), *(_cell(found.models[name], rank, step) for rank in ranks)]
        for name in ordered(analysis)
    ]
    note = (
        f"<p>Median stay in steps with its 95 % interval; mean stay restricted to the time by which "
        f"95 % of all stays have ended, both as if nothing exploded; ratio to {escape(found.reference)} of "
        f"the hazards of escape of those still there (Cox) and the log-rank p-value, with explosions ending "
        f"a stay as the end of the run does. From {escape(found.source)}.</p>"
    )
    return note + writing.table(head, rows)


def _cell(one: EscapeCurves, rank: int, step: float) -> str:
    if not one.arrived[rank]:
        return writing.NOTHING
    median, low, high = (v[rank] / step for v in (one.median, one.median_low, one.median_high))
    text = writing.steps(median, low, high)
    mean, low, high = (
        v[rank] / step for v in (one.restricted_mean, one.restricted_mean_low, one.restricted_mean_high)
    )
    text += f'<span class="what">restricted mean {mean:,.0f} ({low:,.0f} to {high:,.0f}); '
    text += f"{one.escaped[rank]:,.0f} of {one.arrived[rank]:,.0f} escaped"
    text += f", {one.exploded[rank]:,.0f} exploded" if one.exploded[rank] else ""
    text += "</span>"
    if math.isfinite(one.hazard_ratio[rank]):
        span = between(one.hazard_ratio_low[rank], one.hazard_ratio_high[rank], ".2f")
        text += f'<span class="what">hazard ratio {one.hazard_ratio[rank]:.2f} ({span}), '
        text += f"p {p_value(one.logrank_p[rank], '= ')}</span>"
    return text


def _hazard_finding(analysis: Analysis) -> str:
    """Say how the hazard of the reference goes on after the arrival, and which models do otherwise."""
    found = analysis.sections["escape"]
    rank = next((r for r in range(len(found.places)) if _later(found.models[found.reference], r)), None)
    if rank is None:
        return f"Too few escapes of {escape(found.reference)} to say how their rate depends on time."
    reference = _later(found.models[found.reference], rank)
    where = "the start" if barriers(found.places) else "the arrival" if rank else "the start at the origin"
    target = f"to {found.places[rank]}" if barriers(found.places) else f"from rank {rank}"
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


SPECS = (
    FigureSpec(
        name="escape",
        title="Escape",
        caption=(
            "In a network a trajectory is at rank r from the moment at which the r-th of its modes is "
            "learned, in whatever order it learns them, to the next. Lines: Kaplan-Meier share of those "
            "still there, with 95 % bands; dotted: share that exploded first, which is a competing end. "
            "Times count from the arrival, on a landscape from the start."
        ),
        source=(
            "<code>analysis.h5 sections/escape/models</code>; S(t) = &Pi; (1 &minus; "
            "d<sub>i</sub>/n<sub>i</sub>), Greenwood's band; shares with explosions competing after Aalen "
            "and Johansen; hazard ratios by Cox's partial likelihood; bootstrap over trajectories."
        ),
        draw=figures.curves,
        applies=_escaped,
        finding=_finding,
        beside=_table,
    ),
    FigureSpec(
        name="escape_hazard",
        title="Escape rate",
        caption=(
            "Escapes per step of those still there, with exact 95 % Poisson bands, on a logarithmic axis "
            "(bins without an escape have none). Growth of a "
            "perturbation gives a rate that rises from nothing; jumps over a barrier one that is constant "
            "from the start. It is said to rise or to fall where the rate after the median escape differs "
            "from that before it at 5 %, and to turn where a bin in between stands out from the first and "
            "the last."
        ),
        source=(
            "<code>analysis.h5 sections/escape/models/MODEL/hazard, later, course</code>: escapes over time "
            "at risk in each bin, and after over before the median escape with Fisher's interval (Epstein "
            "and Sobel 1953)."
        ),
        draw=figures.hazards,
        applies=_escaped,
        finding=_hazard_finding,
    ),
    FigureSpec(
        name="escape_effects",
        title="What makes escape faster",
        caption=(
            "Time by which half of all that arrived have escaped (a quarter or a tenth where half never do; "
            "those that explode first never do), for models that differ in one setting and agree in all "
            "others. Stable noise of the same scale in a step has larger sums over longer times; only "
            "tempered noise has the same covariance as Gaussian noise at all times, and so tells of tails "
            "alone. <b>Theory expects little at saddles, where the escape time has the logarithm of the "
            "noise in it (Gaussian and stable alike), and much at barriers, which Gaussian noise climbs in a "
            "time that is exponential in the barrier, and stable noise jumps in a time that is a power of "
            "the noise.</b>"
        ),
        source=(
            "<code>analysis.h5 sections/escape/effects</code>; times are quantiles of the cumulative "
            "incidence of escape (Aalen and Johansen), explosions competing. Ratios of hazards (Cox) are of "
            "the hazard of escape of those still there: an explosion ends a stay there as the end of the run "
            "does. Where data sets vary, all is taken within each data set that every level has, and "
            "intervals and p are Student's over data sets; else intervals are by a bootstrap of 400 "
            "replicates over trajectories, those of hazards Wald's."
        ),
        draw=figures.effects,
        applies=_has_effects,
        finding=lambda analysis: effect_finding(
            analysis.sections["escape"].effects, analysis.sections["escape"].places
        ),
        beside=lambda analysis: effects_table(
            analysis.sections["escape"].effects,
            time_per_step(analysis),
            "steps",
            analysis.sections["escape"].places,
        ),
    ),
)
