"""What the page says of effects: which settings make escape sooner, by how much, and of how many units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from fastsde.analysis.escape.effects import DATA_SET, ONE_DATA_SET, TRAJECTORY, Effect
from fastsde.analysis.escape.places import is_rank, passage, rank_place
from fastsde.analysis.phrases import between
from fastsde.report import writing
from fastsde.report.escape import figures
from fastsde.report.writing import p_value

__all__ = ["barriers", "effect_finding", "effect_rows", "effect_sentences", "effects_table"]

UNITS = {
    TRAJECTORY: "trajectories per sample",
    DATA_SET: "data sets",
    ONE_DATA_SET: "trajectories per sample of the one data set in common",
}


def effect_sentences(found: dict[str, Effect]) -> list[str]:
    """Say what each setting does to the escape from the lowest rank that has effects, tails first."""
    return [_sentence(one) for one in sorted(_first(found), key=lambda one: one.covariate != "alpha")]


def _first(found: dict[str, Effect]) -> list[Effect]:
    rank = _lowest(found)
    return [one for one in found.values() if one.place == rank]


def _lowest(found: dict[str, Effect]) -> int:
    return min((one.place for one in found.values()), default=0)


def barriers(places: Sequence[str]) -> bool:
    """Whether places are reached, as on a landscape, and not left, as the ranks of a network."""
    return bool(places) and not is_rank(places[0])


def passage_from(place: str) -> str:
    """Say what a network at some rank leaves.

    Examples
    --------
    >>> passage_from("rank 0"), passage_from("rank 2")
    ('from the origin', 'from rank 2')
    """
    return "from the origin" if place == rank_place(0) else f"from {place}"


def effect_finding(found: dict[str, Effect], places: Sequence[str]) -> str:
    """Answer whether heavier tails escape faster from the origin, or over a barrier; say what else does."""
    rank = _lowest(found)
    where = f"reach {places[rank]}" if barriers(places[rank:]) else "escape"
    origin = "" if barriers(places[rank:]) else f" {passage_from(places[rank])}" if places else ""
    tails = any(one.covariate == "alpha" and one.place == rank for one in found.values())
    question = f"Do heavier tails {where} faster{origin}? " if tails else ""
    sentences = effect_sentences(found)
    if not sentences:
        return f"Too few {where}{origin} to compare."
    units = dict.fromkeys(f"{one.units:,} {UNITS[one.unit]}" for one in _first(found))
    return f"{question}{' '.join(sentences)} Intervals are 95&nbsp;%, over {' or '.join(units)}."


def _sentence(one: Effect) -> str:
    """Say whether the low end of a setting escapes sooner than the high end, and by how much."""
    low, high = one.value[0], one.value[-1]
    ratio = _inverse(one.ratio)
    ends = [_inverse(one.ratio_high), _inverse(one.ratio_low)]
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
    share, who = figures.SHARES[one.share], escape(figures.family_name(one))
    after = f"after {ratio:.3g} times the time ({between(*_factors(ends[0], ends[1]))})"
    if ends[0] <= 1 <= ends[1]:
        said = f"No effect of {subject} was detected ({who}): {share} have escaped {after}."
    else:
        sooner = "sooner" if ratio < 1 else "later"
        said = f"{share.capitalize()} have escaped {sooner} with {subject} ({who}): {after}."
    return f"{said} {_diverged(one).capitalize()}." if one.diverged.any() else said


def _factors(low: float, high: float) -> tuple[float, float]:
    """Return the ends of the interval of a factor; 0, of times that may be infinite, is no limit."""
    return (low if low > 0 else -math.inf), high


def _inverse(ratio: float) -> float:
    return 1 / ratio if ratio != 0 else math.inf


def _diverged(one: Effect) -> str:
    """Say how many diverged at both ends of a setting."""
    ends = [f"{one.diverged[k]:,.0f} of {one.arrived[k]:,.0f} at {one.value[k]:g}" for k in (0, -1)]
    return f"diverged {', '.join(ends)}"


def effects_table(found: dict[str, Effect], unit: float, word: str, places: Sequence[str]) -> str:
    """Tabulate times at both ends of each family, their ratio, the slope and the ratio of hazards."""
    head = (
        "setting, models",
        "passage",
        "share escaped",
        f"time by which it has escaped ({word})",
        "ratio, highest over lowest value",
        "slope of the logarithm",
        "hazard ratio of escape, lowest over highest value",
        "unit",
    )
    rows = []
    for one in found.values():
        ends = (
            f"{one.time[0] / unit:,.4g} at {one.value[0]:g}, {one.time[-1] / unit:,.4g} at {one.value[-1]:g}"
        )
        name = f"{escape(figures.short_name(one.covariate))}"
        rows.append(
            [
                f'{name}<span class="what">{escape(figures.family_name(one))}</span>',
                passage(places[one.place]),
                figures.SHARES[one.share],
                ends,
                _span(one.ratio, *_factors(one.ratio_low, one.ratio_high)),
                _span(one.slope, one.slope_low, one.slope_high),
                _hazards(one),
                f"{one.units:,} {UNITS[one.unit]}",
            ]
        )
    return writing.table(head, rows)


def effect_rows(found: dict[str, Effect], places: Sequence[str]) -> list[dict[str, str]]:
    """Return the same as rows of plain text, for a terminal."""
    return [
        {
            "setting": figures.short_name(one.covariate),
            "models": figures.family_name(one),
            "passage": passage(places[one.place]),
            "values": f"{one.value[0]:g} to {one.value[-1]:g}",
            "share escaped": figures.SHARES[one.share],
            "time": f"{one.time[0]:.4g} to {one.time[-1]:.4g}",
            "ratio": f"{one.ratio:.3g} ({between(*_factors(one.ratio_low, one.ratio_high))})",
            "diverged": f"{one.diverged[0]:,.0f}, {one.diverged[-1]:,.0f}",
            "unit": f"{one.units:,} {UNITS[one.unit]}",
        }
        for one in found.values()
    ]


def _hazards(one: Effect) -> str:
    """Hazard ratio of those still there, and how many diverged, which it does not count."""
    p = f" <small>p {p_value(one.p, '= ')}</small>" if math.isfinite(one.p) else ""
    gone = f'<span class="what">{_diverged(one)}</span>' if one.diverged.any() else ""
    return _span(one.hazard_ratio, *_factors(one.hazard_low, one.hazard_high)) + p + gone


def _span(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return writing.NOTHING
    return f"<b>{value:.3g}</b> <small>({between(low, high)})</small>"
