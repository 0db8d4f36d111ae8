"""What all landscapes share: fields, starting points, and what a landscape says about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fastsde.study.fields import Expect, Fault, Number, Real, Section, Size, listed, refuse
from fastsde.study.kinds import Kind
from fastsde.study.learner import Learner
from fastsde.study.objective import LANDSCAPE_WORDS, ObjectiveTraits, Vocabulary
from fastsde.system.registry import LAST, Registry

__all__ = ["LANDSCAPES", "Array", "Dimension", "Landscape", "LandscapeStart", "Numbers", "Point"]

Array = NDArray[np.float64]
Point = Annotated[tuple[Number, ...], listed, Field(min_length=1), Expect("a list of numbers")]
Dimension = Annotated[Size, Field(le=256), Expect("a whole number from 1 to 256")]


class LandscapeStart(Section):
    """Where trajectories start: at a point, plus independent normals of standard deviation `std`.

    Parameters
    ----------
    point : tuple of float, optional
        By default the centre, or where the landscape says.
    points : tuple of points, optional
        Several in place of one: trajectory k starts from point k modulo their number.
    std : float, default 0
        Standard deviation of the normals that are added.
    """

    point: Point | None = None
    points: Annotated[
        tuple[Point, ...] | None,
        listed,
        Field(min_length=1),
        Expect("a list of points, each a list of numbers"),
    ] = None
    std: Real = 0.0

    @model_validator(mode="after")
    def _agree(self) -> LandscapeStart:
        if self.point is not None and self.points is not None:
            refuse([Fault(("points",), "set", "one of point and points", "remove one of the two")])
        return self


class Numbers:
    """What the kernels are given of a landscape: samples, a table, a vector.

    Parameters
    ----------
    inputs, labels : (n, k) and (n, q) arrays, optional
        Of each sample, one per row. What else a sample has (a weight, a mask) can be columns of `inputs`.
    table, vector : 2-d and 1-d arrays, optional
    sizes : 1-d array of int64, optional
    """

    def __init__(
        self,
        inputs: Array | None = None,
        labels: Array | None = None,
        table: Array | None = None,
        vector: Array | None = None,
        sizes: NDArray[np.int64] | None = None,
    ) -> None:
        self.inputs = np.empty((0, 1)) if inputs is None else inputs
        self.labels = np.zeros((len(self.inputs), 1)) if labels is None else labels
        self.table = np.empty((0, 1)) if table is None else table
        self.vector = np.empty(0) if vector is None else vector
        self.sizes = np.empty(0, dtype=np.int64) if sizes is None else sizes


class Landscape(Kind):
    """A function of few variables that trajectories descend.

    A subclass declares ``kind: Literal["its-name"] = "its-name"``, its other fields, its `dimension`, and
    what is said below; it is registered with ``@LANDSCAPES.register``.

    Parameters
    ----------
    centre : tuple of float, optional
        Point from which distances are measured; the origin by default.
    start : LandscapeStart
        Where trajectories start.

    Attributes
    ----------
    order : int
        Place among the kinds in messages.
    equation : str
        The energy, in a line of text, for the report.
    about : str
        A sentence or two on the landscape, for the report.
    source : str
        Where it is from.
    surface : str
        Name of its function of lanes (`fastsde.kernels.surface`), if that is not `kind`.
    mean_over_samples : bool
        Whether the energy is a mean over the rows of ``Numbers.inputs``, as many as its field `samples` says,
        so that there are mini-batches and gradient noise; with a `label_count`, also label noise.
    smooth : bool
        Whether the gradient is continuous.
    by_sample : bool
        Whether the loss of one sample is a function of a user's, ``loss(theta, sample, gradient)``.
    vocabulary : Vocabulary
        Its words in the report.
    """

    kinds: ClassVar[Registry[Any]] = Registry("landscape", "fastsde.study.landscapes")
    order: ClassVar[int] = LAST
    equation: ClassVar[str] = ""
    about: ClassVar[str] = ""
    source: ClassVar[str] = ""
    surface: ClassVar[str] = ""
    mean_over_samples: ClassVar[bool] = False
    smooth: ClassVar[bool] = True
    by_sample: ClassVar[bool] = False
    vocabulary: ClassVar[Vocabulary] = LANDSCAPE_WORDS

    kind: str
    centre: Point | None = None
    start: LandscapeStart = LandscapeStart()

    @property
    def dimension(self) -> int:
        """Number of coordinates d."""
        raise NotImplementedError

    @property
    def bounded(self) -> bool:
        """Whether the energy has a lower bound, as far as is known."""
        return True

    @property
    def code_name(self) -> str | None:
        """Name of a user's function of one point, registered or ``module:name``; None if there is none."""
        return None

    @property
    def by_point(self) -> bool:
        """Whether the energy is a function of one point, which is called in ``float64`` on CPUs only."""
        own = type(self).function_of_point is not Landscape.function_of_point
        return (self.code_name is not None and not self.by_sample) or own

    @property
    def places_aside(self) -> tuple[str, ...]:
        """Keys that only say where something is; what is there counts by a checksum among the others."""
        return ()

    @property
    def surface_name(self) -> str:
        """Name under which the compiled energy and gradient are registered."""
        return "function" if self.by_point else self.surface or self.kind

    @property
    def samples_used(self) -> int:
        """Samples that the energy is a mean over; 0 if it is none."""
        return int(getattr(self, "samples", 0) or 0) if self.mean_over_samples else 0

    @property
    def sample_size(self) -> int:
        """Numbers of a sample, inputs and labels; more than there are is no harm."""
        return self.dimension + 1

    @property
    def label_count(self) -> int:
        """Numbers of a sample that are labels (columns of ``Numbers.labels``); 0 if it has none."""
        return 0

    @property
    def workspace(self) -> int:
        """Lane vectors that its function of lanes needs at ``net.work``, beside left and right."""
        return 0

    @classmethod
    def resolved(cls, table: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a table of the study file, not yet validated, with what it does not say itself."""
        return table

    def traits(self) -> ObjectiveTraits:
        """Return what depends on the objective elsewhere in the program."""
        return ObjectiveTraits(
            table="landscape",
            kind=self.kind,
            widths=(1, self.dimension),
            modes=self.dimension,
            samples=self.samples_used,
            linear=False,
            positive=False,
            bounded=self.bounded,
            smooth=self.smooth,
            degree=None,
            by_point=self.by_point,
            vocabulary=self.vocabulary,
            labels=self.label_count,
            workspace=self.workspace,
        )

    def function_of_point(self) -> Callable[[Array, Array], float]:
        """Return ``function(x, gradient)``, which fills `gradient` and returns V(x); numba compiles it.

        For landscapes that have no function of lanes. The function may use numbers of this method.
        """
        raise NotImplementedError

    @property
    def learner(self) -> Learner | None:
        """The nonlinear network that learns from examples, if that is what the landscape is."""
        return None

    def numbers(self) -> Numbers:
        """Return what the function of lanes needs."""
        return Numbers()

    def numbers_in(self, places: Sequence[Path]) -> Numbers:
        """Return the same; files that the study names are looked for in `places`."""
        return self.numbers()

    def own_samples(self, places: Sequence[Path]) -> Array | None:
        """Return the samples that the study names, of which a run keeps a copy; None if it names none."""
        return None

    def middle(self) -> Array:
        """Return the centre as an array (d,)."""
        return np.zeros(self.dimension) if self.centre is None else np.array(self.centre)

    def bottom(self) -> Array:
        """Return where trajectories start unless the study says otherwise, (d,)."""
        return self.middle()

    def start_spread(self) -> Array | float:
        """Return the standard deviation about those points, of each coordinate or of all."""
        return self.start.std

    def origins(self) -> Array:
        """Return the starting points before the spread, (points, d)."""
        if self.start.points is not None:
            return np.array(self.start.points)
        return np.array([self.bottom() if self.start.point is None else self.start.point])

    @model_validator(mode="after")
    def _same_size(self) -> Any:
        faults = []
        given: list[tuple[tuple[str | int, ...], tuple[float, ...] | None]] = [
            (("centre",), self.centre),
            (("start", "point"), self.start.point),
            *((("start", "points", number), point) for number, point in enumerate(self.start.points or ())),
        ]
        for where, point in given:
            if point is not None and len(point) != self.dimension:
                faults.append(Fault(where, list(point), f"{self.dimension} numbers, one per coordinate"))
        refuse(faults)
        return self


LANDSCAPES: Registry[type[Landscape]] = Landscape.kinds
"""Landscapes by kind."""
