"""Open an ensemble and read from it."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastsde import netcdf, schema
from fastsde.errors import StoreError
from fastsde.header import check_format
from fastsde.provenance import read_versions
from fastsde.seal import broken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fastsde.data import Problem
    from fastsde.dynamics import Model
    from fastsde.study import Study

__all__ = ["ENSEMBLE_FILE", "Ensemble", "Trajectories", "open_ensemble"]

ENSEMBLE_FILE = "ensemble.h5"
VERIFIED_BYTES = 1 << 26
"""An ensemble file of at most so many bytes is checked whole when it is opened."""


def open_ensemble(path: Path | str) -> Ensemble:
    """Open the ensemble of a run's directory, or an ensemble file; a context manager.

    Raises
    ------
    StoreError
        If there is none, it has another format, or a part it refers to is missing.

    Examples
    --------
    >>> with open_ensemble("runs/saddle") as ensemble:  # doctest: +SKIP
    ...     loss = ensemble["sgd"]["loss"]  # (snapshots, trajectories)
    """
    return Ensemble(path)


class Ensemble:
    """A joined study: the study itself, its data, and one `Trajectories` for each model.

    Attributes
    ----------
    path
        The ensemble file.
    names
        The models, in the order of the study file.
    """

    path: Path
    names: list[str]

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        self.path = path / ENSEMBLE_FILE if path.is_dir() else path
        if not self.path.is_file():
            from fastsde.merge import PARTIAL_FILE

            partial = path / PARTIAL_FILE
            mend = f"{partial} holds a part of it" if partial.is_file() else "`fastsde run` makes one"
            raise StoreError(f"no ensemble at {self.path}: {mend}; see `fastsde status`")
        wrong = broken(self.path, quick=self.path.stat().st_size > VERIFIED_BYTES)
        if wrong:
            raise StoreError(f"{wrong}; `fastsde merge` makes it anew")
        try:
            self._file = netcdf.open_old(self.path)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read as HDF5: {error}") from error
        try:
            check_format(self._file, self.path, schema.ENSEMBLE_FORMAT)
            self._check_parts()
        except BaseException:
            self.close()
            raise
        self.names = [name for name in self._file if name not in (schema.PROBLEM_GROUP, schema.PARTS_GROUP)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, name: str) -> Trajectories:
        if name not in self.names:
            raise StoreError(f"no model {name!r} in {self.path}; it has {', '.join(self.names)}")
        return Trajectories(self._file[name], self.study, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def close(self) -> None:
        """Close the file; views of it can be read no more."""
        self._file.close()

    @cached_property
    def study(self) -> Study:
        """The study, as it was resolved when it ran."""
        from fastsde.study import Study

        return Study.from_toml(self._file.attrs["study"])

    @cached_property
    def problem(self) -> Problem:
        """The data: teacher, samples, moments, modes of the optimum (read from the file)."""
        from fastsde.data import Problem

        group = self._file[schema.PROBLEM_GROUP]
        values: dict[str, Any] = {}
        for field in dataclasses.fields(Problem):
            if field.name in group:
                values[field.name] = group[field.name][...]
            else:
                values[field.name] = _plain(group.attrs.get(field.name))
        return Problem(**values)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Versions of the libraries, the machine that joined the parts, and when."""
        attributes = self._file.attrs
        return {
            "versions": read_versions(attributes),
            "host": json.loads(attributes["host"]),
            "created": str(attributes["created"]),
            "fingerprint": str(attributes["fingerprint"]),
            "format_version": [int(number) for number in attributes["format_version"]],
        }

    def final_parameters(self, name: str) -> NDArray[Any] | None:
        """Return where a model's trajectories are at the end, (count, p), exploded ones as they are.

        None if the parts do not keep it, or the ensemble is one file without them.
        """
        if name not in self._file.get(schema.PARTS_GROUP, {}):
            return None
        table = self._file[schema.PARTS_GROUP][name]
        rows = []
        for file, first, count in zip(table["file"], table["first"], table["count"], strict=True):
            with netcdf.open_old(self.path.parent / file.decode()) as part:
                if schema.CHECKPOINT_GROUP not in part:
                    return None
                begin = int(first) - int(part.attrs["first"])
                rows.append(part[schema.CHECKPOINT_GROUP]["parameters"][begin : begin + int(count)])
        return np.concatenate(rows)

    def _check_parts(self) -> None:
        """Refuse an ensemble whose parts are not all there, in the length they had when they were joined."""
        missing: list[str] = []
        for group in self._file.get(schema.PARTS_GROUP, {}).values():
            names = [name.decode() for name in group["file"][...]]
            sizes = group["bytes"][...] if "bytes" in group else [-1] * len(names)
            for name, size in zip(names, sizes, strict=True):
                path = self.path.parent / name
                if not path.is_file():
                    missing.append(name)
                elif size >= 0 and path.stat().st_size != size:
                    raise StoreError(
                        f"{path} has {path.stat().st_size} bytes, and {size} when {self.path.name} was made; "
                        "`fastsde status --verify` finds broken files, `fastsde merge` joins sound ones anew"
                    )
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise StoreError(
                f"{self.path} refers to parts that are missing: {', '.join(missing[:3])}{more}; "
                "bring them back, or compute them with `fastsde run`"
            )


