"""Tails of the noise of one step, of increments between snapshots and of the loss, for every model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.coordinates import median_loss
from fastsde.analysis.noise_level import noise_level
from fastsde.analysis.protocols import Floats, Trajectories
from fastsde.analysis.records import stack
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section
from fastsde.analysis.shape.moments import REACH
from fastsde.analysis.tails.estimators import hill
from fastsde.analysis.tails.estimators.characteristic import CHARACTERISTIC
from fastsde.analysis.tails.model_row import cells, numbers
from fastsde.analysis.tails.tail_estimate import UNKNOWN, TailEstimate
from fastsde.analysis.tails.tail_pool import Rows, TailPool, windows
from fastsde.analysis.tails.tail_report import Indices, TailReport, indices
from fastsde.analysis.tails.verdict import QUIET, judged_by_lasting
from fastsde.system.provenance import available_cores

if TYPE_CHECKING:
    from fastsde.analysis.context import Context


@dataclass(frozen=True)
class SampleTails:
    """Tails of one quantity of one model, across trajectories; columns are modes, or the loss alone.

    Attributes
    ----------
    snapshot : Indices
        Hill's index at each snapshot, arrays of shape (snapshot, column).
    window : ndarray, shape (window, 2)
        First and last snapshot of windows of adjacent snapshots, the start left out.
    window_estimates : dict of str to Indices
        By estimator, of the snapshots of a window together; arrays of shape (window, column).
    window_verdict : dict of str to tuple of str
        By number of the window: the verdict on each column.
    pooled : TailReport
        Of all snapshots after the start together.
    lasting : Indices
        Of noise, the index in units of a scale that lasts between snapshots, of all snapshots together.
    verdict : tuple of str
        On each column, all snapshots together: that of ``pooled``, or "mixture" by ``lasting``, or "bounded".
    path_k, path : ndarray, shape (column, point) and (column, 3, point)
        Hill's estimate and its band over the number of order statistics, of all snapshots together.
    gaussian_window, gaussian_pooled : float
        What Hill's estimate gives for Gaussian values of the same number: no finite sample gives infinity.
    """

    snapshot: Indices
    window: Floats
    window_estimates: dict[str, Indices]
    window_verdict: dict[str, tuple[str, ...]]
    pooled: TailReport
    lasting: Indices
    verdict: tuple[str, ...]
    path_k: Floats
    path: Floats
    gaussian_window: float
    gaussian_pooled: float


@dataclass(frozen=True)
class ModelTails:
    """Tails of one model; what was not recorded is None.

    Attributes
    ----------
    noise : SampleTails or None
        Of the update noise u_a^T (W' - E W') v_a of one step, in units of the root of the trajectory's
        ``mode_diffusion``, or of gradient noise of its ``noise_trace``, where that is recorded.
    increments : SampleTails or None
        Of the change of each mode from one snapshot to the next, less its median over trajectories.
    loss : SampleTails or None
        Of the loss, less its median over trajectories.
    """

    noise: SampleTails | None
    increments: SampleTails | None
    loss: SampleTails | None


@dataclass(frozen=True)
class TailSection:
    """Tails of every model, by its name."""

    models: dict[str, ModelTails]


Snapshots = Iterator[tuple[Floats, Floats | None]]
"""A quantity, shape (trajectory, column), and the scale of each trajectory, snapshot by snapshot."""


def measure(context: Context) -> TailSection | None:
    """Measure the tails of every model; None where neither noise, modes nor loss is recorded."""
    waiting: dict[tuple[str, str], Future[SampleTails]] = {}
    with ThreadPoolExecutor(available_cores()) as threads:
        for name, view in context.views.items():
            for kind, (variable, read) in KINDS.items():
                if variable in view.variables:
                    pool = TailPool(len(view.step), context.settings.tail_limit, centre=kind != "noise")
                    for values, scale in read(view, context.ensemble.study.models[name]):
                        pool.add(values, scale)
                    waiting[name, kind] = threads.submit(sample_tails, pool, _bound(context, view, kind))
    if not waiting:
        return None
    measured = {key: future.result() for key, future in waiting.items()}
    return TailSection(
        {name: ModelTails(*(measured.get((name, kind)) for kind in KINDS)) for name in context.views}
    )


def sample_tails(pool: TailPool, bound: Floats | None = None) -> SampleTails:
    """Estimate the tails of a filled pool.

    Parameters
    ----------
    pool : TailPool
    bound : ndarray, shape (column,), optional
        Range of the quantity: where no value exceeds it, a heavy verdict is "bounded". None for noise, whose
        scale may last from one snapshot to the next.

    Examples
    --------
    >>> pool = TailPool(snapshots=2, limit=4000)
    >>> for _ in range(2):
    ...     pool.add(np.random.default_rng(0).standard_t(3, (400, 1)))
    >>> tails = sample_tails(pool)
    >>> tails.snapshot.index.shape, bool(2 < tails.pooled.estimates["hill"].index[0] < 5)
    ((2, 1), True)
    """
    snapshots = len(pool.estimates)
    cut = windows(min(1, snapshots - 1), snapshots)
    parts = [_judged(pool.rows(*one).own(), bound) for one in cut]
    whole = pool.rows(cut[0][0], snapshots - 1)
    pooled, lasting, final = _judged(whole, bound)
    paths = [hill.path(column[np.isfinite(column)]) for column in np.moveaxis(whole.own().values, 2, 0)]
    return SampleTails(
        snapshot=stack([indices(row) for row in pool.estimates]),
        window=np.array(cut, dtype=np.float64),
        window_estimates={
            name: stack([report.estimates[name] for report, _, _ in parts]) for name in pooled.estimates
        },
        window_verdict={str(number): verdict for number, (_, _, verdict) in enumerate(parts)},
        pooled=pooled,
        lasting=indices(lasting),
        verdict=final,
        path_k=np.stack([k for k, _ in paths]),
        path=np.stack([index for _, index in paths]),
        gaussian_window=gaussian_index(max(int(report.count.max()) for report, _, _ in parts)),
        gaussian_pooled=gaussian_index(int(pooled.count.max())),
    )


def _judged(rows: Rows, bound: Floats | None) -> tuple[TailReport, list[TailEstimate], tuple[str, ...]]:
    """Report on rows, their index in units of a lasting scale, and the last word on each column."""
    report = rows.report()
    if bound is not None:
        words = zip(report.verdict, rows.largest <= bound, strict=True)
        verdict = tuple("bounded" if inside and word not in QUIET else word for word, inside in words)
        return report, [UNKNOWN] * len(verdict), verdict
    lasting = rows.lasting()
    together = report.estimates[CHARACTERISTIC.name].columns()
    judged = map(judged_by_lasting, report.verdict, together, lasting)
    return report, lasting, tuple(judged)


def _bound(context: Context, view: Trajectories, kind: str) -> Floats | None:
    """`REACH` strengths of a mode, or times the loss at the start; none for noise."""
    if kind == "noise":
        return None
    if kind == "increments":
        return REACH * context.scale
    start = median_loss(view)
    return np.array([math.inf if math.isnan(start) else REACH * start])


@lru_cache(maxsize=64)
def gaussian_index(count: int) -> float:
    """Median of Hill's estimate over 25 fixed Gaussian samples of this size; NaN below 100 values.

    Examples
    --------
    >>> bool(gaussian_index(1000) > 4)
    True
    """
    generator = np.random.Generator(np.random.Philox(count))
    return float(np.median([hill.estimate(generator.standard_normal(count)).index for _ in range(25)]))


def _noise(view: Trajectories, model: Any) -> Snapshots:
    """Read the update noise, with the trajectory's own noise level as its scale."""
    for snapshot in range(len(view.step)):
        noise = np.asarray(view.read("update_noise", snapshot), dtype=np.float64)
        yield noise, noise_level(view, model, snapshot)


def _increments(view: Trajectories, model: Any) -> Snapshots:
    """Change of the modes since the snapshot before; NaN at the start."""
    before: Floats | None = None
    for snapshot in range(len(view.step)):
        modes = np.asarray(view.read("modes", snapshot), dtype=np.float64)
        yield np.full_like(modes, np.nan) if before is None else modes - before, None
        before = modes


def _loss(view: Trajectories, model: Any) -> Snapshots:
    for snapshot in range(len(view.step)):
        yield np.asarray(view.read("loss", snapshot), dtype=np.float64)[:, None], None


KINDS: dict[str, tuple[str, Callable[[Trajectories, Any], Snapshots]]] = {
    "noise": ("update_noise", _noise),
    "increments": ("modes", _increments),
    "loss": ("loss", _loss),
}
"""Quantities in the order of `ModelTails`: what must be recorded, and how it is read."""


SECTION = register_section(
    Section(
        name="tails",
        record=TailSection,
        measure=measure,
        order=50,
        numbers=numbers,
        cells=cells,
        cost=Cost(
            (0, 0, 0, 0.00217, 0.000511, 2.49e-07, 6.45e-06, 1.01e-05), threaded=True
        ),  # fitted over measured: 0.60 to 1.21
    )
)
