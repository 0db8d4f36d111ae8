"""Two models of an ensemble head to head at chosen snapshots: what ``fastsde compare`` shows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.confidence import Interval
from fastsde.analysis.distances.effect import Effects
from fastsde.analysis.distances.effect_sizes import EffectSizes
from fastsde.analysis.distances.points import Points
from fastsde.analysis.distances.registry import declared, primary
from fastsde.analysis.distances.tested import Tested
from fastsde.analysis.distances.two_samples import Measured, Pair, by_every_distance, joined
from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.protocols import Ensemble, Floats
from fastsde.analysis.ranking import judged
from fastsde.analysis.settings import Settings
from fastsde.analysis.threads import one_thread_each
from fastsde.analysis.views import common_views
from fastsde.system.brief import make_brief
from fastsde.system.errors import RequestError
from fastsde.system.progress import Progress, Silent


@dataclass(frozen=True)
class HeadToHead:
    """Two models at chosen snapshots.

    Attributes
    ----------
    first, second : str
        Their names.
    snapshot : ndarray of int, shape (snapshot,)
    step : ndarray, shape (snapshot,)
        In learning-rate steps.
    coordinates : tuple of str
        Names of what is compared.
    pair : Pair
        Distances, coordinates and divergences, snapshot axis first.
    effect : Interval
        Effect at each snapshot (`fastsde.analysis.distances.effect`) with its 95 % interval.
    left_out : ndarray, shape (snapshot, group)
        The effect without each group of states, for the jackknife.
    modes, loss, median_loss, sampling : ndarray, shape (snapshot,)
        Its parts, in shares of a mode's strength and decades of loss; median log10 loss of the second less
        that of the first; the effect between two samples of the first.
    count : int
        Trajectories per sample.
    """

    first: str
    second: str
    snapshot: NDArray[np.int64]
    step: Floats
    coordinates: tuple[str, ...]
    pair: Pair
    effect: Interval
    left_out: Floats
    modes: Floats
    loss: Floats
    median_loss: Floats
    sampling: Floats
    count: int

    def p_value(self, at: int) -> float:
        """Return the p-value of all distances together at the snapshot number ``at`` of those chosen."""
        test = self.pair.significance
        return math.nan if test is None else float(test.at[at])

    def row(self, at: int) -> dict[str, str]:
        """Return one row of text on the second model: its effect, the parts of it, and the verdict."""
        value, low, high = (float(end[at]) for end in (self.effect.value, self.effect.low, self.effect.high))
        span = f" ({_number(low)} to {_number(high)})" if math.isfinite(high) else ""
        return {
            "model": self.second,
            "effect (95 %)": f"{_number(value)}{span}",
            **self._parts(at),
            "by sampling": _number(self.sampling[at]),
            "p": _number(self.p_value(at)),
            "verdict": judged(self.p_value(at)),
            "n per sample": f"{self.count:,}",
        }

    def _parts(self, at: int) -> dict[str, str]:
        """Return the parts of the effect: of the coordinates on a landscape, of modes and loss elsewhere."""
        if self.coordinates[0].startswith("coordinate "):
            return {"coordinates": _number(self.modes[at])}
        return {"modes": _number(self.modes[at]), "loss, decades": _number(self.loss[at])}

    def distance_rows(self, at: int) -> list[dict[str, str]]:
        """Return one row of text for each distance at the snapshot number ``at`` of those chosen."""
        return [self._distance(name, test, at) for name, test in self.pair.tests.items()]

    def _distance(self, name: str, test: Tested, at: int) -> dict[str, str]:
        value, null = float(test.value[at]), float(test.null[at])
        p = float(test.p_value[at])
        alone = "significant" if p < SIGNIFICANCE else "not significant"
        if not math.isfinite(p):
            alone = self.pair.reasons[name][at]
        return {
            "distance": declared(name).label,
            "value": _number(value),
            "null mean": _number(float(test.null_mean[at])),
            "95 % null quantile": _number(null),
            "ratio": _number(value / null if null > 0 else math.nan),
            "p": _number(p),
            "n per sample": f"{test.count[at]:,.0f}",
            "alone": alone,
        }

    def coordinate_rows(self, at: int) -> list[dict[str, str]]:
        """Return one row of text for each coordinate: differences of mean and median, and W1."""
        pair = self.pair.coordinates
        return [
            {
                "coordinate": name,
                "mean difference": _number(pair.mean[at, number]),
                "standard error": _number(pair.mean_error[at, number]),
                "median difference": _number(pair.median[at, number]),
                "W1": _number(pair.w1[at, number]),
                "95 % null quantile": _number(pair.w1_null[at, number]),
                "p": _number(pair.w1_p[at, number]),
            }
            for number, name in enumerate(self.coordinates)
        ]

    def sentence(self, at: int) -> str:
        """Return the answer of all distances together in one sentence."""
        p, size = self.p_value(at), f"{self.count:,} trajectories per sample"
        start = f"At step {self.step[at]:,.0f}, {self.first} and {self.second} are {judged(p)}"
        if math.isnan(p):
            reason = self.pair.reasons.get(primary().name, ("",) * len(self.step))[at]
            why = reason or (self.pair.significance.reason if self.pair.significance else "") or "not tested"
            pair = f"{self.first} and {self.second}"
            return f"At step {self.step[at]:,.0f}, whether {pair} differ is undetermined: {why}."
        effect = self.row(at)["effect (95 %)"]
        if not math.isfinite(self.effect.value[at]):
            return f"{start} (p = {p:.2g}, {size}); their effect is undetermined, too few survive."
        significance = "" if p < SIGNIFICANCE else ", which is not significant"
        return (
            f"{start} (p = {p:.2g}, {size}): their effect is {effect}{significance}; sampling alone gives "
            f"{_number(self.sampling[at])}."
        )


def compare(
    ensemble: Ensemble,
    names: Sequence[str],
    *,
    snapshots: Sequence[int] = (),
    steps: Sequence[float] = (),
    settings: Settings | None = None,
    every_pair: bool = True,
    progress: Progress | None = None,
) -> list[HeadToHead]:
    """Compare every two of the named models by every distance at chosen snapshots.

    Parameters
    ----------
    ensemble : Ensemble
        An open ensemble.
    names : sequence of str
        Two models or more.
    snapshots : sequence of int
        Numbers of snapshots, negative ones from the end.
    steps : sequence of float
        Learning-rate steps; the nearest snapshot is taken. Without either, the last snapshot.
    settings : Settings, optional
        Permutations, seed and limits.
    every_pair : bool
        Whether to compare any two models, or only the first with each other one.
    progress : fastsde.system.progress.Progress, optional
        Told how many comparisons are done.

    Returns
    -------
    list of HeadToHead
        One for each pair, in the order of the names.

    Raises
    ------
    RequestError
        If a model or snapshot does not exist, or fewer than two different models are named.

    Notes
    -----
    All trajectories are used where models start independently. Where they share their starting points, or
    the states that they start from, the first half of one is compared with the second half of the other: the
    samples must be independent.

    Examples
    --------
    >>> import fastsde
    >>> with fastsde.open("runs/saddle") as ensemble:  # doctest: +SKIP
    ...     print(compare(ensemble, ["sgd", "sde"])[0].sentence(0))
    """
    chosen = list(dict.fromkeys(names))
    if len(chosen) < 2:
        raise RequestError(f"at least two different models are needed; found {', '.join(names) or 'none'}")
    settings = settings or Settings()
    views = common_views(ensemble, chosen)
    step = next(iter(views.values())).step.astype(np.float64)
    places = _places(step, snapshots, steps)
    points = Points(ensemble, views, chosen[0])
    frame = points.frame(settings)
    paired = ensemble.study.start == "paired" or ensemble.study.starts_from_states
    together = itertools.combinations(chosen, 2)
    pairs: dict[tuple[str, str], list[Measured]] = {
        pair: [] for pair in together if every_pair or pair[0] == chosen[0]
    }
    count = points.half if paired else min(view.count for view in views.values())
    count = count // frame.branches * frame.branches
    weight = np.full(len(places), 1 / len(places))
    sizes = EffectSizes(
        chosen,
        points.coordinates,
        count,
        weight,
        frame.branches,
        settings.seed,
        whole=not paired,
        every_group=True,
    )
    reporter, done = progress or Silent(), 0
    with reporter.task("compare", len(places) * len(pairs), "comparisons"):
        for number, place in enumerate(places):
            clouds = points.clouds(place, frame)
            sizes.add(number, {name: sizes.tabulate(number, clouds.points[name]) for name in chosen})
            for (first, second), measured in pairs.items():
                x, y = clouds.points[first], clouds.points[second]
                half = min(len(x), len(y)) // 2 // frame.branches * frame.branches
                reporter.update(done, f"{first} and {second}")
                samples = (x[:half], y[half : 2 * half]) if paired else (x, y)
                orders = {name: clouds.orders[name] for name in (first, second)}
                with one_thread_each():
                    measured.append(by_every_distance(*samples, orders, clouds.frame))
                done += 1
        reporter.update(done)
    effects, at = sizes.result(), np.array(places)
    return [
        _head_to_head(effects, sizes.left_out, pair, at, step[at], points.coordinates, joined(measured))
        for pair, measured in pairs.items()
    ]


def _head_to_head(
    effects: Effects,
    left_out: Floats,
    names: tuple[str, str],
    places: NDArray[np.int64],
    step: Floats,
    coordinates: tuple[str, ...],
    pair: Pair,
) -> HeadToHead:
    i, j = (effects.names.index(name) for name in names)
    return HeadToHead(
        first=names[0],
        second=names[1],
        snapshot=places,
        step=step,
        coordinates=coordinates,
        pair=pair,
        effect=effects.course(*names),
        left_out=left_out[:, :, i, j],
        modes=effects.modes[:, i, j],
        loss=effects.loss[:, i, j],
        median_loss=effects.shift[:, i, j],
        sampling=effects.value[:, i, i],
        count=effects.count,
    )


def _places(step: Floats, snapshots: Sequence[int], steps: Sequence[float]) -> list[int]:
    count = len(step)
    wrong = [number for number in snapshots if not -count <= number < count]
    if wrong:
        raise RequestError(f"no snapshot {wrong[0]}: there are {count}, numbered 0 to {count - 1}")
    nearest = [int(np.argmin(np.abs(step - wanted))) for wanted in steps]
    places = sorted({number % count for number in snapshots} | set(nearest))
    return places or [count - 1]


def document(comparisons: Sequence[HeadToHead]) -> list[dict[str, Any]]:
    """Return the comparisons as plain numbers, text, lists and dictionaries."""
    from fastsde.analysis import records

    return [records.plain(comparison) for comparison in comparisons]


def _number(value: float) -> str:
    return "-" if not math.isfinite(value) else f"{value:.3g}" if abs(value) < 1e5 else f"{value:.2e}"


make_brief(HeadToHead)