class Trajectories:
    """One model's trajectories; arrays are read from the file when asked for.

    Attributes
    ----------
    name, model
        The model's name, and what the study says of it.
    variables
        Names of what is recorded: observables and events.
    step, time
        Learning-rate steps (int64) and time at the snapshots, shape (snapshots,).
    count
        Number of trajectories.
    numbers
        Their numbers in the study, shape (count,): with gaps where parts are missing.
    attributes
        dt, substeps, the temperature used, ...
    """

    def __init__(self, group: Any, study: Study, name: str) -> None:
        self._group = group
        self._sizes = schema.dimension_sizes(study, int(group["trajectory"].shape[0]))
        self._known = schema.recorded(study) | schema.EVENTS
        self._dtype: str = study.dtype
        self.name = name
        self.model: Model = study.models[name]
        self.variables: tuple[str, ...] = tuple(self._known)
        self.count: int = self._sizes["trajectory"]
        self.numbers: NDArray[np.int64] = group["trajectory"][...]
        self.step: NDArray[np.int64] = group["step"][...]
        self.time: NDArray[np.float64] = group["time"][...]
        self.attributes: dict[str, Any] = {key: _plain(value) for key, value in group.attrs.items()}

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a whole variable: (snapshots, trajectories, ...), or (trajectories, ...) for an event."""
        return self.read(name)

    def read(self, name: str, snapshot: int | None = None, trajectories: slice = slice(None)) -> NDArray[Any]:
        """Read a variable, one snapshot of it, or a range of trajectories.

        Parameters
        ----------
        name
            One of `variables`.
        snapshot
            Number of one snapshot (negative from the end), which leaves its axis out; events have none.
        trajectories
            Range of trajectories, a slice of step 1.

        Raises
        ------
        StoreError
            If the variable was not recorded, or a snapshot of an event is asked for.
        """
        if name not in self._known:
            raise StoreError(
                f"{name!r} was not recorded for {self.name!r}; recorded are {', '.join(self.variables)} "
                "(the study's [record] observables decide)"
            )
        variable = self._known[name]
        timed = variable.dims[0] == "snapshot"
        if snapshot is not None and not timed:
            raise StoreError(f"{name!r} has no snapshots")
        index: tuple[int | slice, ...] = (trajectories,)
        if timed:
            index = (slice(None) if snapshot is None else range(len(self.step))[snapshot], trajectories)
        if name not in self._group:
            return np.empty(variable.shape(self._sizes), variable.dtype(self._dtype))[index]
        try:
            values: NDArray[Any] = self._group[name][index]
        except (OSError, RuntimeError) as error:
            raise StoreError(
                f"{name!r} of {self.name!r} cannot be read: {error}; "
                "`fastsde status --verify` finds broken files"
            ) from error
        return values

    @cached_property
    def exploded(self) -> NDArray[np.bool_]:
        """Which trajectories left the finite numbers, shape (count,); their values are NaN from then on."""
        return np.asarray(self["exploded_step"] >= 0)

    def passage_time(self, event: str) -> NDArray[np.float64]:
        """Return first-passage times, integrator steps times dt; NaN where the event never came.

        Parameters
        ----------
        event
            "exploded" (count,), "loss_below" (count, levels) or "mode_learned" (count, fractions, modes).
        """
        steps = self[f"{event}_step"]
        return np.where(steps >= 0, steps * float(self.attributes["dt"]), np.nan)


def _plain(value: Any) -> Any:
    """Return NumPy scalars as Python's."""
    return value.item() if isinstance(value, np.generic) else value
