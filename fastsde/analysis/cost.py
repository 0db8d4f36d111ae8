"""What an analysis will cost: seconds of each section, by the size of what is analysed.

Each section says its own cost (`fastsde.analysis.section_cost`). Costs hold within a factor of two to three
for networks whose usual observables are recorded; a section whose observables are not recorded costs less.
Where analyses have run before, the times that they took correct later forecasts (`fastsde.system.timings`);
elsewhere costs are scaled by the speed of the machine, which a short job of the same kind measures:
`machine_speed`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.section_cost import Cost, Size
from fastsde.analysis.sections import SECTIONS
from fastsde.analysis.selection import SNAPSHOTS
from fastsde.analysis.threads import one_thread_each
from fastsde.system.timings import Correction, Times, correction, keep, long_enough

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = [
    "REPORT",
    "SNAPSHOTS_COST",
    "analysis_seconds",
    "correction_of",
    "expected_seconds",
    "keep_analysis_times",
    "keep_report_time",
    "later_seconds",
    "machine_speed",
    "report_seconds",
]

REPORT = "report"
"""Name of the report among the sections of the analysis, where each has its time."""
ANALYSIS = "analyse"
"""Phase of the whole analysis; the name of a section follows for that of a section."""
YARDSTICK_SECONDS = 0.0066
"""Of the job of `machine_speed` where the coefficients were measured."""
ROUNDS = 21
"""How often that job is done: the median is the same within a few per cent on a busy machine."""
SNAPSHOTS_COST = Cost(  # fitted over measured: 0.90 to 1.14
    (0.0604, 0, 0.000994, 0, 2.26e-05, 1.11e-06, 0, 6.02e-05), threaded=True
)
"""Of the pass over all snapshots, which is not a section: moments, distances over time, learning times."""
TOGETHER = 1.6
"""Speed-up of two threads or more over one, in the sections that use them."""
REPORT_SECONDS, PROCESS_SECONDS = 1.6, 2.7
"""Of reading an analysis and writing its page, and of starting another process that draws figures."""
FIGURES_SECONDS, FIGURES_MODEL_SECONDS = 12.5, 1.3
"""CPU seconds of drawing all figures of networks, as PNG and SVG, and of what each model adds to them."""


def analysis_seconds(study: Study, threads: int, relative_speed: float = 1.0) -> dict[str, float]:
    """Return about how many seconds each section of the analysis of a study will take.

    Sections that do not say what they cost are left out.

    Parameters
    ----------
    study
        What is going to be analysed.
    threads
        That the process is granted.
    relative_speed
        Of this machine, from `machine_speed`.
    """
    applying = [section for section in SECTIONS.values() if section.applies(study)]
    costs = {SNAPSHOTS: SNAPSHOTS_COST, **{one.name: one.cost for one in applying if one.cost is not None}}
    size = Size.of(study)
    return {
        name: cost.seconds(size) / relative_speed / (TOGETHER if threads > 1 and cost.threaded else 1.0)
        for name, cost in costs.items()
    }


def report_seconds(study: Study, threads: int, relative_speed: float = 1.0) -> float:
    """Return about how many seconds figures and page take; the figures are drawn by as many processes.

    Examples
    --------
    >>> from fastsde.study.study import Study
    >>> study = Study.load("examples/saddle_to_saddle.toml")  # seven models
    >>> [round(report_seconds(study, threads)) for threads in (1, 2, 8)]
    [23, 14, 7]
    """
    figures = FIGURES_SECONDS + FIGURES_MODEL_SECONDS * len(study.models)
    drawing = (figures + PROCESS_SECONDS * (threads - 1)) / threads
    return (REPORT_SECONDS + drawing) / relative_speed


def expected_seconds(study: Study, threads: int) -> dict[str, float]:
    """Return about how many seconds each section and the report (`REPORT`) will take on this machine."""
    costs = analysis_seconds(study, threads) | {REPORT: report_seconds(study, threads)}
    return {name: seconds * correction_of(name).factor for name, seconds in costs.items()}


def correction_of(name: str) -> Correction:
    """Return how the cost of a section or the report is corrected: by past runs, or the machine's speed.

    A section of which no time is known is corrected as the whole analysis.
    """
    for phase in (_phase(name), *([] if name == REPORT else [ANALYSIS])):
        known = correction(phase)
        if known.runs:
            return known
    return Correction(1.0 / machine_speed(), 0)


def later_seconds(study: Study, threads: int) -> tuple[float, float]:
    """Return about how many seconds the analysis of a study and its report will take on this machine."""
    expected = expected_seconds(study, threads)
    report = expected.pop(REPORT)
    return sum(expected.values()), report


def keep_analysis_times(study: Study, threads: int, taken: Mapping[str, float]) -> None:
    """Let later forecasts know how many seconds the sections of a whole analysis took."""
    costs = analysis_seconds(study, threads)
    pairs = {_phase(name): (costs[name], seconds) for name, seconds in taken.items() if name in costs}
    pairs[ANALYSIS] = (sum(cost for cost, _ in pairs.values()), sum(seconds for _, seconds in pairs.values()))
    keep(
        Times(phase, _work(study, threads), forecast=cost, measured=seconds)
        for phase, (cost, seconds) in pairs.items()
        if long_enough(cost)
    )


def keep_report_time(study: Study, threads: int, seconds: float) -> None:
    """Let later forecasts know how many seconds the report of a whole analysis took."""
    cost = report_seconds(study, threads)
    keep([Times(_phase(REPORT), _work(study, threads), forecast=cost, measured=seconds)])


def _phase(name: str) -> str:
    return name if name == REPORT else f"{ANALYSIS} {name}"


def _work(study: Study, threads: int) -> str:
    return f"{study.fingerprint()[:16]} {study.trajectories} {threads}"


@cache
def machine_speed() -> float:
    """Return the speed of this machine over that where costs were measured; measured once per process."""
    return YARDSTICK_SECONDS / yardstick()


def yardstick() -> float:
    """Return the CPU seconds of sorting, multiplying and small calls: the median of many rounds.

    On one thread, as the analysis computes: a linear algebra library of several would be another job.
    """
    values = np.random.default_rng(0).standard_normal((200, 1000))
    taken = []
    with one_thread_each():
        for _ in range(ROUNDS):
            begun = time.thread_time()
            for row in values:
                np.median(np.sort(row))
            np.exp(-np.abs(values @ values.T)).sum()
            taken.append(time.thread_time() - begun)
    return statistics.median(taken)
