"""What a study says of its objective before anything is computed: sizes, what it supports, and its words.

Everything that trajectories descend is an objective: a deep linear network, a landscape, and whatever is
added to them. What depends on the objective asks `Study.objective`, never which table the study has. The
functions themselves (loss, gradient, noise) are `fastsde.problem.objective`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

__all__ = ["LANDSCAPE_WORDS", "LOSS_WORDS", "MLP_WORDS", "NETWORK_WORDS", "ObjectiveTraits", "Vocabulary"]


@dataclass(frozen=True)
class Vocabulary:
    """The words that captions, tables and messages use for an objective.

    Attributes
    ----------
    mode, modes : str
        What is observed of a point, one by one.
    loss : str
        What is descended.
    parameter : str
        What a number of the state is.
    levels, levels_source : str
        Sentences on levels in the figure of the loss, and on their formula; may be empty.
    modes_title, modes_shown, modes_source : str
        Title, meaning and formula of the figure of the modes over time.
    mode_axis : str
        Axis of a mode.
    mode_name : str
        Pattern of the name of a compared mode, with its number.
    modes_differ : str
        Pattern of a sentence on how far modes differ, with that number.
    compared, points : str
        What distances compare, in a sentence and as a formula.
    parts : str
        A sentence on the parts of the effect in its figure; empty if it has one part only.
    units : str
        Units of a distance, in a sentence.
    unit : str
        The same on an axis.
    course : str
        What trajectories go through.
    passages_title, passage_times : str
        First times at which modes pass a level, as a title and in a sentence.
    passes : str
        What a mode does then.
    below : str
        What a mode has not done before.
    still_below : str
        What is said of a trajectory that has not done it at the end.
    never_passed, never_pass : str
        The same of several, in a sentence and in a table.
    not_passed : str
        The share of them, on an axis.
    place : str
        A sentence on what it is that trajectories escape from; may be empty.
    since : str
        From when times of escape count.
    """

    mode: str
    modes: str
    loss: str
    parameter: str
    levels: str
    levels_source: str
    modes_title: str
    modes_shown: str
    modes_source: str
    mode_axis: str
    mode_name: str
    modes_differ: str
    compared: str
    points: str
    parts: str
    units: str
    unit: str
    course: str
    passages_title: str
    passage_times: str
    passes: str
    below: str
    still_below: str
    never_passed: str
    never_pass: str
    not_passed: str
    place: str
    since: str

    def named(self, quantity: str) -> str:
        """Return the name of a recorded quantity: "mode 1", "modes along 2" or "loss".

        Examples
        --------
        >>> LANDSCAPE_WORDS.named("mode 1"), LANDSCAPE_WORDS.named("loss")
        ('coordinate 1', 'energy')
        """
        known = {"mode": self.mode, "modes": self.modes, "loss": self.loss}
        first, space, rest = quantity.partition(" ")
        return f"{known.get(first, first)}{space}{rest}"


NETWORK_WORDS = Vocabulary(
    mode="mode",
    modes="modes",
    loss="loss",
    parameter="parameter of the network",
    levels=(
        " Dotted levels are the saddles at which the first r = 0, 1, 2, ... modes are learned and the others "
        "are zero."
    ),
    levels_source=(
        " Saddle levels: optimum loss + (c/2) &Sigma;<sub>k&gt;r</sub> s<sub>k</sub>&sup2;, for white inputs."
    ),
    modes_title="Growth of the modes",
    modes_shown="How much of each mode of the optimal map is learned: 0 is nothing, 1 is all.",
    modes_source=(
        "u<sub>a</sub><sup>T</sup> W v<sub>a</sub>, divided by the singular value s<sub>a</sub> of the "
        "optimal map (<code>/problem/mode_strength</code>)"
    ),
    mode_axis="mode / strength",
    mode_name="mode {} / strength",
    modes_differ="its modes differ by {} of their strength",
    compared="modes (as shares of their strength) and the loss (in decades)",
    points="(modes / strength, log<sub>10</sub> loss)",
    parts="Dashed and dotted lines are the two parts of the effect. ",
    units="shares of a mode's strength or decades of loss",
    unit="share of a mode, or decades of loss",
    course="course of learning",
    passages_title="Learning times",
    passage_times="learning times",
    passes="is learned",
    below="has not reached the given part of its strength yet",
    still_below="that has not learned the mode when the run ends",
    never_passed="never learned it",
    never_pass="never learn it",
    not_passed="share not learned yet",
    place=(
        "A trajectory is at rank r from the moment at which the r-th of its modes is learned, in whatever "
        "order it learns them, to the next. "
    ),
    since="arrival",
)
LANDSCAPE_WORDS = Vocabulary(
    mode="coordinate",
    modes="coordinates",
    loss="energy",
    parameter="coordinate of the landscape",
    levels="",
    levels_source="",
    modes_title="Coordinates over time",
    modes_shown="Coordinates of the points.",
    modes_source="the coordinates",
    mode_axis="coordinate",
    mode_name="coordinate {}",
    modes_differ="its coordinates differ by {}",
    compared="coordinates",
    points="(coordinates)",
    parts="",
    units="units of the coordinates",
    unit="units of the coordinates",
    course="course of the run",
    passages_title="First passages of the coordinates",
    passage_times="first-passage times",
    passes="passes the level",
    below="has not risen above the level yet",
    still_below="that is below the level at the end",
    never_passed="never passed it",
    never_pass="never pass it",
    not_passed="share below the level",
    place="",
    since="the start",
)
MLP_WORDS = replace(
    LANDSCAPE_WORDS,
    mode="output",
    modes="outputs",
    loss="loss",
    parameter="parameter of the network",
    modes_title="Outputs over time",
    modes_shown="Outputs of the network for the first samples.",
    modes_source="f(x) of the first samples",
    mode_axis="output",
    mode_name="output {}",
    modes_differ="its outputs differ by {}",
    compared="outputs and the loss (in decades)",
    points="(outputs, log<sub>10</sub> loss)",
    parts="Dashed and dotted lines are the two parts of the effect. ",
    units="units of the outputs or decades of loss",
    unit="units of an output, or decades of loss",
    course="course of learning",
    passages_title="First passages of the outputs",
)
LOSS_WORDS = replace(
    LANDSCAPE_WORDS,
    mode="parameter",
    modes="parameters",
    loss="loss",
    parameter="parameter of the model",
    modes_title="Parameters over time",
    modes_shown="The parameters.",
    modes_source="the parameters",
    mode_axis="parameter",
    mode_name="parameter {}",
    modes_differ="its parameters differ by {}",
    compared="parameters",
    points="(parameters)",
    units="units of the parameters",
    unit="units of the parameters",
    course="course of training",
    passages_title="First passages of the parameters",
)
"""Of losses that are means over samples."""


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
    measured : bool
        Whether the samples are measurements of the end-to-end matrix in place of inputs: neither the best map
        of each rank nor the noise at it is known then.
    labels : int
        Numbers of a sample that are labels, to which noise can be added.
    workspace : int
        Lane vectors that its function of lanes needs at ``net.work``.
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
    measured: bool = False
    labels: int = 0
    workspace: int = 0

    @property
    def dimension(self) -> int:
        """Number of parameters p."""
        return sum(below * above for below, above in pairwise(self.widths))

    @property
    def has_samples(self) -> bool:
        """Whether there are batches of samples, and gradient noise."""
        return self.samples != 0
