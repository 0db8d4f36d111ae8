"""What a model of a study needs to know of the rest of it: to be checked, and to become a kernel's step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Setting", "Where"]

Where = tuple[str | int, ...]
"""Path of a table in the study, as ``("models", "sgd")``."""


@dataclass(frozen=True)
class Setting:
    """The problem, time and record of a study, as its models see them.

    Parameters
    ----------
    learning_rate : float
    steps : int
        Learning-rate steps.
    schedule : Schedule, optional
        None for a constant learning rate.
    widths : tuple of int
        Of the layers; a landscape of d coordinates counts as one layer from 1 to d.
    dtype : str
    landscape : bool
        Whether the problem is a landscape.
    samples : int, optional
        Samples that the loss is a mean of; 0 if it is none, None for a population.
    inputs, labels : section, optional
        Laws of inputs and of label noise; None on a landscape.
    given_states : bool
        Whether trajectories start from states of another ensemble, or of a file.
    observables : tuple of str
    batches : frozenset of (int, str)
        Batch and sampling of the models that set them for others.
    """

    learning_rate: float
    steps: int
    schedule: Any
    widths: tuple[int, ...]
    dtype: str
    landscape: bool
    samples: int | None
    inputs: Any
    labels: Any
    given_states: bool
    observables: tuple[str, ...]
    batches: frozenset[tuple[int, str]]

    @property
    def parameters(self) -> int:
        """Number of parameters, or of a landscape's coordinates."""
        return sum(below * above for below, above in pairwise(self.widths))

    @property
    def population(self) -> bool:
        """Whether the data are infinitely many."""
        return self.samples is None
