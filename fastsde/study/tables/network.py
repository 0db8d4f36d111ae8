"""The tables of a study file other than its models: network, data, time, record and events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, TypeGuard, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fastsde.study.distributions import GaussianInputs, GaussianNoise, Inputs, LabelNoise
from fastsde.study.fields import (
    Count,
    Expect,
    Fault,
    Number,
    Positive,
    Real,
    Section,
    Seed,
    Size,
    listed,
    refuse,
)
from fastsde.study.terms import Rows, Schedule

__all__ = [
    "Data",
    "Events",
    "Initialisation",
    "Interval",
    "Late",
    "Network",
    "Record",
    "Snapshots",
    "Teacher",
    "Time",
]

MAX_WIDTH = 4096
DEFAULT_SNAPSHOTS = 64

ObservableName = Literal[
    "loss",
    "gradient_norm",
    "modes",
    "singular_values",
    "effective_rank",
    "balance",
    "noise_trace",
    "update_noise",
    "rank_index",
    "rank_distance",
    "hessian_min",
    "hessian_max",
    "hessian_error",
    "mode_matrix",
    "end_to_end",
    "parameters",
    "mode_drift",
    "mode_diffusion",
    "stable_rank",
    "mode_alignment",
    "layer_alignment",
]
OBSERVABLES: tuple[ObservableName, ...] = get_args(ObservableName)
Observable = Annotated[ObservableName, Expect("one of " + ", ".join(OBSERVABLES))]
Width = Annotated[Count, Field(le=MAX_WIDTH), Expect(f"a whole number from 1 to {MAX_WIDTH}")]
Samples = Annotated[Size | Literal["population"], Expect('a whole number from 1 to 2^32, or "population"')]


Ends = Annotated[
    tuple[Number, ...],
    listed,
    Field(min_length=2, max_length=2),
    Expect("two numbers, as [-1.0, 1.0]"),
]


_KEYS = {
    "gaussian": ("gamma", "std"),
    "balanced": ("gamma", "std"),
    "values": ("layers", "std", "file", "branches", "origin"),
    "snapshot": ("ensemble", "model", "step", "first", "branches", "origin"),
}
"""What each kind of start has."""


class Initialisation(Section):
    """How the layers start.

    Parameters
    ----------
    kind : {"gaussian", "balanced", "values", "snapshot"}
        "gaussian": independent normal entries. "balanced": layers with ``W_{l+1}^T W_{l+1} = W_l W_l^T``.
        "values": given numbers, in the study or in a file. "snapshot": states of trajectories of another
        ensemble.
    gamma : float, optional
        Standard deviation ``min(fan_in, fan_out)^(-gamma/2)`` in each layer; 0 or more.
    std : float, optional
        The standard deviation itself. Exactly one of `gamma` and `std` for "gaussian" and "balanced". For
        `layers`: of independent normals that are added to them, 0 by default.
    layers : tuple of matrices, optional
        For "values": W_1, W_2, ..., each as a list of rows, the same for all trajectories.
    file : str, optional
        For "values", in place of `layers`: a ``.npy`` file of parameters, (p,) or (states, p), or a ``.npz``
        file with an array for each layer, (rows, columns) or (states, rows, columns). It is looked for beside
        the study file, then in the working directory. A single state serves all trajectories.
    ensemble : str, optional
        For "snapshot": directory of the other run, or its ensemble file, looked for as `file` is.
    model : str, optional
        For "snapshot": its model.
    step : int, optional
        Learning-rate step of one of its snapshots; the last one by default.
    first : int, optional
        Number of the first of its trajectories that are taken, 0 by default; diverged ones are passed over.
    branches : int, optional
        Trajectories that start from each state of a snapshot or a file, 1 by default: trajectory k from state
        ``k // branches``. Their noise is independent of each other's, and of what led to the state.
    origin : str, optional
        Which numbers they are; resolved when the study is run, not to be written by hand.
    """

    kind: Annotated[
        Literal["gaussian", "balanced", "values", "snapshot"],
        Expect('"gaussian", "balanced", "values" or "snapshot"'),
    ] = "gaussian"
    gamma: Annotated[float | None, Field(ge=0, le=100), Expect("a number from 0 to 100")] = None
    std: Real | None = None
    layers: Annotated[
        tuple[Rows, ...] | None, listed, Field(min_length=1), Expect("a list of matrices, W_1 first")
    ] = None
    file: Annotated[str | None, Field(min_length=1), Expect("name of a file .npy or .npz")] = None
    ensemble: Annotated[
        str | None, Field(min_length=1), Expect("directory of a run, or an ensemble file")
    ] = None
    model: Annotated[str | None, Field(min_length=1), Expect("name of a model of that run")] = None
    step: Annotated[Count | Literal[0] | None, Expect("a step of a snapshot of that run")] = None
    first: Annotated[Count | Literal[0] | None, Expect("a number of a trajectory")] = None
    branches: Count | None = None
    origin: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$"), Expect("nothing: it is resolved")] = None

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("kind") == "snapshot":
            return {"first": 0, "branches": 1, **table}
        return table

    @model_validator(mode="after")
    def _agree(self) -> Initialisation:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[Fault]:
        given = self.model_dump(exclude_none=True)
        for key in given.keys() - {"kind", *_KEYS[self.kind]}:
            kinds = " or ".join(f'kind = "{kind}"' for kind, keys in _KEYS.items() if key in keys)
            yield Fault((key,), given[key], f"nothing: only with {kinds}", "remove it, or change kind")
        if self.kind == "snapshot":
            for key in {"ensemble", "model"} - given.keys():
                yield Fault((key,), "nothing", "the run and the model whose states are taken", f"add {key}")
        elif self.kind == "values":
            if (self.layers is None) == (self.file is None):
                mend = 'write layers = [[[..], ..], ..], W_1 first, or file = "start.npy"'
                yield Fault((), given, "exactly one of layers and file", mend)
            elif self.file is not None and self.std is not None:
                yield Fault(("std",), self.std, "nothing: a file has the states as they are", "remove std")
            elif self.layers is not None and self.branches is not None:
                yield Fault(("branches",), self.branches, "branches only with file", "remove branches")
        elif (self.gamma is None) == (self.std is None):
            mend = "write gamma = 2.0 (variance one over the width squared), or std = 0.1"
            yield Fault((), given, "exactly one of gamma and std", mend)

    @property
    def from_states(self) -> bool:
        """Whether trajectories start from states that stand elsewhere: in another ensemble, or in a file."""
        return self.kind == "snapshot" or self.file is not None

    def values(self) -> NDArray[np.float64]:
        """Give the parameters that `layers` are, (p,)."""
        return np.concatenate([np.ravel(rows) for rows in self.layers or ()])

    def stds(self, widths: tuple[int, ...]) -> tuple[float, ...]:
        """Give the standard deviation of the entries of each layer, input side first.

        Examples
        --------
        >>> Initialisation(gamma=2.0).stds((4, 10, 10))
        (0.25, 0.1)
        """
        pairs = pairwise(widths)
        if self.gamma is None:
            return tuple(float(self.std or 0.0) for _ in pairs)
        return tuple(float(min(pair)) ** (-self.gamma / 2) for pair in pairs)


class Network(Section):
    """A deep linear network ``W = W_L ... W_1``.

    Parameters
    ----------
    widths : tuple of int
        Sizes of the layers, input first: two or more, each from 1 to 4096.
    init : Initialisation
        How the layers start.
    loss : {"mean", "half"}
        "mean": the square averaged over outputs, as PyTorch's MSELoss. "half": half the sum of squares.
    """

    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("activation", "activations", "nonlinearity"),
        "remove it: networks are linear for now, y = W_L ... W_1 x",
    ) | {
        "bias": "remove it: networks have no biases, y = W_L ... W_1 x",
        "depth": "remove it: the depth is the length of widths less one",
        "layers": "remove it: the layers are those between the numbers of widths",
    }

    widths: Annotated[
        tuple[Width, ...], listed, Field(min_length=2), Expect("a list of two or more widths, input first")
    ]
    init: Initialisation
    loss: Annotated[Literal["mean", "half"], Expect('"mean" or "half"')] = "mean"

    @model_validator(mode="after")
    def _agree(self) -> Network:
        refuse(self._faults_of_layers())
        return self

    def _faults_of_layers(self) -> Iterator[Fault]:
        """Check the shapes of given layers."""
        layers = self.init.layers or ()
        if layers and len(layers) != len(self.widths) - 1:
            allowed = f"{len(self.widths) - 1} matrices, one per layer"
            yield Fault(("init", "layers"), f"{len(layers)} matrices", allowed)
            return
        for number, (rows, (below, above)) in enumerate(zip(layers, pairwise(self.widths), strict=False)):
            if len(rows) != above or any(len(row) != below for row in rows):
                allowed = f"{above} rows of {below} numbers, from {below} units to {above}"
                found = f"rows of {', '.join(str(len(row)) for row in rows)} numbers"
                yield Fault(("init", "layers", number), found, allowed)

    @property
    def loss_scale(self) -> float:
        """The factor c of ``loss = c/2 E|Wx - y|^2``: ``2/d_out`` for "mean", 1 for "half"."""
        return 2.0 / self.widths[-1] if self.loss == "mean" else 1.0


class Teacher(Section):
    """A linear teacher with given singular values and random singular vectors.

    Parameters
    ----------
    singular_values : tuple of float
        Above 0; as many as the rank, at most min(inputs, outputs).
    """

    singular_values: Annotated[
        tuple[Positive, ...], listed, Field(min_length=1), Expect("a list of one or more numbers above 0")
    ]


class Data(Section):
    """What is learned from: ``y = W* x + noise``.

    Parameters
    ----------
    samples : int or "population"
        Size of the training set, or the limit of infinitely many.
    seed : int
        Seed of teacher, inputs and label noise; in a study file it defaults to the seed of the study.
    inputs, teacher, label_noise
        The laws; ``label_noise`` in a study file may be a bare number, the standard deviation.
    """

    samples: Samples
    seed: Seed = 0
    inputs: Inputs = GaussianInputs()
    teacher: Teacher
    label_noise: LabelNoise = GaussianNoise(scale=0.0)


class Late(Section):
    """Closely spaced snapshots at the end: `count` of them, `every` steps apart, the last one included.

    Currents, entropy production and mixing times need them: `every` well below the relaxation time of the
    modes, ``count * every`` well above it.

    Parameters
    ----------
    count : int
        How many, two or more.
    every : int, default 1
        Steps from one to the next.
    """

    count: Annotated[Count, Field(ge=2), Expect("a whole number, at least 2")]
    every: Count = 1

    def steps(self, last: int) -> NDArray[np.int64]:
        """Give their steps, increasing.

        Examples
        --------
        >>> Late(count=3, every=5).steps(100)
        array([ 90,  95, 100])
        """
        return last - self.every * np.arange(self.count, dtype=np.int64)[::-1]


class Snapshots(Section):
    """When to record: `count` times, evenly or logarithmically, or at the steps `at`; and `late` besides.

    Parameters
    ----------
    count : int, optional
        Snapshots in all, start and end included; at most one more than there are steps.
    spacing : {"log", "linear"}
        How those of `count` are spaced; "log" by default.
    at : tuple of int, optional
        Steps of the snapshots in place of `count`; start and end are added.
    late : Late, optional
        Closely spaced snapshots at the end besides.
    """

    count: Annotated[Count | None, Field(ge=2), Expect("a whole number, at least 2")] = None
    spacing: Annotated[Literal["log", "linear"] | None, Expect('"log" or "linear"')] = None
    at: Annotated[
        tuple[Annotated[Count | Literal[0], Expect("a whole number, at least 0")], ...] | None,
        listed,
        Expect("a list of steps"),
    ] = None
    late: Late | None = None

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        if isinstance(table, dict) and "count" in table and "at" not in table:
            return {"spacing": "log", **table}
        return table

    @model_validator(mode="after")
    def _agree(self) -> Snapshots:
        faults = []
        if (self.at is None) == (self.count is None):
            mend = 'write { count = 64, spacing = "log" } or { at = [0, 10, 100] }'
            faults.append(Fault((), self.model_dump(exclude_none=True), "exactly one of count and at", mend))
        elif self.at is not None and self.spacing is not None:
            faults.append(Fault(("spacing",), self.spacing, "spacing only with count", "remove spacing"))
        if self.at is not None and any(b <= a for a, b in pairwise(self.at)):
            faults.append(Fault(("at",), list(self.at), "steps in increasing order, none twice"))
        refuse(faults)
        return self


class Time(Section):
    """How long, and when to look.

    Parameters
    ----------
    learning_rate : float
        Learning rate of SGD; one SGD step takes this much time.
    steps : int
        Length of the run in learning-rate steps, for every model.
    snapshots : Snapshots
        When to record.
    schedule : Schedule, optional
        The learning rate as a share of `learning_rate`, for all models. Times in the files stay steps times
        `learning_rate`.
    """

    hints: ClassVar[Mapping[str, str]] = {
        "lr": "write learning_rate",
        "eta": "write learning_rate",
        "dt": "remove it: a step of a model is learning_rate / models.NAME.substeps",
        "epochs": "write steps: an epoch is data.samples / batch of them",
    }

    learning_rate: Positive
    steps: Count
    snapshots: Snapshots = Snapshots(count=DEFAULT_SNAPSHOTS, spacing="log")
    schedule: Schedule | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_more_than_steps(cls, table: Any) -> Any:
        """Lower ``snapshots.count`` to the number of steps there are to look at, the start included."""
        if not isinstance(table, dict):
            return table
        wanted, steps = table.get("snapshots", {"count": DEFAULT_SNAPSHOTS}), table.get("steps")
        count = wanted.get("count") if isinstance(wanted, dict) else getattr(wanted, "count", None)
        if not (_is_number(count) and _is_number(steps) and 1 <= steps < count - 1 and steps == int(steps)):
            return table
        written = wanted if isinstance(wanted, dict) else wanted.model_dump(exclude_none=True)
        return {**table, "snapshots": {**written, "count": int(steps) + 1}}

    @model_validator(mode="after")
    def _agree(self) -> Time:
        wanted = self.snapshots
        if wanted.at and wanted.at[-1] > self.steps:
            refuse([Fault(("snapshots", "at"), list(wanted.at), f"steps from 0 to {self.steps}")])
        late = wanted.late
        if late is not None and (late.count - 1) * late.every > self.steps:
            allowed = f"(count - 1) x every at most the {self.steps} steps of the run"
            refuse([Fault(("snapshots", "late"), late.model_dump(), allowed)])
        return self

    def snapshot_steps(self) -> NDArray[np.int64]:
        """Give the steps of the snapshots, strictly increasing, from 0 to `steps`, both included.

        Returns
        -------
        (snapshots,) array of int64, in learning-rate steps. `count` of them; with `at`, those and both ends;
        with `late`, those of the end too.

        Examples
        --------
        >>> Time(learning_rate=0.1, steps=100, snapshots=Snapshots(count=6)).snapshot_steps()
        array([  0,   1,   3,  10,  32, 100])
        """
        late = self.snapshots.late
        return self._spread() if late is None else np.union1d(self._spread(), late.steps(self.steps))

    def _spread(self) -> NDArray[np.int64]:
        """Give the steps without those of `late`."""
        if self.snapshots.at is not None:
            return np.unique(np.array([0, *self.snapshots.at, self.steps], dtype=np.int64))
        count = self.snapshots.count or 2
        if self.snapshots.spacing == "linear" or count == 2:
            wanted = np.linspace(0, self.steps, count)
        else:
            wanted = np.concatenate([[0.0], np.geomspace(1, self.steps, count - 1)])
        index = np.arange(count)
        steps = np.maximum.accumulate(np.rint(wanted).astype(np.int64) - index) + index
        return np.minimum(steps, self.steps - index[::-1])


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Record(Section):
    """What each snapshot keeps.

    Parameters
    ----------
    observables : tuple of str
        Names from `OBSERVABLES`; the first eight by default.
    """

    observables: Annotated[
        tuple[Observable, ...], listed, Field(min_length=1), Expect("a list of names of observables")
    ] = OBSERVABLES[:8]

    @model_validator(mode="after")
    def _agree(self) -> Record:
        twice = sorted({name for name in self.observables if self.observables.count(name) > 1})
        refuse(Fault(("observables",), name, "each name once", "remove the repetition") for name in twice)
        return self


class Interval(Section):
    """An event of one mode: the first time that it is inside an interval, or outside of it.

    Parameters
    ----------
    mode : int, default 1
        Number of the mode, from 1; of a landscape's coordinate.
    inside : (low, high), optional
        The ends count as inside. In shares of the mode's strength; of a landscape, values of the coordinate.
    outside : (low, high), optional
        In place of `inside`.
    """

    mode: Count = 1
    inside: Ends | None = None
    outside: Ends | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """The lower and the upper end."""
        low, high = self.inside or self.outside or (0.0, 0.0)
        return low, high

    @model_validator(mode="after")
    def _agree(self) -> Interval:
        if (self.inside is None) == (self.outside is None):
            mend = "write { mode = 1, inside = [0.9, 1.1] }, or { mode = 1, outside = [-1.0, 1.0] }"
            refuse([Fault((), self.model_dump(exclude_none=True), "exactly one of inside and outside", mend)])
        if self.ends[0] >= self.ends[1]:
            key = "inside" if self.inside else "outside"
            refuse([Fault((key,), list(self.ends), "the lower end, then the upper one")])
        return self


class Events(Section):
    """First passages, found inside the kernels.

    Parameters
    ----------
    every : int
        Checked every so many integrator steps.
    loss_below : tuple of float
        Levels of the loss, above 0; of a landscape, energies of either sign.
    mode_learned : tuple of float
        Fractions f, above 0 and at most 1: the first time that ``u_a^T W v_a >= f s_a``, for each mode a. Of
        a landscape, any numbers f: the first time that coordinate a is at f or above it.
    radius_above : tuple of float, optional
        Distances of the parameters from the origin, or of a landscape's point from its centre.
    intervals : tuple of Interval, optional
        Intervals that one mode is inside or outside of for the first time.
    """

    every: Count = 1
    loss_below: Annotated[tuple[Number, ...], listed, Expect("a list of numbers")] = ()
    mode_learned: Annotated[tuple[Number, ...], listed, Expect("a list of numbers")] = (0.5,)
    radius_above: Annotated[tuple[Positive, ...] | None, listed, Expect("a list of numbers above 0")] = None
    intervals: Annotated[
        tuple[Interval, ...] | None, listed, Expect("a list such as [{ mode = 1, outside = [-1.0, 1.0] }]")
    ] = None

    @property
    def radii(self) -> tuple[float, ...]:
        """`radius_above`, empty where it is not set."""
        return self.radius_above or ()
