"""What an analysis will cost: seconds of each section, by the size of what is analysed.

Each section says its own cost (`fastsde.analysis.section_cost`). Costs hold within a factor of two to three
for networks whose usual observables are recorded; a section whose observables are not recorded costs less.
They are scaled by the speed of the machine, which a short job of the same kind measures: `machine_speed`.
"""

from __future__ import annotations

import statistics
import time
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.section_cost import Cost, Size
from fastsde.analysis.sections import SECTIONS
from fastsde.analysis.selection import SNAPSHOTS
from fastsde.analysis.threads import one_thread_each

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["SNAPSHOTS_COST", "analysis_seconds", "later_seconds", "machine_speed", "report_seconds"]

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
REPORT_SECONDS, FIGURE_MODEL_SECONDS = 5.0, 1.0
"""A report: its libraries and figures, and what each model adds to them."""


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


def report_seconds(study: Study, relative_speed: float = 1.0) -> float:
    """Return about how many seconds figures and page take."""
    return (REPORT_SECONDS + FIGURE_MODEL_SECONDS * len(study.models)) / relative_speed


def later_seconds(study: Study, threads: int) -> tuple[float, float]:
    """Return about how many seconds the analysis of a study and its report will take on this machine."""
    speed = machine_speed()
    return sum(analysis_seconds(study, threads, speed).values()), report_seconds(study, speed)


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
