"""What a section of the analysis may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from fastsde.analysis import coordinates
from fastsde.analysis.distances.effect import Effects
from fastsde.analysis.distances.from_reference import FromReference
from fastsde.analysis.distances.points import Points
from fastsde.analysis.law import branches_of
from fastsde.analysis.protocols import Ensemble, Floats, Trajectories
from fastsde.analysis.settings import Settings
from fastsde.analysis.shape.moments import Moments
from fastsde.system.progress import Progress


@dataclass(frozen=True)
class Context:
    """What a section may look at.

    Attributes
    ----------
    ensemble : Ensemble
        The open ensemble.
    views : mapping of str to Trajectories
        Its models, in the order of the study.
    reference : str
        The model that others are compared with; empty if there is none.
    settings : Settings
        Seed and limits of the analysis.
    progress : Progress
        To tell how far a long section is.
    moments : mapping of str to Moments
        Moments of every model, over snapshots, as in its `ModelResult`.
    effects : Effects or None
        How far any two models are apart; None where that was not measured.
    comparison : FromReference or None
        Gathers all distances from the reference, for the significance; None without a reference.
    """

    ensemble: Ensemble
    views: Mapping[str, Trajectories]
    reference: str
    settings: Settings
    progress: Progress
    moments: Mapping[str, Moments] = field(default_factory=dict)
    effects: Effects | None = None
    comparison: FromReference | None = None

    @cached_property
    def points(self) -> Points:
        """Return the points that distances compare."""
        return Points(self.ensemble, self.views, self.reference)

    @property
    def strength(self) -> Floats:
        """Singular values of the optimal map, shape (mode,)."""
        return np.asarray(self.ensemble.problem.mode_strength, dtype=np.float64)

    @property
    def scale(self) -> Floats:
        """Strength of each mode, or of the strongest where a mode has none, shape (mode,)."""
        return coordinates.mode_scale(self.strength)

    @property
    def branches(self) -> int:
        """How many consecutive trajectories start from one state."""
        return branches_of(self.ensemble.study)

    def recorded(self, *names: str) -> bool:
        """Whether all models have recorded these variables."""
        return all(name in view.variables for view in self.views.values() for name in names)
