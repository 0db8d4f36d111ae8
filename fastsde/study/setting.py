"""What a model of a study needs to know of the rest of it: to be checked, and to become a kernel's step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastsde.study.objective import ObjectiveTraits

__all__ = ["Setting", "Where"]

Where = tuple[str | int, ...]
"""Path of a table in the study, as ``("models", "sgd")``."""


@dataclass(frozen=True)
class Setting:
    """The problem, time and record of a study, as its models see them.

    Parameters
    ----------
    objective : ObjectiveTraits
        Sizes of what is descended, and what it supports.
    learning_rate : float
    steps : int
        Learning-rate steps.
    schedule : Schedule, optional
        None for a constant learning rate.
    dtype : str
    inputs, labels : section, optional
        Laws of inputs and of label noise; None without data.
    given_states : bool
        Whether trajectories start from states of another ensemble, or of a file.
    observables : tuple of str
    batches : frozenset of (int, str)
        Batch and sampling of the models that set them for others.
    """

    objective: ObjectiveTraits
    learning_rate: float
    steps: int
    schedule: Any
    dtype: str
    inputs: Any
    labels: Any
    given_states: bool
    observables: tuple[str, ...]
    batches: frozenset[tuple[int, str]]

    @property
    def widths(self) -> tuple[int, ...]:
        """Sizes of the layers."""
        return self.objective.widths

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return self.objective.dimension

    @property
    def samples(self) -> int | None:
        """Samples that the loss is a mean over; 0 if it is none, None for a population."""
        return self.objective.samples

    @property
    def landscape(self) -> bool:
        """Whether the objective is a landscape."""
        return self.objective.table == "landscape"

    @property
    def population(self) -> bool:
        """Whether the data are infinitely many."""
        return self.samples is None
