"""What the page says of the course of training: loss, growth of the modes, and when they are learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.shape.bootstrap import Interval
from fastsde.analysis.summary import ordered, ranking
from fastsde.report.panels import shown_modes
from fastsde.report.writing import number

NAMED = 6
"""Models named in a sentence; of more, the extremes."""

Ends = tuple[float, float, float]
"""A value with the ends of its interval."""


def loss_finding(analysis: Analysis) -> str:
    """Give the median loss at the end of the reference and say which models end elsewhere."""
    found = {name: one for name in ordered(analysis) if (one := _final(analysis, name, "loss")) is not None}
    if not found:
        return ""
    first = next(iter(found))
    loss = analysis.objective.vocabulary.loss
    said = [f"The median {loss} at the end is {_spanned(found[first])} in {escape(first)}"]
    higher: dict[str, Ends] = {}
    lower: dict[str, Ends] = {}
    same: dict[str, Ends] = {}
    for name, one in list(found.items())[1:]:
        side = higher if one[1] > found[first][2] else lower if one[2] < found[first][1] else same
        side[name] = one
    parts = [f"{word} in {_named(side)}" for word, side in (("higher", higher), ("lower", lower)) if side]
    parts += (
        [f"not significantly different from that in {enumerated(list(map(escape, same)))}"] if same else []
    )
    optimum = f" (optimum {number(analysis.optimum_loss)})" if math.isfinite(analysis.optimum_loss) else ""
    return f"{said[0]}{optimum}{', ' if parts else ''}{'; '.join(parts)}."


def modes_finding(analysis: Analysis) -> str:
    """Say how much of each mode the median trajectory of every model has learned at the end."""
    modes = shown_modes(analysis)
    if not analysis.objective.linear:
        return _coordinates(analysis, modes)
    groups: dict[str, list[str]] = {}
    for name in ordered(analysis):
        share = analysis.models[name].moments.median[-1, modes] / analysis.mode_strength[modes]
        told = ", ".join("-" if math.isnan(one) else f"{100 * one:.0f}" for one in share)
        groups.setdefault(told, []).append(escape(name))
    which = enumerated([str(mode + 1) for mode in modes])
    unknown = groups.pop(", ".join("-" for _ in modes), [])
    parts = [f"{told}&nbsp;% in {enumerated(names)}" for told, names in groups.items()]
    parts += [f"undetermined in {enumerated(unknown)}, where too few trajectories survive"] if unknown else []
    said = "; ".join(parts)
    return f"Median fraction of mode{'s' if len(modes) > 1 else ''} {which} learned at the end: {said}."


def _coordinates(analysis: Analysis, modes: Sequence[int]) -> str:
    """Say where the median trajectory of every model is at the end; its modes are coordinates."""
    said = []
    for name in ordered(analysis):
        median = analysis.models[name].moments.median[-1, modes]
        said.append(f"{', '.join(number(float(one)) for one in median)} in {escape(name)}")
    which = enumerated([str(mode + 1) for mode in modes])
    words = analysis.objective.vocabulary
    return f"Median of {words.modes if len(modes) > 1 else words.mode} {which} at the end: {'; '.join(said)}."


def learning_finding(analysis: Analysis) -> str:
    """Say which models learn the modes when the reference does, and by what factor the others differ."""
    same, other = [], []
    for name in ranking(analysis) if analysis.reference else []:
        found = analysis.models[name].learning
        own = analysis.models[analysis.reference].learning
        if found is None or own is None:
            continue
        p = found.logrank_p[0][np.isfinite(found.logrank_p[0])]
        if not p.size:
            continue
        if float(p.min()) * p.size >= 0.05:
            same.append(escape(name))
            continue
        with np.errstate(invalid="ignore", divide="ignore"):  # a median may be never, or at once
            ratio = found.median[0] / own.median[0]
        both = np.isfinite(found.median[0]) & np.isfinite(own.median[0]) & (own.median[0] > 0)
        known = ratio[both]
        span = " (no median in common)" if not known.size else _span(float(known.min()), float(known.max()))
        other.append(f"{escape(name)}{span}")
    reference = escape(analysis.reference)
    times = analysis.objective.vocabulary.passage_times.capitalize()
    parts = []
    if same:
        parts.append(f"{times} of {enumerated(same)} do not differ significantly from those of {reference}.")
    if other:
        parts.append(
            f"{times} differ from those of {reference} (log-rank test); ratio of medians: {'; '.join(other)}."
        )
    return " ".join(parts)


def _final(analysis: Analysis, name: str, quantity: str) -> Ends | None:
    """Median at the end with its 95 % interval, where it is known."""
    shape = analysis.sections.get("shape")
    if shape is None or quantity not in shape.quantities:
        return None
    one: Interval = shape.models[name].statistics["median"]
    column = shape.quantities.index(quantity)
    value, low, high = (float(end[-1, column]) for end in (one.value, one.low, one.high))
    return (value, low, high) if math.isfinite(low) and math.isfinite(high) else None


def _spanned(ends: Ends) -> str:
    value, low, high = map(number, ends)
    return f"{value} ({low} to {high})"


def _named(side: dict[str, Ends]) -> str:
    """Name models with their medians, or count them and give the range."""
    if len(side) <= NAMED:
        return enumerated([f"{escape(name)} ({number(one[0])})" for name, one in side.items()])
    values = [one[0] for one in side.values()]
    return f"{len(side)} models ({number(min(values))} to {number(max(values))})"


def _span(low: float, high: float) -> str:
    return f" {low:.3g} times" if high - low < 0.005 * high else f" {low:.3g} to {high:.3g} times"
