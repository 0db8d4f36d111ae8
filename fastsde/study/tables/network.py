"""The network of a study file, and how its layers start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fastsde.study.fields import Count, Expect, Fault, Real, Section, listed, refuse
from fastsde.study.terms import Rows

__all__ = ["Initialisation", "Network"]

MAX_WIDTH = 4096
Width = Annotated[Count, Field(le=MAX_WIDTH), Expect(f"a whole number from 1 to {MAX_WIDTH}")]


_KEYS = {
    "gaussian": ("gamma", "std"),
    "balanced": ("gamma", "std"),
    "values": ("layers", "std", "file", "branches", "origin"),
    "snapshot": ("ensemble", "model", "step", "first", "branches", "origin"),
    "saddle": ("rank", "modes", "perturbation", "direction"),
}
"""What each kind of start has."""


class Initialisation(Section):
    """How the layers start.

    Parameters
    ----------
    kind : {"gaussian", "balanced", "values", "snapshot", "saddle"}
        "gaussian": independent normal entries. "balanced": layers with ``W_{l+1}^T W_{l+1} = W_l W_l^T``.
        "values": given numbers, in the study or in a file. "snapshot": states of trajectories of another
        ensemble. "saddle": balanced layers of a saddle of the loss, and a perturbation.
    gamma : float, optional
        Standard deviation ``min(fan_in, fan_out)^(-gamma/2)`` in each layer; 0 or more.
    std : float, optional
        The standard deviation itself. Exactly one of `gamma` and `std` for "gaussian" and "balanced". For
        `layers`: of independent normals that are added to them, 0 by default.
    layers : tuple of matrices, optional
        For "values": W_1, W_2, ..., each as a list of rows, the same for all trajectories.
    file : str, optional
        For "values" (or "file", the same), in place of `layers`: a file of parameters, (p,) or (states, p),
        or with an array for each layer, (rows, columns) or (states, rows, columns), as PyTorch's
        ``state_dict`` has them: ``.npy``, ``.npz``, HDF5, netCDF or ``.safetensors``. It is looked for beside
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
    rank : int, optional
        For "saddle": the number r of the strongest modes, which the saddle keeps; 0 is the origin. Its map is
        ``W_r = U_r U_r^T W*``, U_r the first eigenvectors of ``Syx S^-1 Syx^T``, and has the least loss among
        maps of rank r. The layers are balanced, ``W_{l+1}^T W_{l+1} = W_l W_l^T``, and use the first r units
        of each hidden layer; the weights of the others are 0.
    modes : tuple of int, optional
        For "saddle", in place of `rank`: the numbers, from 1, of the modes that it keeps. Their order is that
        of the eigenvalues; with white inputs, that of the singular values.
    perturbation : float, optional
        For "saddle": size of the perturbation, 0 by default.
    direction : {"random", "escape"}, optional
        For "saddle". "random", the default: independent normals of standard deviation `perturbation` are
        added to all entries. "escape": the state is at the distance `perturbation` from the saddle, in a
        random one of the directions in which it is left, see `fastsde.problem.saddle_start`.
    """

    kind: Annotated[
        Literal["gaussian", "balanced", "values", "snapshot", "saddle"],
        Expect('"gaussian", "balanced", "values", "snapshot" or "saddle"'),
    ] = "gaussian"
    gamma: Annotated[float | None, Field(ge=0, le=100), Expect("a number from 0 to 100")] = None
    std: Real | None = None
    layers: Annotated[
        tuple[Rows, ...] | None, listed, Field(min_length=1), Expect("a list of matrices, W_1 first")
    ] = None
    file: Annotated[str | None, Field(min_length=1), Expect("name of a file")] = None
    ensemble: Annotated[
        str | None, Field(min_length=1), Expect("directory of a run, or an ensemble file")
    ] = None
    model: Annotated[str | None, Field(min_length=1), Expect("name of a model of that run")] = None
    step: Annotated[Count | Literal[0] | None, Expect("a step of a snapshot of that run")] = None
    first: Annotated[Count | Literal[0] | None, Expect("a number of a trajectory")] = None
    branches: Count | None = None
    origin: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$"), Expect("nothing: it is resolved")] = None
    rank: Annotated[Count | Literal[0] | None, Expect("a whole number from 0: modes that are learned")] = None
    modes: Annotated[tuple[Count, ...] | None, listed, Expect("a list of numbers of modes, from 1")] = None
    perturbation: Real | None = None
    direction: Annotated[Literal["random", "escape"] | None, Expect('"random" or "escape"')] = None

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        if table.get("kind") == "snapshot":
            return {"first": 0, "branches": 1, **table}
        if table.get("kind") == "saddle":
            return {"perturbation": 0.0, "direction": "random", **table}
        return table | {"kind": "values"} if table.get("kind") == "file" else table

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
                fix = 'write layers = [[[..], ..], ..], W_1 first, or file = "start.npy"'
                yield Fault((), given, "exactly one of layers and file", fix)
            elif self.file is not None and self.std is not None:
                yield Fault(("std",), self.std, "nothing: a file has the states as they are", "remove std")
            elif self.layers is not None and self.branches is not None:
                yield Fault(("branches",), self.branches, "branches only with file", "remove branches")
        elif self.kind == "saddle":
            if (self.rank is None) == (self.modes is None):
                fix = "write rank = 1 (the strongest mode is learned; 0 for the origin), or modes = [1, 3]"
                yield Fault((), given, "exactly one of rank and modes", fix)
            elif len(set(self.kept)) < len(self.kept):
                yield Fault(("modes",), list(self.modes or ()), "each mode once")
        elif (self.gamma is None) == (self.std is None):
            fix = "write gamma = 2.0 (variance one over the width squared), or std = 0.1"
            yield Fault((), given, "exactly one of gamma and std", fix)

    @property
    def from_states(self) -> bool:
        """Whether trajectories start from states that stand elsewhere: in another ensemble, or in a file."""
        return self.kind == "snapshot" or self.file is not None

    @property
    def kept(self) -> tuple[int, ...]:
        """Modes that the saddle keeps, numbered from 0.

        Examples
        --------
        >>> Initialisation(kind="saddle", rank=2).kept, Initialisation(kind="saddle", modes=(3, 1)).kept
        ((0, 1), (0, 2))
        """
        if self.modes is None:
            return tuple(range(self.rank or 0))
        return tuple(sorted(mode - 1 for mode in self.modes))

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
        "remove it: this network is linear, y = W_L ... W_1 x; a nonlinear one is a [landscape] with "
        'kind = "mlp"',
    ) | {
        "bias": 'remove it: there are no biases, y = W_L ... W_1 x, but in a [landscape] with kind = "mlp"',
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
        refuse(self._faults_of_saddle())
        return self

    def _faults_of_layers(self) -> Iterator[Fault]:
        """Check the shapes of given layers."""
        layers = self.init.layers or ()
        if layers and len(layers) != len(self.widths) - 1:
            expected = f"{len(self.widths) - 1} matrices, one per layer"
            yield Fault(("init", "layers"), f"{len(layers)} matrices", expected)
            return
        for number, (rows, (below, above)) in enumerate(zip(layers, pairwise(self.widths), strict=False)):
            if len(rows) != above or any(len(row) != below for row in rows):
                expected = f"{above} rows of {below} numbers, from {below} units to {above}"
                found = f"rows of {', '.join(str(len(row)) for row in rows)} numbers"
                yield Fault(("init", "layers", number), found, expected)

    def _faults_of_saddle(self) -> Iterator[Fault]:
        """Check that the network has the saddle."""
        init = self.init
        if init.kind != "saddle":
            return
        if len(self.widths) == 2:
            expected = "a network with a hidden layer: without one the loss is convex and has no saddles"
            yield Fault(("init", "kind"), init.kind, expected, "add a hidden layer, as widths = [4, 10, 4]")
            return
        most = min(self.widths)
        if len(init.kept) > most:
            key, found = ("rank", init.rank) if init.modes is None else ("modes", list(init.modes))
            yield Fault(("init", key), found, f"at most {most} modes, the smallest of network.widths")
            return
        modes = min(self.widths[0], self.widths[-1])
        if max(init.kept, default=0) >= modes:
            expected = f"numbers from 1 to {modes}, the smaller of inputs and outputs"
            yield Fault(("init", "modes"), list(init.modes or ()), expected)

    @property
    def loss_scale(self) -> float:
        """The factor c of ``loss = c/2 E|Wx - y|^2``: ``2/d_out`` for "mean", 1 for "half"."""
        return 2.0 / self.widths[-1] if self.loss == "mean" else 1.0
