"""What a study says of its objective before anything is computed: sizes, what it supports, and its words.

Everything that trajectories descend is an objective: a deep linear network, a landscape, and whatever is
added to them. What depends on the objective asks `Study.objective`, never which table the study has. The
functions themselves (loss, gradient, noise) are `fastsde.problem.objective`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

__all__ = ["LANDSCAPE_WORDS", "NETWORK_WORDS", "ObjectiveTraits", "Vocabulary"]


@dataclass(frozen=True)
class Vocabulary:
    """The words that captions, tables and messages use for an objective.

    Attributes
    ----------
    mode, modes : str
        What is observed of a point, one by one.
    loss : str
        What is descended.
    loss_title : str
        The same as the start of a sentence on all models.
    parameter : str
        What a number of the state is.
    matrix : str
        What a point is as a whole.
    compared : str
        What distances compare.
    unit, units : str
        Units of a distance, as an axis and in a sentence.
    mode_axis : str
        Axis of a mode.
    mode_name : str
        Pattern of the name of a compared mode, with its number.
    modes_differ : str
        Pattern of a sentence on how far a model is from another, with a number.
    course : str
        What trajectories go through.
    passage_times : str
        First times at which modes pass a level.
    passed, not_passed : str
        What a trajectory has done, or not, to a mode by such a time.
    since : str
        From when times of escape count.
    """

    mode: str
    modes: str
    loss: str
    loss_title: str
    parameter: str
    matrix: str
    compared: str
    unit: str
    units: str
    mode_axis: str
    mode_name: str
    modes_differ: str
    course: str
    passage_times: str
    passed: str
    not_passed: str
    since: str


NETWORK_WORDS = Vocabulary(
    mode="mode",
    modes="modes",
    loss="loss",
    loss_title="Training loss",
    parameter="parameter of the network",
    matrix="end-to-end matrix",
    compared="modes (as shares of their strength) and the loss (in decades)",
    unit="share or decade",
    units="shares of a mode's strength or decades of loss",
    mode_axis="mode / strength",
    mode_name="mode {} / strength",
    modes_differ="its modes differ by {} of their strength",
    course="course of learning",
    passage_times="learning times",
    passed="learned it",
    not_passed="share not learned yet",
    since="arrival",
)
LANDSCAPE_WORDS = Vocabulary(
    mode="coordinate",
    modes="coordinates",
    loss="energy",
    loss_title="Energy",
    parameter="coordinate of the landscape",
    matrix="point",
    compared="coordinates",
    unit="units of the coordinates",
    units="units of the coordinates",
    mode_axis="coordinate",
    mode_name="coordinate {}",
    modes_differ="its coordinates differ by {}",
    course="course of the run",
    passage_times="first-passage times",
    passed="passed it",
    not_passed="share not past the level yet",
    since="the start",
)


@dataclass(frozen=True)
class ObjectiveTraits:
    """Sizes of an objective, what it supports, and its words.

    Attributes
    ----------
    table : str
        The table of the study file that describes it: "network" or "landscape".
    kind : str
        "network", or the kind of the landscape.
    widths : tuple of int
        Sizes of the layers, input first; an objective without layers counts as one layer from 1 to d.
    modes : int
        Modes that are observed: of a network those of its end-to-end matrix, else the coordinates.
    samples : int or None
        Samples that the loss is a mean over; 0 if it is none, None for a population.
    linear : bool
        Whether it is a deep linear network: with modes of an optimum, ranks, layer balance and alignment,
        saddles by rank, and branches.
    positive : bool
        Whether the loss is a misfit, above 0 and small where something is learned: so it has a logarithm.
    bounded : bool
        Whether the loss has a lower bound, as far as is known.
    smooth : bool
        Whether the gradient is continuous.
    degree : int or None
        Degree of the gradient as a polynomial along a line; None if it is none.
    by_point : bool
        Whether it is a function of one point, which is called in ``float64`` on CPUs only.
    vocabulary : Vocabulary
    """

    table: str
    kind: str
    widths: tuple[int, ...]
    modes: int
    samples: int | None
    linear: bool
    positive: bool
    bounded: bool
    smooth: bool
    degree: int | None
    by_point: bool
    vocabulary: Vocabulary

    @property
    def dimension(self) -> int:
        """Number of parameters p."""
        return sum(below * above for below, above in pairwise(self.widths))

    @property
    def has_samples(self) -> bool:
        """Whether there are batches of samples, and gradient noise."""
        return self.samples != 0
