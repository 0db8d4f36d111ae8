"""Trajectories of another program: what a file has of them, and their states or values at a snapshot."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fastsde.problem.initial_points import balanced_factors
from fastsde.problem.own_data import check_same, complaining
from fastsde.problem.start_file import layer_arrays
from fastsde.study.data_file import located
from fastsde.study.dimensions import dimension_sizes
from fastsde.study.models.imported import Imported
from fastsde.study.observable import OBSERVABLES
from fastsde.system.array_files import ArrayFileError, StoredArray, open_arrays

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["TrajectoryFile"]

Array = NDArray[Any]
STEPS = ("steps", "step")


class TrajectoryFile:
    """The trajectories of an imported model.

    Parameters
    ----------
    study : Study
    name : str
        Of the model.

    Attributes
    ----------
    kind : str
        "parameters", where there are all of them (in one array, or one for each layer); "matrices", where
        there are end-to-end matrices; "values", where there are observables only.
    steps : ndarray of int, shape (snapshot,)
        Learning-rate steps.
    count : int
        Trajectories.

    Raises
    ------
    StudyError
        If the file is missing or has changed, or its arrays do not fit the study.
    """

    def __init__(self, study: Study, name: str) -> None:
        self._study, self._name = study, name
        self._model = cast(Imported, study.models[name])
        with complaining(f"models.{name}.file"):
            (self.path,) = located([self._model.file], study.places())
            check_same([self.path], self._model.sha256)
            arrays = open_arrays(self.path)
            self.steps = self._read_steps(arrays)
            self.kind, self._arrays = self._recognised(arrays)
            self.count = self._common_count()

    def check(self) -> None:
        """Refuse a file that does not have the snapshots and trajectories of the study."""
        with complaining(f"models.{self._name}.file"):
            wanted = self._study.time.snapshot_steps()
            missing = [int(step) for step in wanted if step not in self.steps]
            if missing:
                raise ArrayFileError(
                    f"snapshots at steps {_few(self.steps)} in {self.path}",
                    f"the steps of the study's snapshots; missing: {_few(missing)}. Write "
                    f"time.snapshots = {{ at = [{', '.join(map(str, self.steps))}] }}, or run fastsde import",
                )
            if self.count < self._study.trajectories:
                raise ArrayFileError(
                    f"{self.count} trajectories in {self.path}",
                    f"at least {self._study.trajectories}; or write trajectories = {self.count}",
                )

    def states(self, step: int, first: int, count: int) -> Array:
        """Return the parameters of trajectories at a step, (count, p).

        Of end-to-end matrices balanced factors, so that the product is right; of values zeros.
        """
        place, rows = self._place(step), slice(first, first + count)
        if self.kind == "values":
            return np.zeros((count, self._parameters), self._study.dtype)
        parts = [np.asarray(one.read((place, rows)), self._study.dtype) for one in self._arrays.values()]
        if self.kind == "matrices":
            return np.stack([self._factored(matrix) for matrix in parts[0]])
        return np.concatenate([part.reshape(count, -1) for part in parts], axis=1)

    def values(self, step: int, first: int, count: int) -> dict[str, Array]:
        """Return the observables that the file has, at a step; empty unless `kind` is "values"."""
        if self.kind != "values":
            return {}
        index = (self._place(step), slice(first, first + count))
        return {name: np.asarray(one.read(index)) for name, one in self._arrays.items()}

    @property
    def absent(self) -> frozenset[str]:
        """Names of the study's observables that cannot be known from the file."""
        recorded = {name: OBSERVABLES[name] for name in self._study.record.observables}
        if self.kind == "values":
            return frozenset(set(recorded) - set(self._arrays))
        if self.kind == "parameters":
            unknown = {"update_noise", "rates", "path"}
            return frozenset(name for name, one in recorded.items() if unknown & {*one.needs})
        of_layers = {"gradient_norm", "balance"}
        return frozenset(name for name, one in recorded.items() if one.needs or name in of_layers)

    @cached_property
    def _shapes(self) -> list[tuple[int, int]]:
        return [(above, below) for below, above in pairwise(self._study.widths)]

    @property
    def _parameters(self) -> int:
        return sum(above * below for above, below in self._shapes)

    def _place(self, step: int) -> int:
        return int(np.flatnonzero(self.steps == step)[0])

    def _read_steps(self, arrays: dict[str, StoredArray]) -> NDArray[np.int64]:
        named = next((arrays[name] for name in STEPS if name in arrays), None)
        if self._model.steps is not None:
            steps = np.asarray(self._model.steps)
        elif named is not None:
            steps = np.asarray(named.read())
        else:
            expected = f"an array of steps ({' or '.join(STEPS)}), or steps = [..] in the model's table"
            raise ArrayFileError(f"arrays {', '.join(filter(None, arrays)) or 'without names'}", expected)
        if steps.ndim != 1 or not np.array_equal(steps, np.unique(np.round(steps))) or steps[0] < 0:
            raise ArrayFileError(f"steps {_few(steps.ravel())}", "whole numbers that rise, from 0")
        return steps.astype(np.int64)

    def _recognised(self, arrays: dict[str, StoredArray]) -> tuple[str, dict[str, StoredArray]]:
        """Say what the arrays are."""
        rest = {name: one for name, one in arrays.items() if name not in STEPS}
        network, size = self._study.objective.linear, self._parameters
        if "parameters" in rest:
            return "parameters", {"parameters": self._of_shape(rest["parameters"], (size,))}
        if len(rest) == 1:
            (one,) = rest.values()
            if one.shape[2:] == (size,):
                return "parameters", rest
            if network and one.shape[2:] == (self._study.widths[-1], self._study.widths[0]):
                return "matrices", rest
        layers = layer_arrays(rest)
        if network and [one.shape[2:] for one in layers] == self._shapes:
            return "parameters", {one.name: one for one in layers}
        if network and "end_to_end" in rest:
            shape = (self._study.widths[-1], self._study.widths[0])
            return "matrices", {"end_to_end": self._of_shape(rest["end_to_end"], shape)}
        known = {name: self._of_observable(name, one) for name, one in rest.items() if name in OBSERVABLES}
        if not known:
            found = ", ".join(f"{name or 'array'} {one.shape}" for name, one in rest.items()) or "no arrays"
            raise ArrayFileError(
                f"{found} in {self.path}",
                f"parameters (snapshot, trajectory, {size}), an array for each layer, end_to_end "
                "matrices, or observables by name",
            )
        return "values", known

    def _of_observable(self, name: str, one: StoredArray) -> StoredArray:
        sizes = dimension_sizes(self._study, self._study.trajectories)
        dims = OBSERVABLES[name].dims
        if not all(dim in sizes for dim in dims):
            return one
        return self._of_shape(one, tuple(sizes[dim] for dim in dims))

    def _of_shape(self, one: StoredArray, shape: tuple[int, ...]) -> StoredArray:
        if one.shape[2:] != shape or len(one.shape) < 2 or one.dtype.kind not in "fiu":
            sizes = ", ".join(map(str, ("snapshot", "trajectory", *shape)))
            found = f"{one.name}: {one.dtype} of shape {one.shape} in {self.path}"
            raise ArrayFileError(found, f"real numbers of shape ({sizes})")
        return one

    def _common_count(self) -> int:
        counts = {one.shape[:2] for one in self._arrays.values()}
        if len(counts) != 1 or next(iter(counts))[0] != len(self.steps):
            expected = f"{len(self.steps)} snapshots, one per step, and equally many trajectories"
            raise ArrayFileError(f"arrays of (snapshots, trajectories) {sorted(counts)}", expected)
        return int(next(iter(counts))[1])

    def _factored(self, matrix: Array) -> Array:
        """Return balanced layers of this product; not finite where it is not."""
        if not np.isfinite(matrix).all():
            return np.full(self._parameters, np.nan, self._study.dtype)
        least = min(self._study.widths)
        hidden = [np.eye(width)[:, :least] for width in self._study.widths[1:-1]]
        layers = balanced_factors(np.asarray(matrix, dtype=np.float64), hidden)
        return np.concatenate([layer.ravel() for layer in layers]).astype(self._study.dtype)


def _few(steps: Any) -> str:
    """Return numbers separated by commas; the first few of many."""
    numbers = [f"{step:g}" for step in list(steps)[:8]]
    return ", ".join(numbers) + (f", ... ({len(steps)})" if len(steps) > 8 else "")
