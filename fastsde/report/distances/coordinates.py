"""What differs: every model against the reference coordinate by coordinate, and divergences both ways."""

from __future__ import annotations

import math
from html import escape

from fastsde.analysis import Analysis
from fastsde.analysis.distances.battery import Battery
from fastsde.analysis.distances.two_samples import Pair
from fastsde.analysis.summary import ranking
from fastsde.report.writing import NOTHING, number, p_value, table, with_error

MODES = 4
"""Modes shown, at most, besides the logarithm of the loss."""


def by_coordinate(analysis: Analysis) -> str:
    """Tabulate differences of means and W1 of each coordinate at the last snapshot, and KL both ways."""
    found: Battery = analysis.sections["distances"]
    names = analysis.coordinates
    shown = [
        column
        for column, name in enumerate(names)
        if name.startswith("log") or sum(not each.startswith("log") for each in names[: column + 1]) <= MODES
    ]
    head = ("model", *(escape(names[column]) for column in shown), "KL from, and to, the reference (nats)")
    rows = [
        [
            escape(name),
            *(_cell(found.models[name], column) for column in shown),
            _divergence(found.models[name]),
        ]
        for name in ranking(analysis)
    ]
    return (
        "<p><b>Coordinate by coordinate</b> at the same step: mean of the model minus mean of the reference, "
        "with its standard error, or the difference of medians where there is no mean; W<sub>1</sub> with "
        "its p-value. KL of the reference from the model and of the model from the reference, by nearest "
        f"neighbours on at most three principal axes.</p>{table(head, rows)}"
    )


def _cell(pair: Pair, column: int) -> str:
    one = pair.coordinates
    mean, error, median, w1, p = (
        float(values[-1, column]) for values in (one.mean, one.mean_error, one.median, one.w1, one.w1_p)
    )
    moved = with_error(mean, error) if math.isfinite(mean) else f"median {number(median)}"
    if not math.isfinite(w1):
        return moved
    value = f"<b>{number(w1)}</b>" if p < 0.05 else number(w1)
    return f'{moved}<span class="what">W<sub>1</sub> {value}, p {p_value(p, "= ")}</span>'


def _divergence(pair: Pair) -> str:
    first, second = (float(value) for value in pair.divergences.neighbours[-1])
    return f"{number(first)}, {number(second)}" if math.isfinite(first) else NOTHING
