"""What the page says of escape: who leaves when, and what makes it sooner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from fastsde.analysis import Analysis
from fastsde.analysis.escape.effects import DATA_SET, ONE_DATA_SET, TRAJECTORY, Effect
from fastsde.analysis.summary import ordered, time_per_step
from fastsde.report import escape_figures as figures
from fastsde.report import tables
from fastsde.report.spec import FigureSpec

if TYPE_CHECKING:
    from fastsde.analysis.escape.section import Escape, EscapeCurves

UNITS = {
    TRAJECTORY: "trajectories a side",
    DATA_SET: "data sets",
    ONE_DATA_SET: "trajectories a side of the one data set in common",
}

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
                span = f"{one.hazard_ratio_low[0]:.3g} to {one.hazard_ratio_high[0]:.3g}"
                rates.append(f"{escape(name)} {one.hazard_ratio[0]:.3g} times ({span})")
            continue
        if low <= 1 <= high:
            same.append(escape(name))
        else:
            other.append(f"{escape(name)} {one.median_ratio[0]:.3g} times ({low:.3g} to {high:.3g})")
    reference = escape(found.reference)
    said = f"Not told from {reference} by the time at which half have escaped: {', '.join(same)}."
    sentences = [said] if same else []
    if other:
        more = f", and {len(other) - 4} more in the table" if len(other) > 4 else ""
        goal = f"have reached {found.places[0]}" if _barriers(found.places) else "have left the origin"
        sentences.append(f"Another time by which half {goal} than {reference}: {'; '.join(other[:4])}{more}.")
    if rates:
        sentences.append(f"Another rate of escape than {reference}: {'; '.join(rates[:4])}.")
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
        f"<p>Median stay in steps with its 95 % interval; mean stay up to the time by which 95 % of all "
        f"stays have ended, both as if nothing exploded; ratio to {escape(found.reference)} of the hazards "
        f"of escape of those still there (Cox) and the log-rank p-value, with explosions ending a stay as "
        f"the end of the run does. From {escape(found.source)}.</p>"
    )
    return note + tables.table(head, rows)


def _cell(one: EscapeCurves, rank: int, step: float) -> str:
    if not one.arrived[rank]:
        return tables.NOTHING
    median, low, high = (v[rank] / step for v in (one.median, one.median_low, one.median_high))
    text = f"<b>{_step(median)}</b> <small>({_step(low)} to {_step(high)})</small>"
    mean = one.mean[rank] / step
    text += f'<span class="what">mean {mean:,.0f} ({one.mean_low[rank] / step:,.0f} to '
    text += (
        f"{one.mean_high[rank] / step:,.0f}); {one.escaped[rank]:,.0f} of {one.arrived[rank]:,.0f} escaped"
    )
    text += f", {one.exploded[rank]:,.0f} exploded" if one.exploded[rank] else ""
    text += "</span>"
    if math.isfinite(one.hazard_ratio[rank]):
        span = f"{one.hazard_ratio_low[rank]:.2f} to {one.hazard_ratio_high[rank]:.2f}"
        text += f'<span class="what">hazard ratio {one.hazard_ratio[rank]:.2f} ({span}), '
        text += f"p {_p(one.logrank_p[rank])}</span>"
    return text


def _step(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "never"


def _p(value: float) -> str:
    return "&lt; 0.001" if value < 0.001 else f"= {value:.2g}"


def effect_sentences(found: dict[str, Effect]) -> list[str]:
    """Say what each setting does to the escape from the lowest rank that has effects, tails first."""
    rank = _lowest(found)
    chosen = [one for key, one in found.items() if key.startswith(f"rank {rank} ")]
    return [_sentence(one) for one in sorted(chosen, key=lambda one: one.covariate != "alpha")]


def _lowest(found: dict[str, Effect]) -> int:
    return min((int(key.split()[1]) for key in found), default=0)


def _barriers(places: Sequence[str]) -> bool:
    return bool(places) and not places[0].startswith("rank ")


def effect_finding(found: dict[str, Effect], places: Sequence[str]) -> str:
    """Answer whether heavier tails escape faster from the origin, or over a barrier; say what else does."""
    where = f"reach {places[0]}" if _barriers(places) else "escape"
    rank = _lowest(found)
    origin = "" if _barriers(places) else f" from rank {rank}" if rank else " from the origin"
    tails = any(one.covariate == "alpha" for key, one in found.items() if key.startswith(f"rank {rank} "))
    question = f"Do heavier tails {where} faster{origin}? " if tails else ""
    sentences = effect_sentences(found)
    return question + "; ".join(sentences) + "." if sentences else f"Too few {where}{origin} to compare."


def _sentence(one: Effect) -> str:
    """Say whether the low end of a setting escapes sooner than the high end, and by how much."""
    low, high = one.value[0], one.value[-1]
    ratio, ends = 1 / one.ratio, sorted((1 / one.ratio_low, 1 / one.ratio_high))
    where = f"{escape(figures.family_name(one))}: "
    if one.covariate == "alpha":
        subject = f"tails of index {low:g} instead of {high:g}"
    elif one.covariate == "noise":
        subject, ratio, ends = (
            "anisotropic noise instead of isotropic",
            one.ratio,
            [one.ratio_low, one.ratio_high],
        )
    else:
        subject = f"{figures.short_name(one.covariate)} {low:g} instead of {high:g}"
    share = {0.5: "half", 0.25: "a quarter", 0.1: "a tenth"}[one.share]
    interval = f"{ends[0]:.3g} to {ends[1]:.3g}"
    if ends[0] <= 1 <= ends[1]:
        said = f"no effect of {subject} on the time by which {share} have escaped"
    else:
        said = f"with {subject} {share} have escaped {'sooner' if ratio < 1 else 'later'}"
    units = f"{one.units:,} {UNITS[one.unit]}"
    gone = f"; {_exploded(one)}" if one.exploded.any() else ""
    return f"{where}{said}, time ratio {ratio:.3g} ({interval}; {units}){gone}"


def _exploded(one: Effect) -> str:
    """Say how many exploded at both ends of a setting."""
    ends = [f"{one.exploded[k]:,.0f} of {one.arrived[k]:,.0f} at {one.value[k]:g}" for k in (0, -1)]
    return f"exploded {', '.join(ends)}"


def effects_table(found: dict[str, Effect], unit: float, word: str, places: Sequence[str]) -> str:
    """Tabulate times at both ends of each family, their ratio, the slope and the ratio of hazards."""
    head = (
        "setting, models",
        "passage",
        f"time to escape ({word})",
        "ratio, highest over lowest value",
        "slope of the logarithm",
        "ratio of the hazards of escape, lowest over highest",
        "unit",
    )
    rows = []
    for key, one in found.items():
        ends = (
            f"{one.time[0] / unit:,.4g} at {one.value[0]:g}, {one.time[-1] / unit:,.4g} at {one.value[-1]:g}"
        )
        share = "" if one.share == 0.5 else f" <small>(by which {100 * one.share:g} % have escaped)</small>"
        name = f"{escape(figures.short_name(one.covariate))}"
        rows.append(
            [
                f'{name}<span class="what">{escape(figures.family_name(one))}</span>',
                figures.passage_name(places[int(key.split()[1])]),
                ends + share,
                _span(one.ratio, one.ratio_low, one.ratio_high),
                _span(one.slope, one.slope_low, one.slope_high),
                _hazards(one),
                f"{one.units:,} {UNITS[one.unit]}",
            ]
        )
    return tables.table(head, rows)


def effect_rows(found: dict[str, Effect], places: Sequence[str]) -> list[dict[str, str]]:
    """Return the same as rows of plain text, for a terminal."""
    return [
        {
            "setting": figures.short_name(one.covariate),
            "models": figures.family_name(one),
            "passage": figures.passage_name(places[int(key.split()[1])]),
            "values": f"{one.value[0]:g} to {one.value[-1]:g}",
            "times": f"{one.time[0]:.4g} to {one.time[-1]:.4g}",
            "ratio": f"{one.ratio:.3g} ({one.ratio_low:.3g} to {one.ratio_high:.3g})",
            "exploded": f"{one.exploded[0]:,.0f}, {one.exploded[-1]:,.0f}",
            "unit": f"{one.units:,} {UNITS[one.unit]}",
        }
        for key, one in found.items()
    ]


def _hazards(one: Effect) -> str:
    """Ratio of the hazards of those still there, and how many exploded, which it does not count."""
    p = f" <small>p {_p(one.p)}</small>" if math.isfinite(one.p) else ""
    gone = f'<span class="what">{_exploded(one)}</span>' if one.exploded.any() else ""
    return _span(one.hazard_ratio, one.hazard_low, one.hazard_high) + p + gone


def _span(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return tables.NOTHING
    return f"<b>{value:.3g}</b> <small>({low:.3g} to {high:.3g})</small>"


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
        title="Rate of escape",
        caption=(
            "Escapes per step of those still there, with exact 95 % Poisson bands, on a logarithmic axis "
            "(bins without an escape have none). Growth of a "
            "perturbation gives a rate that rises from nothing; jumps over a barrier one that is constant "
            "from the start."
        ),
        source=(
            "<code>analysis.h5 sections/escape/models/MODEL/hazard</code>: escapes over time at risk in each "
            "bin."
        ),
        draw=figures.hazards,
        applies=_escaped,
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
