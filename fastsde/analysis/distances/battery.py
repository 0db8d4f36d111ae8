"""Section ``distances``: every distance of every model from the reference, at a few chosen snapshots."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.distances.clouds import Clouds
from fastsde.analysis.distances.two_samples import Measured, Pair, by_every_distance, joined
from fastsde.analysis.distances.way import equal_shares
from fastsde.analysis.protocols import Floats
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section
from fastsde.system.provenance import available_cores

if TYPE_CHECKING:
    from fastsde.analysis.context import Context


@dataclass(frozen=True)
class Battery:
    """Every distance at the chosen snapshots.

    Attributes
    ----------
    snapshot : ndarray of int, shape (chosen,)
        Numbers of the snapshots: the reference covers equal parts of its way between them.
    step : ndarray, shape (chosen,)
        Their learning-rate steps.
    models : dict of str to Pair
        Each model against the reference, the reference against itself half by half.
    """

    snapshot: NDArray[np.int64]
    step: Floats
    models: dict[str, Pair]


def measure(context: Context) -> Battery | None:
    """Take every distance of every model from the reference; None without a reference."""
    if not context.reference:
        return None
    points = context.points
    frame = points.frame(context.settings)
    chosen = equal_shares(points.way(context.reference), context.settings.chosen)
    rows: dict[str, list[Measured]] = {name: [] for name in context.views}
    with (
        context.progress.task("distances", len(chosen), "snapshots"),
        ThreadPoolExecutor(available_cores()) as pool,
    ):
        for number, snapshot in enumerate(chosen):
            clouds = points.clouds(int(snapshot), frame, pool.map)
            compare = partial(_against, context.reference, points.half, clouds)
            for name, pair in zip(rows, pool.map(compare, rows), strict=True):
                rows[name].append(pair)
                if context.comparison is not None:
                    context.comparison.include(int(snapshot), name, pair.relabelled)
            context.progress.update(number + 1)
    step = context.views[context.reference].step[chosen].astype(np.float64)
    return Battery(chosen, step, {name: joined(pairs) for name, pairs in rows.items()})


def _against(reference: str, half: int, clouds: Clouds, name: str) -> Measured:
    """Compare the first half of the reference with the second half of a model at one snapshot."""
    orders = {model: clouds.orders[model] for model in (reference, name)}
    samples = clouds.points[reference][:half], clouds.points[name][half : 2 * half]
    return by_every_distance(*samples, orders, clouds.frame)


SECTION = register_section(
    Section(
        name="distances",
        record=Battery,
        measure=measure,
        order=10,
        significant=True,
        cost=Cost(
            (0, 0.134, 0, 0, 0.00014, 9.67e-07, 1.95e-06, 3.57e-05), threaded=True
        ),  # fitted over measured: 0.30 to 1.23
    )
)
