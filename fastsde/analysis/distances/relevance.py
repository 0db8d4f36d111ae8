"""Section ``relevance``: which distance is tractable and relevant, measured on the ensemble at hand.

For each distance: what a test costs and how that grows, its bias at this sample size, its false alarms, and
how often it distinguishes the nearest and the farthest model from the reference, by sample size.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.distances.base import SMALLEST_SAMPLE, Distance, Frame
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.registry import DISTANCES
from fastsde.analysis.distances.samples import surviving
from fastsde.analysis.distances.tested import p_value
from fastsde.analysis.distances.way import equal_shares
from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.protocols import Floats
from fastsde.analysis.section_cost import Cost, Size
from fastsde.analysis.sections import Section, register_section
from fastsde.system.provenance import available_cores

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

SIZES = (32, 64, 128)
"""Trajectories per sample: the costly distances grow as the square or the cube of them."""

PERMUTATIONS = 19
"""Permutations of a replicate: the observed distance is the largest of twenty where p <= 0.05."""

LEAST_POWER = 0.2
"""A power below this is that of a test which finds nothing."""

SAMPLE = 32 * SIZES[-1]
"""Trajectories of each model from which samples are drawn."""


@dataclass(frozen=True)
class Verdict:
    """What one distance is worth here.

    Attributes
    ----------
    seconds : ndarray, shape (size,)
        Of one test of this many trajectories per sample with all permutations; NaN for sizes beyond
        the distance's limit.
    growth : float
        Exponent of the growth of the seconds with the size, by least squares.
    bias : ndarray, shape (size,)
        Mean of the distance between samples of the reference itself.
    size : ndarray, shape (size,)
        Share of such samples that are called different; 5 % if the test is exact.
    power_nearest, power_farthest : ndarray, shape (size,)
        Share of samples that are distinguished from the reference.
    exists : bool
        Whether it exists for all models at all chosen snapshots.
    """

    seconds: Floats
    growth: float
    bias: Floats
    size: Floats
    power_nearest: Floats
    power_farthest: Floats
    exists: bool


@dataclass(frozen=True)
class Relevance:
    """Which distance to use.

    Attributes
    ----------
    sizes : ndarray of int, shape (size,)
        Trajectories per sample.
    replicates : int
        Samples behind each share. They are drawn from this ensemble, so that the standard error of a share,
        at most 1 / (2 sqrt(replicates)), is that given the ensemble: another one of the same size differs by
        more where the samples are not small beside it.
    nearest, farthest : str
        The first and the last of the ranking: `fastsde.analysis.distances.effect.Effects.ranking`.
    step : ndarray, shape (chosen,)
        Snapshots over which the samples are spread.
    distances : dict of str to Verdict
    recommended : str
        The cheapest of the distances that exist for every model and whose power is within two standard errors
        of the best: against the nearest model, or the farthest where none finds the nearest (`LEAST_POWER`).
    """

    sizes: NDArray[np.int64]
    replicates: int
    nearest: str
    farthest: str
    step: Floats
    distances: dict[str, Verdict]
    recommended: str


def measure(context: Context) -> Relevance | None:
    """Measure cost, bias, size and power of every distance; None without two models to compare."""
    others = [name for name in context.views if name != context.reference]
    count = min(view.count for view in context.views.values())
    branches = context.branches
    whole = sorted({size // branches * branches for size in SIZES if 2 * size <= count} - {0})
    sizes = np.array(whole, dtype=np.int64)
    if not (context.reference and context.effects and others and sizes.size):
        return None
    ranked = context.effects.ranking(context.reference)
    trial = _Trial(context, ranked[0], ranked[-1])
    with ThreadPoolExecutor(available_cores()) as pool:
        judged = list(pool.map(trial.judge, DISTANCES.values(), itertools.repeat(sizes)))
    verdicts = {
        one.name: trial.timed(one, verdict, sizes)
        for one, verdict in zip(DISTANCES.values(), judged, strict=True)
    }
    return Relevance(
        sizes=sizes,
        replicates=context.settings.replicates,
        nearest=trial.nearest,
        farthest=trial.farthest,
        step=trial.step,
        distances=verdicts,
        recommended=recommended(verdicts, context.settings.replicates),
    )


def recommended(verdicts: Mapping[str, Verdict], replicates: int) -> str:
    """Choose the cheapest distance of nearly the best power, at common sizes.

    Against the nearest model; or against the farthest, if no distance distinguishes the nearest in
    `LEAST_POWER` of the samples.

    Examples
    --------
    >>> def verdict(power, seconds):
    ...     nothing = np.zeros(1)
    ...     return Verdict(np.array([seconds]), 1.0, nothing, nothing, np.array([power]), nothing, True)
    >>> recommended({"a": verdict(0.9, 5.0), "b": verdict(0.85, 1.0), "c": verdict(0.2, 0.1)}, 100)
    'b'
    """
    known = {name: one for name, one in verdicts.items() if one.exists and np.isfinite(one.seconds).any()}
    if not known:
        return ""
    common = np.all([np.isfinite(one.power_nearest) for one in known.values()], axis=0)
    if not common.any():
        return ""
    near, far = (
        {name: float(np.nan_to_num(getattr(one, power)[common]).mean()) for name, one in known.items()}
        for power in ("power_nearest", "power_farthest")
    )
    power = near if max(near.values()) >= LEAST_POWER else far
    best = max(power.values())
    error = math.sqrt(max(best * (1 - best), 0.25 / replicates) / (replicates * max(int(common.sum()), 1)))
    close = [name for name, value in power.items() if value >= best - 2 * error]
    return min(close, key=lambda name: float(known[name].seconds[common][-1]))


class _Trial:
    """Samples of the reference, the nearest and the farthest model at the chosen snapshots."""

    def __init__(self, context: Context, nearest: str, farthest: str) -> None:
        self.settings = context.settings
        self.nearest, self.farthest, self.own = nearest, farthest, context.reference
        points = context.points
        frame = points.frame(self.settings)
        chosen = equal_shares(points.way(self.own), self.settings.chosen)
        self.step = context.views[self.own].step[chosen].astype(np.float64)
        self.clouds: dict[str, list[Floats]] = {name: [] for name in {self.own, nearest, farthest}}
        self.orders: list[dict[str, float]] = []
        self.frames: list[Frame] = []
        for snapshot in chosen:
            at = points.clouds(int(snapshot), frame)
            self.orders.append(at.orders)
            self.frames.append(at.frame)
            for name, cloud in self.clouds.items():
                cloud.append(at.points[name][:SAMPLE])
        quick = replace(self.settings, permutations=PERMUTATIONS)
        self.quick = [replace(one, settings=quick) for one in self.frames]

    def judge(self, distance: Distance, sizes: NDArray[np.int64]) -> Verdict:
        """Bias, size and power of one distance, yet without its cost."""
        seconds, bias, size, near, far = np.full((5, len(sizes)), np.nan)
        for number, n in enumerate(sizes):
            if n > distance.largest_sample(self.settings):
                continue
            values, size[number] = self._share(distance, int(n), None)
            bias[number] = float(np.nanmean(values)) if np.isfinite(values).any() else math.nan
            near[number] = far[number] = self._share(distance, int(n), self.nearest)[1]
            if self.farthest != self.nearest:
                far[number] = self._share(distance, int(n), self.farthest)[1]
        exists = not any(refusal(distance, self.settings, orders) for orders in self.orders)
        return Verdict(seconds, math.nan, bias, size, near, far, exists)

    def timed(self, distance: Distance, verdict: Verdict, sizes: NDArray[np.int64]) -> Verdict:
        """Add the seconds of one whole test at each size that was judged, alone on the machine."""
        seconds = np.full(len(sizes), np.nan)
        sample = surviving(self.clouds[self.own][-1])
        for number, n in enumerate(sizes):
            if np.isfinite(verdict.size[number]) and len(sample) >= 2 * n:
                labels = distance.labelling(int(n), self.frames[-1])
                start = time.perf_counter()
                distance.compare(sample[:n], sample[n : 2 * n], labels, self.frames[-1])
                seconds[number] = time.perf_counter() - start
        return replace(verdict, seconds=seconds, growth=_slope(sizes, seconds))

    def _share(self, distance: Distance, n: int, name: str | None) -> tuple[Floats, float]:
        """Distances of replicates, and the share of them that a permutation test rejects."""
        values = np.full(self.settings.replicates, np.nan)
        rejected = np.full(self.settings.replicates, np.nan)
        labels = distance.labelling(n, self.quick[0])
        generator = np.random.Generator(np.random.Philox([self.settings.seed, n]))
        for replicate in range(self.settings.replicates):
            place = replicate % len(self.orders)
            models = self.own, name or self.own
            ours, theirs = (self.clouds[model][place] for model in models)
            orders = {model: self.orders[place][model] for model in models}
            branches = self.quick[place].branches
            states = generator.permutation(min(len(ours), len(theirs)) // branches)
            if refusal(distance, self.settings, orders):
                continue
            drawn = (states[:, None] * branches + np.arange(branches)).ravel()
            half = len(states) // 2 * branches
            samples = ours[drawn[:half]], theirs[drawn[half:]]
            if not distance.diverged and branches == 1:
                samples = surviving(samples[0]), surviving(samples[1])
            if min(map(len, samples)) < max(n, SMALLEST_SAMPLE):
                continue
            compared = distance.compare(samples[0][:n], samples[1][:n], labels, self.quick[place]).values
            if compared is not None and np.isfinite(compared).all():
                values[replicate] = compared[0]
                rejected[replicate] = p_value(compared) <= SIGNIFICANCE
        known = rejected[np.isfinite(rejected)]
        return values, float(known.mean()) if known.size else math.nan


def _slope(sizes: NDArray[np.int64], seconds: Floats) -> float:
    known = np.isfinite(seconds) & (seconds > 0)
    if known.sum() < 2:
        return math.nan
    return float(np.polyfit(np.log(sizes[known]), np.log(seconds[known]), 1)[0])


FEWEST, MOST = 64, 256
"""Trajectories from which on the section is measured, and up to which its cost grows: twice its samples."""


def counted(size: Size) -> Size:
    """Return the size that the cost grows with.

    The reference is compared with the nearest and the farthest model, by samples of limited size.

    Examples
    --------
    >>> counted(Size(models=6, snapshots=3, modes=5, trajectories=10_000))
    Size(models=2, snapshots=1, modes=1, trajectories=256)
    """
    trajectories = size.trajectories if size.trajectories >= FEWEST else 0
    return Size(min(size.models - 1, 2), 1, 1, min(trajectories, MOST))


SECTION = register_section(
    Section(
        name="relevance",
        record=Relevance,
        measure=measure,
        order=30,
        cost=Cost(
            (0, 0, 0, 0, 0, 0, 0.0118, 0), threaded=True, counted=counted
        ),  # fitted over measured: 0.83 to 1.26
    )
)
