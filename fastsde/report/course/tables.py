"""Table of learning times."""

from __future__ import annotations

import math
from html import escape

from fastsde.analysis import Analysis
from fastsde.analysis.ranking import ordered
from fastsde.analysis.summary import time_per_step
from fastsde.report.writing import NOTHING, p_value, steps, table


def learning_times(analysis: Analysis) -> str:
    """Median step at which each mode is learned, with its interval, and the test against the reference."""
    known = ordered(analysis)
    modes = min(6, len(analysis.mode_strength))
    words = analysis.objective.vocabulary
    head = ("model", *(f"{words.mode} {mode + 1}" for mode in range(modes)))
    rows = [[escape(name), *(_learned(analysis, name, mode) for mode in range(modes))] for name in known]
    return (
        f"<p>Median step at which a {words.mode} {words.passes}, its 95 % interval, how many trajectories "
        f"{words.never_passed}, and the log-rank test against the {words.passage_times} of the "
        f"reference.</p>{table(head, rows)}"
    )


def _learned(analysis: Analysis, name: str, mode: int) -> str:
    found = analysis.models[name].learning
    if found is None:  # it only diverges
        return NOTHING
    step = time_per_step(analysis)
    median, low, high = (
        values[0, mode] / step for values in (found.median, found.median_low, found.median_high)
    )
    text = steps(median, low, high)
    missing = (
        (analysis.objective.vocabulary.never_pass, found.censored[0, mode]),
        ("diverge first", found.diverged[0, mode]),
    )
    told = ", ".join(f"{int(count):,} {what}" for what, count in missing if count)
    text += f'<span class="what">{told}</span>' if told else ""
    if not math.isnan(found.logrank_p[0, mode]):
        text += f'<span class="what">log-rank p {p_value(float(found.logrank_p[0, mode]), "= ")}</span>'
    return text
