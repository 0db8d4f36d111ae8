"""Open an ensemble and read from it."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import broken, verification
from fastsde.storage.header import check_format
from fastsde.storage.joined import JoinedParts
from fastsde.storage.layout import ENSEMBLE_FILE
from fastsde.study.extension_imports import looking_in
from fastsde.system.atomic import present
from fastsde.system.brief import html_table, listed
from fastsde.system.errors import StoreError, naming
from fastsde.system.hdf5 import reading
from fastsde.system.provenance import read_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study
    from fastsde.system.progress import Progress

__all__ = ["Ensemble", "Trajectories", "open_ensemble"]

VERIFIED_BYTES = 1 << 26
"""The checksum of an ensemble file up to this size is verified when the file is opened."""


def open_ensemble(path: Path | str, *, verify: bool = False, progress: Progress | None = None) -> Ensemble:
    """Open the ensemble of a run's directory, or an ensemble file; a context manager.

    Parameters
    ----------
    path
        The directory or the file.
    verify
        Verify the checksums of the ensemble and of all its parts, which reads every byte; otherwise only what
        `fastsde.storage.joined.JoinedParts.check` describes.
    progress
        Reports the verification of checksums; None: silent.

    Raises
    ------
    StoreError
        If there is no ensemble, if it has another format, or if its parts are not those that were joined.
    UnreadableError
        If the system refuses to read a file.

    Examples
    --------
    >>> with open_ensemble("runs/saddle") as ensemble:  # doctest: +SKIP
    ...     loss = ensemble["sgd"]["loss"]  # (snapshots, trajectories)
    """
    return Ensemble(path, verify=verify, progress=progress)


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

    def __init__(self, path: Path | str, *, verify: bool = False, progress: Progress | None = None) -> None:
        path = Path(path)
        self.path = path / ENSEMBLE_FILE if path.is_dir() else path
        if not present(self.path):
            from fastsde.storage.layout import PARTIAL_FILE

            partial = path / PARTIAL_FILE
            fix = f"{partial} has partial results" if partial.is_file() else "`fastsde run` makes one"
            raise StoreError(
                f"there is no ensemble at {self.path}; {fix}; `fastsde status` shows the progress"
            )
        with reading(self.path):
            large = self.path.stat().st_size > VERIFIED_BYTES
            with verification([self.path] if verify and large else [], progress) as advance:
                wrong = broken(self.path, quick=large and not verify, advance=advance)
            if wrong:
                raise StoreError(f"{wrong}\nFix: recreate it with `fastsde merge`")
            self._file = netcdf.open_old(self.path)
        self._parts: JoinedParts | None = None
        try:
            with reading(self.path):
                check_format(self._file, self.path, schema.ENSEMBLE_FORMAT)
                if schema.PARTS_GROUP in self._file:
                    self._parts = JoinedParts(self._file[schema.PARTS_GROUP], self.path)
            if self._parts is not None:
                self._parts.check(verify=verify, progress=progress)
        except BaseException:
            self.close()
            raise
        self.names = [name for name in self._file if name not in (schema.PROBLEM_GROUP, schema.PARTS_GROUP)]

    def __repr__(self) -> str:
        about = listed(self.names) if self._file else "closed"
        return f"<Ensemble {self.path}: {about}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, name: str) -> Trajectories:
        if name not in self.names:
            raise StoreError(
                f"there is no model {name!r} in {self.path}; its models are {', '.join(self.names)}"
            )
        return Trajectories(self._file[name], self.study, name, self._parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def close(self) -> None:
        """Close the files; views of them can no longer be read."""
        if self._parts is not None:
            self._parts.close()
        self._file.close()

    @cached_property
    def study(self) -> Study:
        """The resolved study of the run."""
        from fastsde.study.study import Study

        with looking_in(self.path.parent), naming(str(self.path)):
            return Study.from_toml(self._file.attrs["study"])

    @cached_property
    def problem(self) -> Problem:
        """The data: teacher, samples, moments, modes of the optimum (read from the file)."""
        from fastsde.problem.data import Problem

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

    def to_xarray(self) -> Any:
        """Return a tree of xarray with one dataset for each model, whose variables are read when used.

        Returns
        -------
        xarray.DataTree
            With named dimensions; the ensemble must stay open while variables are read.

        Raises
        ------
        RequestError
            If xarray is not installed.

        Examples
        --------
        >>> import fastsde
        >>> with fastsde.open("runs/saddle") as ensemble:  # doctest: +SKIP
        ...     ensemble.to_xarray()["sgd"]["loss"].median("trajectory").plot()
        """
        from fastsde.storage.lazy_arrays import as_tree

        return as_tree(self)

    def _repr_html_(self) -> str:
        views = [self[name] for name in self.names]
        rows = [
            {
                "model": view.name,
                "trajectories": f"{view.count:,}",
                "snapshots": len(view.step),
                "last step": f"{int(view.step[-1]):,}",
                "variables": listed(view.variables),
            }
            for view in views
        ]
        return html_table(f"Ensemble {self.path}", rows)

    def final_parameters(self, name: str) -> NDArray[Any] | None:
        """Return the final parameters of a model's trajectories, (count, p), including diverged ones.

        Those of a trajectory that an event stopped are its parameters at the event.

        None if the parts do not store them, or if the ensemble is a single file without parts.
        """
        if self._parts is None or name not in self._parts:
            return None
        return self._parts.final_parameters(name)


class Trajectories:
    """One model's trajectories; arrays are read from the file on access.

    Attributes
    ----------
    name, model
        The model's name, and its definition in the study.
    variables
        Names of the observables and events in the file.
    step, time
        Learning-rate steps (int64) and time at the snapshots, shape (snapshots,).
    count
        Number of trajectories.
    numbers
        Their numbers in the study, shape (count,), with gaps where parts are missing.
    attributes
        dt, substeps, the temperature used, ...
    """

    def __init__(self, group: Any, study: Study, name: str, parts: JoinedParts | None = None) -> None:
        self._group = group
        self._parts = parts if parts is not None and name in parts else None
        self._sizes = schema.dimension_sizes(study, int(group["trajectory"].shape[0]))
        self._known = schema.recorded(study) | schema.events(study)
        self._dtype: str = study.dtype
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self.name = name
        self.model: Model = study.models[name]
        stored = {name: schema.stored_name(group, name) for name in self._known}
        self._stored = {name: there for name, there in stored.items() if there in group}
        self.variables: tuple[str, ...] = tuple(self._stored)
        self.count: int = self._sizes["trajectory"]
        self.numbers: NDArray[np.int64] = group["trajectory"][...]
        self.step: NDArray[np.int64] = group["step"][...]
        self.time: NDArray[np.float64] = group["time"][...]
        self.attributes: dict[str, Any] = {key: _plain(value) for key, value in group.attrs.items()}

    def __repr__(self) -> str:
        snapshots = f"{len(self.step):,} snapshots to step {int(self.step[-1]):,}"
        return f"<Trajectories {self.name}: {self.count:,} of {snapshots}; {listed(self.variables)}>"

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
            If the variable was not recorded, if a snapshot of an event is requested, or if a part of the
            ensemble was removed or changed since the ensemble was opened.
        UnreadableError
            If the system refuses to read a file.
        """
        if name not in self._known:
            raise StoreError(
                f"{name!r} was not recorded for the model {self.name!r}; recorded are "
                f"{', '.join(self.variables)}\nFix: add it to record.observables in the study, and rerun it"
            )
        variable = self._known[name]
        timed = variable.dims[0] == "snapshot"
        if snapshot is not None and not timed:
            raise StoreError(f"{name!r} is an event and has no snapshots")
        rows = range(self.count)[trajectories]
        if rows.step != 1:
            raise StoreError(f"trajectories must be a slice of step 1, not {rows.step}")
        lead: tuple[int | slice, ...] = ()
        if timed:
            lead = (slice(None) if snapshot is None else range(len(self.step))[snapshot],)
        if name not in self._stored:
            return np.empty(variable.shape(self._sizes), variable.dtype(self._dtype))[(*lead, trajectories)]
        if self._parts is None:
            with reading(Path(self._group.file.filename)):
                values: NDArray[Any] = self._group[self._stored[name]][(*lead, trajectories)]
                return values
        shape = variable.shape(self._sizes)
        kept = shape[:1] if timed and snapshot is None else ()
        values = np.empty((*kept, len(rows), *shape[1 + timed :]), self._stored_dtype(name))
        self._parts.read(self.name, name, lead, rows, values)
        return values

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Return the shape of a variable."""
        return tuple(self._known[name].shape(self._sizes))

    def dtype_of(self, name: str) -> np.dtype[Any]:
        """Return the type of a variable's numbers."""
        return np.dtype(self._known[name].dtype(self._dtype))

    def _stored_dtype(self, name: str) -> np.dtype[Any]:
        """Return the type of a variable's numbers in the files, which takes half as long as reading them."""
        if name not in self._dtypes:
            self._dtypes[name] = self._group[self._stored[name]].dtype
        return self._dtypes[name]

    @cached_property
    def diverged(self) -> NDArray[np.bool_]:
        """Which trajectories diverged, shape (count,); their values are NaN from then on."""
        return np.asarray(self["diverged_step"] >= 0)

    @cached_property
    def stopped(self) -> NDArray[np.bool_]:
        """Which trajectories were stopped at an event, shape (count,); their values are NaN after it."""
        return np.asarray(np.isfinite(self.passage_time("stopped")))

    def passage_time(self, event: str) -> NDArray[np.float64]:
        """Return first-passage times, integrator steps times dt; NaN where the event never came.

        Parameters
        ----------
        event
            One of

            - "diverged": first step that was not finite, shape (count,);
            - "loss_below": first step with the loss below a level, (count, levels);
            - "mode_learned": first step with a mode at a fraction of its strength (of a landscape: a
              coordinate above a number), (count, fractions, modes);
            - "radius_above": first step at a distance from the origin, or from a landscape's centre,
              (count, radii);
            - "interval": first step with a mode inside, or outside, an interval, (count, intervals);
            - "escaped": first step at a distance from the saddle where trajectories start, (count, escapes);
            - "stopped": step at which an event of the study's events.stop ended the trajectory, (count,).

            Levels, fractions, radii, intervals and escapes are those of the study's [events], in its order;
            an event for which the study names none has an empty axis.

        Raises
        ------
        StoreError
            If there is no such event.

        Examples
        --------
        >>> with open_ensemble("runs/saddle") as ensemble:  # doctest: +SKIP
        ...     median = np.nanmedian(ensemble["sgd"].passage_time("mode_learned")[:, 0], axis=0)
        """
        if f"{event}_step" not in schema.EVENTS:
            events = ", ".join(name.removesuffix("_step") for name in schema.EVENTS)
            raise StoreError(f"no event {event!r}; the events are {events}")
        if f"{event}_step" not in self._known:  # nothing stops
            return np.full(self.count, np.nan)
        steps = self[f"{event}_step"]
        return np.where(steps >= 0, steps * float(self.attributes["dt"]), np.nan)


def _plain(value: Any) -> Any:
    """Return NumPy scalars as Python's."""
    return value.item() if isinstance(value, np.generic) else value
