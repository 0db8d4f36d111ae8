"""Table of the verdicts on tails."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.tails.gaussian_null import FALSE_ALARMS, POWER
from fastsde.analysis.tails.registry import declared
from fastsde.analysis.tails.section import SampleTails
from fastsde.analysis.tails.verdict import MEANING
from fastsde.report import panels
from fastsde.report.tails.figures import KINDS, samples
from fastsde.report.tails.text import power
from fastsde.report.writing import NOTHING, p_value, table, tail_span


def verdicts(analysis: Analysis) -> str:
    """Table of verdicts on noise by mode, on increments and on the loss, with the index behind each."""
    modes, words = panels.shown_modes(analysis), analysis.objective.vocabulary
    noise, increments, loss = (samples(analysis, kind) for kind in ("noise", "increments", "loss"))
    names = dict.fromkeys([*noise, *increments, *loss])
    head = (
        "model",
        *(f"noise, {words.mode} {mode + 1}" for mode in modes),
        f"increments, {words.mode} 1",
        words.loss,
    )
    rows = [
        [
            escape(name),
            *(_cell(noise, name, mode) for mode in modes),
            _cell(increments, name, 0),
            _cell(loss, name, 0),
        ]
        for name in names
    ]
    used = {word for found in (noise, increments, loss) for one in found.values() for word in one.verdict}
    return (
        "<p>Verdict on all snapshots together; the moment estimator's index with its 95 % interval (none: "
        "the tail is not a power law), and Hill's, whose bias no interval includes; the index of a stable "
        "law fitted to sums of 1, 4 and 16 values (constant for a stable law, towards 2 with a variance); "
        "and, for noise, the index in units of a scale that persists between snapshots. <b>p</b>: the "
        "probability of such a large kurtosis in Gaussian values of the same number and grouping; at most "
        f"{100 * FALSE_ALARMS:g} % of Gaussian samples get a verdict that claims a tail, all "
        f"{words.modes} together. "
        "<b>Detectable</b>: the largest stable index that this number of values detects with a power of "
        f"{100 * POWER:g} %; one nearer 2 may be missed.</p>"
        f"{table(head, rows)}<p>{_legend(used)}</p>"
    )


def _legend(used: Iterable[str]) -> str:
    words = [word for word in MEANING if word in set(used)]
    return " ".join(f"<b>{word}</b>: {escape(MEANING[word])}." for word in words)


def _cell(found: dict[str, SampleTails], name: str, column: int) -> str:
    if name not in found or found[name].verdict[column] == "none":
        return NOTHING
    one = found[name]
    moment = one.pooled.estimates["moment"]
    sums = one.pooled.sums.index[:, column]
    lines = [
        f"index {tail_span(moment.index[column], moment.low[column], moment.high[column])}",
        f"Hill {_number(one.pooled.estimates['hill'].index[column])}",
        f"sums {', '.join(_number(value) for value in sums)}",
    ]
    lines.append(f"p {p_value(one.pooled.gaussian_p[column])}, {power(one.pooled.detectable[column])}")
    if np.isfinite(one.lasting.index[column]):
        lines.append(f"persistent scale {_number(one.lasting.index[column])}")
    told = "".join(f'<span class="what">{line}</span>' for line in lines)
    return f"<b>{one.verdict[column]}</b>{told}"


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "&ndash;"


def estimators(analysis: Analysis) -> str:
    """Table of the estimators: what each estimates, for which laws it is consistent, its error and source."""
    tails = [tail for kind in KINDS for tail in samples(analysis, kind).values()]
    head = ("estimator", "estimates", "consistent for", "standard error", "source")
    rows = [
        [
            escape(word)
            for word in (one.marked_label, one.estimates, one.consistent, one.standard_error, one.source)
        ]
        for one in map(declared, tails[0].pooled.estimates)
    ]
    return table(head, rows)
