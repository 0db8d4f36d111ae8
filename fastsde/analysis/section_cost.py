"""What a section of the analysis costs: CPU seconds by the size of what is analysed.

A cost is a sum of terms, each a product of the numbers of models, snapshots, modes and trajectories, with
coefficients fitted to measurements (`python -m bench.analysis --calibrate`); comments beside them give the
range of fitted over measured seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.storage import schema

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["TERMS", "Cost", "Size", "terms"]

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
LARGEST_SAMPLE = 1024
"""Trajectories that the distances and resampling use, at most: `Settings.sliced_limit`."""


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


@dataclass(frozen=True)
class Cost:
    """Cost of a section on the machine where costs were measured.

    Attributes
    ----------
    coefficients : tuple of float
        CPU seconds per unit of each of the `TERMS`.
    threaded : bool
        Whether the section uses several threads.
    counted : callable
        From the size of the study to the size that the cost grows with.

    Examples
    --------
    >>> Cost((0.5, 0.25, 0, 0, 0, 0, 0, 0)).seconds(Size(models=2, snapshots=3, modes=5, trajectories=7))
    1.0
    """

    coefficients: tuple[float, ...]
    threaded: bool = False
    counted: Callable[[Size], Size] = lambda size: size

    def seconds(self, size: Size) -> float:
        """Return the CPU seconds for a size."""
        return float(terms(self.counted(size)) @ np.array(self.coefficients))
