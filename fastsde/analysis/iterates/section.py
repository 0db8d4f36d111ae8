"""The law of the iterates across trajectories at the end of a run: tail index by all estimators, Gaussianity.

Each value is of one trajectory, so that values are independent: one coordinate or one direction at a time,
never several coordinates of one trajectory together, which share its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.directions import directions
from fastsde.analysis.iterates.gaussianity import GaussianTests, gaussian_tests
from fastsde.analysis.protocols import Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section
from fastsde.analysis.tails.tail_report import TailReport, tail_report
from fastsde.analysis.tails.vector_index import VectorIndex, vector_index

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

__all__ = ["LEVELS", "QUANTITIES", "SECTION", "IterateLaw", "Iterates", "window_average"]

QUANTITIES = {"modes": "mode", "parameters": "parameters along", "running_average": "average along"}
"""What may be recorded, and the name of its columns."""
COLUMNS = 8
"""Most modes that are looked at."""
FEWEST = 100
"""Fewer trajectories say nothing of a tail."""
LEVELS = np.concatenate([[0.001, 0.005], np.linspace(0.01, 0.99, 99), [0.995, 0.999]])
"""Of the quantiles that are kept."""


@dataclass(frozen=True)
class IterateLaw:
    """Law of one quantity of one model across trajectories, less its median.

    Attributes
    ----------
    columns : tuple of str
        "mode 1", .., or random directions that are the same for all models: "parameters along 1", ..
    tails : TailReport
        All estimates of the tail of each column.
    vector, halfway : VectorIndex
        The group log-moment estimate from whole vectors, at the end and at the snapshot next to half of the
        run; of averages over the second half at the end only, and over the first half.
    tests : GaussianTests
        Of each column.
    quantiles : ndarray, shape (column, level)
        Of each column at `LEVELS`, in standard deviations from the mean; NaN where it does not vary.
    """

    columns: tuple[str, ...]
    tails: TailReport
    vector: VectorIndex
    halfway: VectorIndex
    tests: GaussianTests
    quantiles: Floats


@dataclass(frozen=True)
class Iterates:
    """Laws of the iterates of every model.

    Attributes
    ----------
    steps : ndarray, shape (2,)
        Learning-rate steps of the snapshots halfway and at the end.
    models : dict of str to dict of str to IterateLaw
        By model, then by quantity, see `QUANTITIES`.
    """

    steps: Floats
    models: dict[str, dict[str, IterateLaw]]


def measure(context: Context) -> Iterates | None:
    """Measure the laws at the end; None where nothing of them is recorded, or by too few trajectories."""
    first = next(iter(context.views.values()))
    names = [name for name in QUANTITIES if context.recorded(name)]
    if not names or first.count // context.branches < FEWEST or len(first.step) < 2:
        return None
    middle = int(np.argmin(np.abs(first.step - first.step[-1] / 2)))
    models = {
        name: {quantity: _law(context, view, quantity, middle) for quantity in names}
        for name, view in context.views.items()
    }
    return Iterates(np.asarray(first.step[[middle, -1]], dtype=np.float64), models)


def _law(context: Context, view: Trajectories, quantity: str, middle: int) -> IterateLaw:
    halfway, end = (
        _centred(one[:: context.branches][: context.settings.tail_limit])
        for one in _values(view, quantity, middle)
    )
    word = QUANTITIES[quantity]
    if quantity == "modes":
        columns = end[:, :COLUMNS]
    else:
        count = min(end.shape[1], context.settings.projections)
        columns = end @ directions(end.shape[1], count, context.settings.seed).T
    return IterateLaw(
        columns=tuple(f"{word} {number + 1}" for number in range(columns.shape[1])),
        tails=tail_report(columns, None, np.arange(len(columns))),
        vector=vector_index(end),
        halfway=vector_index(halfway),
        tests=gaussian_tests(columns),
        quantiles=np.stack([_standard_quantiles(column) for column in columns.T]),
    )


def _values(view: Trajectories, quantity: str, middle: int) -> tuple[Floats, Floats]:
    """Return the values halfway and at the end, (trajectory, column); of averages those of both halves."""
    if quantity != "running_average":
        return _read(view, quantity, middle), _read(view, quantity, len(view.step) - 1)
    return window_average(view, 0, middle), window_average(view, middle, len(view.step) - 1)


def window_average(view: Trajectories, first: int, last: int) -> Floats:
    """Return the mean of the parameters over the steps after snapshot `first`, up to `last`.

    Exactly ``(k A_k - j A_j) / (k - j)`` from the running averages A at steps j and k; (trajectory, p).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> averages = np.array([[[7.0]], [[1.0]], [[2.0]]])
    >>> view = SimpleNamespace(step=np.array([0, 4, 8]), read=lambda name, snapshot: averages[snapshot])
    >>> window_average(view, 1, 2)
    array([[3.]])
    """
    j, k = float(view.step[first]), float(view.step[last])
    if j == 0 or first == last:
        return _read(view, "running_average", last)
    before, after = _read(view, "running_average", first), _read(view, "running_average", last)
    return np.asarray((k * after - j * before) / (k - j))


def _read(view: Trajectories, name: str, snapshot: int) -> Floats:
    values = np.asarray(view.read(name, snapshot), dtype=np.float64)
    return values.reshape(len(values), -1)


def _centred(values: Floats) -> Floats:
    """Return the finite rows less the median of each column."""
    finite = values[np.isfinite(values).all(axis=1)]
    return finite - np.median(finite, axis=0) if len(finite) else finite


def _standard_quantiles(column: Floats) -> Floats:
    """Return the quantiles at `LEVELS` in standard deviations from the mean; NaN where nothing varies."""
    spread = column.std(ddof=1) if len(column) > 1 else 0.0
    if not spread > 0:
        return np.full(len(LEVELS), np.nan)
    return np.asarray(np.quantile((column - column.mean()) / spread, LEVELS))


SECTION = register_section(
    Section(
        name="iterates",
        record=Iterates,
        measure=measure,
        order=55,
        cost=Cost((0.3, 0.02, 0, 0, 0, 0, 1e-6, 0)),
    )
)
"""Law of the iterates across trajectories."""
