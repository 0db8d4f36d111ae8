"""What an analysis will cost: processor seconds of each section, by the size of what is analysed.

A section's cost is a sum of terms, each a product of the numbers of models, snapshots, modes and
trajectories, with coefficients fitted to measurements (`python -m bench.analysis --calibrate`, which prints
the table below and its errors). They hold within a factor of two to three for networks whose usual
observables are recorded; a section whose observables are not recorded costs less. The speed of the machine
is taken off by a short job of the same kind, `machine_speed`.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.analysis.sections import SECTIONS
from fastsde.analysis.threads import one_thread_each
from fastsde.storage import schema

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = [
    "COEFFICIENTS",
    "TERMS",
    "Size",
    "analysis_seconds",
    "counted",
    "machine_speed",
    "report_seconds",
    "terms",
]

TERMS = (
    "1",
    "models",
    "models snapshots",
    "models^2 snapshots",
    "models snapshots modes",
    "models snapshots modes trajectories",
    "models modes trajectories",
    "models snapshots sample",
)
YARDSTICK_SECONDS = 0.0066
"""Of the job of `machine_speed` where the coefficients were measured."""
ROUNDS = 21
"""How often that job is done: the median is the same within a few per cent on a busy machine."""
COEFFICIENTS: dict[str, tuple[float, ...]] = {
    "snapshots": (0.0604, 0, 0.000994, 0, 2.26e-05, 1.11e-06, 0, 6.02e-05),  # 0.90 to 1.14
    "distances": (0, 0.134, 0, 0, 0.00014, 9.67e-07, 1.95e-06, 3.57e-05),  # 0.30 to 1.23
    "pairs": (0, 0.00632, 0, 0, 3.14e-05, 3.56e-07, 0, 5.44e-06),  # 0.54 to 1.33
    "relevance": (0, 0, 0, 0, 0, 0, 0.0118, 0),  # 0.83 to 1.26
    "shape": (0, 0, 0.000252, 0.00077, 2.14e-06, 1.62e-07, 0, 9.31e-06),  # 0.80 to 1.18
    "tails": (0, 0, 0, 0.00217, 0.000511, 2.49e-07, 6.45e-06, 1.01e-05),  # 0.60 to 1.21
    "saddles": (0, 0.00626, 0, 9.42e-05, 0, 4.15e-08, 0, 5.18e-07),  # 0.61 to 1.14
    "escape": (0, 0.0115, 0, 0, 5.38e-06, 1.39e-07, 1.29e-05, 1.66e-06),  # 0.46 to 1.27
    "diffusion": (0, 0.00451, 0, 4.12e-05, 1.63e-05, 1.76e-07, 7.18e-07, 6.31e-07),  # 0.68 to 1.21
    "rank": (0, 0, 4.78e-05, 2.29e-05, 3.77e-06, 2e-08, 6.5e-07, 4.81e-08),  # 0.72 to 1.25
    "alignment": (0, 0.000121, 4.09e-05, 9.63e-07, 5.9e-07, 2.07e-08, 0, 2.38e-08),  # 0.88 to 1.04
    "late_law": (0, 0.0381, 0, 0, 4.03e-05, 1.55e-08, 3.41e-06, 1.13e-06),  # 0.59 to 1.26
    "currents": (0, 0.000378, 0, 7.14e-07, 0, 1e-09, 0, 0),  # 0.79 to 1.59
    "mixing": (0.000802, 0, 1.44e-06, 0, 0, 0, 6.39e-10, 9.76e-09),  # 0.03 to 1.08
    "branching": (0.001, 0, 0, 0, 0, 0, 0, 0),  # 1.00 to 1.00
}
"""Processor seconds of each section per unit of each of the `TERMS`; behind it, fitted over measured."""
TOGETHER = 1.6
"""How many times as fast two threads or more are, over one, in the sections that use them."""
THREADED = ("snapshots", "distances", "pairs", "relevance", "shape", "tails")
LARGEST_SAMPLE = 1024
"""Trajectories that the distances and resampling see, at most: `Settings.sliced_limit`."""
FEWEST_IN_RELEVANCE, MOST_IN_RELEVANCE = 64, 256
"""Trajectories from which on "relevance" is measured, and costs the same: twice its samples."""
REPORT_SECONDS, FIGURE_MODEL_SECONDS = 5.0, 1.0
"""A page: its libraries and figures, and what each model adds to them."""


@dataclass(frozen=True)
class Size:
    """How much there is to analyse."""

    models: int
    snapshots: int
    modes: int
    trajectories: int

    @classmethod
    def of(cls, study: Study) -> Size:
        """Return the size of a study."""
        modes = schema.dimension_sizes(study, 1)["mode"]
        return cls(len(study.models), len(study.time.snapshot_steps()), modes, study.trajectories)


def terms(size: Size) -> Floats:
    """Return the `TERMS` of a size.

    Examples
    --------
    >>> terms(Size(models=2, snapshots=3, modes=5, trajectories=7)).tolist()
    [1.0, 2.0, 6.0, 12.0, 30.0, 210.0, 70.0, 42.0]
    """
    k, s, m, n = size.models, size.snapshots, size.modes, size.trajectories
    sample = min(n, LARGEST_SAMPLE)
    products = [1, k, k * s, k * k * s, k * s * m, k * s * m * n, k * m * n, k * s * sample]
    return np.array(products, dtype=np.float64)


def counted(section: str, size: Size) -> Size:
    """Return the size that a section's cost grows with.

    "relevance" compares the reference with the nearest and the farthest model, by samples of limited size.

    Examples
    --------
    >>> counted("relevance", Size(models=6, snapshots=3, modes=5, trajectories=10_000))
    Size(models=2, snapshots=1, modes=1, trajectories=256)
    """
    if section != "relevance":
        return size
    trajectories = size.trajectories if size.trajectories >= FEWEST_IN_RELEVANCE else 0
    return Size(min(size.models - 1, 2), 1, 1, min(trajectories, MOST_IN_RELEVANCE))


def analysis_seconds(study: Study, threads: int, relative_speed: float = 1.0) -> dict[str, float]:
    """Return about how many seconds each section of the analysis of a study will take.

    Parameters
    ----------
    study
        What is going to be analysed.
    threads
        That the process is granted.
    relative_speed
        Of this machine, from `machine_speed`.
    """
    landscape = study.landscape is not None
    names = ["snapshots", *(s.name for s in SECTIONS if not (landscape and s.networks_only))]
    size = Size.of(study)
    return {
        name: float(terms(counted(name, size)) @ np.array(COEFFICIENTS[name]))
        / relative_speed
        / (TOGETHER if threads > 1 and name in THREADED else 1.0)
        for name in names
        if name in COEFFICIENTS
    }


def report_seconds(study: Study, relative_speed: float = 1.0) -> float:
    """Return about how many seconds figures and page take."""
    return (REPORT_SECONDS + FIGURE_MODEL_SECONDS * len(study.models)) / relative_speed


@cache
def machine_speed() -> float:
    """Return the speed of this machine over that where costs were measured; found once in a process."""
    return YARDSTICK_SECONDS / yardstick()


def yardstick() -> float:
    """Return the processor seconds of sorting, multiplying and small calls: the median of many rounds.

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
