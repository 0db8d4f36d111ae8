"""The models that an analysis looks at: at snapshots all of them have, trajectories until they run away."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.law import branches_of
from fastsde.analysis.protocols import Ensemble, Floats, Trajectories
from fastsde.system.errors import RequestError

FAR = 100.0
"""Loss of no return, in units of the largest that any trajectory of the model starts with."""


def common_views(ensemble: Ensemble, names: Sequence[str] | None = None) -> dict[str, Trajectories]:
    """Return some models of an ensemble, restricted to the snapshots they have in common.

    Where trajectories are missing between others, as in part of a study, those are kept that all models have,
    in whole states: halves of two models must not share trajectories, nor permuted units share states.

    A trajectory that diverges is NaN from the snapshot on at which its loss has passed `FAR` times the
    largest of the start for good: before it diverges its values are finite but of any size, and would
    dominate every moment and tail. Its divergence is still dated and counted where it ended. Landscapes are
    not changed, as their energies have no scale.

    Parameters
    ----------
    ensemble : Ensemble
        The open ensemble; it may hold fewer models than its study.
    names : sequence of str, optional
        The models; all by default.

    Returns
    -------
    dict of str to Trajectories
        In the order of the names.

    Raises
    ------
    RequestError
        If a model is not there, or no snapshot or no trajectory is common to all.
    """
    there = list(ensemble.names)
    chosen = there if names is None else list(dict.fromkeys(names))
    missing = [name for name in chosen if name not in there]
    if missing:
        raise RequestError(f"no model {missing[0]!r} in this ensemble; it has {', '.join(there)}")
    if not chosen:
        raise RequestError("no models to analyse")
    positive = ensemble.study.objective.positive
    views = _common_trajectories({name: ensemble[name] for name in chosen}, branches_of(ensemble.study))
    views = {name: _without_runaways(view) if positive else view for name, view in views.items()}
    steps = [np.asarray(view.step) for view in views.values()]
    if all(np.array_equal(steps[0], step) for step in steps):
        return views
    common = sorted(set.intersection(*(set(step.tolist()) for step in steps)))
    if not common:
        raise RequestError(f"{', '.join(chosen)} have no snapshot in common: nothing can be compared")
    return {name: _At(view, np.flatnonzero(np.isin(view.step, common))) for name, view in views.items()}


def _common_trajectories(views: dict[str, Trajectories], branches: int) -> dict[str, Trajectories]:
    """Keep the trajectories that all models have, unless each has its first ones without a gap."""
    numbers = {name: getattr(view, "numbers", None) for name, view in views.items()}
    known = {name: one for name, one in numbers.items() if one is not None}
    if len(known) < len(views) or all(np.array_equal(one, np.arange(len(one))) for one in known.values()):
        return views
    shared = functools.reduce(np.intersect1d, known.values())
    states, counts = np.unique(shared // branches, return_counts=True)
    kept = shared[np.isin(shared // branches, states[counts == branches])]
    if not kept.size:
        raise RequestError(f"{', '.join(views)} have no trajectories in common: nothing can be compared yet")
    return {name: _Of(view, np.flatnonzero(np.isin(known[name], kept))) for name, view in views.items()}


class _View:
    """A model seen through another view of it, with the interface of `Trajectories`; all of it by default."""

    def __init__(self, view: Trajectories) -> None:
        self._view = view
        self.variables: Collection[str] = view.variables
        self.step: NDArray[np.int64] = view.step
        self.time: Floats = view.time
        self.count: int = view.count
        self.attributes: Mapping[str, Any] = view.attributes

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.read(name)

    def read(self, name: str, snapshot: int | None = None, trajectories: slice = slice(None)) -> NDArray[Any]:
        """Read one variable."""
        return self._view.read(name, snapshot, trajectories)

    def passage_time(self, event: str) -> Floats:
        """First-passage times of an event."""
        return self._view.passage_time(event)


class _Of(_View):
    """A model's trajectories of some rows."""

    def __init__(self, view: Trajectories, rows: NDArray[np.intp]) -> None:
        super().__init__(view)
        self._rows = rows
        self.count = len(rows)

    def read(self, name: str, snapshot: int | None = None, trajectories: slice = slice(None)) -> NDArray[Any]:
        """Read one variable of these rows."""
        values = self._view.read(name, snapshot)
        rows = self._rows[trajectories]
        return values[:, rows] if snapshot is None and _timed(name) else values[rows]

    def passage_time(self, event: str) -> Floats:
        """First-passage times of an event."""
        return self._view.passage_time(event)[self._rows]


class _At(_View):
    """A model at some of its snapshots."""

    def __init__(self, view: Trajectories, places: NDArray[np.intp]) -> None:
        super().__init__(view)
        self._places = places
        self.step, self.time = view.step[places], view.time[places]

    def read(self, name: str, snapshot: int | None = None, trajectories: slice = slice(None)) -> NDArray[Any]:
        """Read one variable at one snapshot of those in common."""
        if snapshot is not None:
            return self._view.read(name, int(self._places[snapshot]), trajectories)
        values = self._view.read(name, None, trajectories)
        return values[self._places] if _timed(name) else values


def _without_runaways(view: Trajectories) -> Trajectories:
    """Return the model with NaN where a trajectory that diverges is past return; itself if none is."""
    if "loss" not in view.variables:
        return view
    diverging = np.flatnonzero(np.isfinite(view.passage_time("diverged")))
    start = view.read("loss", 0)
    start = start[np.isfinite(start)]
    if not (diverging.size and start.size and start.max() > 0):
        return view
    gone = np.full(view.count, len(view.step))
    gone[diverging] = 0
    for snapshot in range(len(view.step)):
        near = view.read("loss", snapshot)[diverging] <= FAR * start.max()
        gone[diverging[near]] = snapshot + 1
    return _Bounded(view, gone)


class _Bounded(_View):
    """A model whose trajectories are NaN from a snapshot on."""

    def __init__(self, view: Trajectories, gone: NDArray[np.intp]) -> None:
        super().__init__(view)
        self._gone = gone

    def read(self, name: str, snapshot: int | None = None, trajectories: slice = slice(None)) -> NDArray[Any]:
        """Read one variable, NaN where a trajectory is past return."""
        if not _timed(name):
            return self._view.read(name, snapshot, trajectories)
        values = np.array(self._view.read(name, snapshot, trajectories))
        at = np.arange(len(self.step))[:, None] if snapshot is None else snapshot % len(self.step)
        values[self._gone[trajectories] <= at] = np.nan
        return values


def _timed(name: str) -> bool:
    return not name.endswith("_step")
