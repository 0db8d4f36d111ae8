"""Models of an ensemble head to head: what ``fastsde compare`` answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.distances.battery import joined
from fastsde.analysis.distances.metrics import BY_NAME, PRIMARY
from fastsde.analysis.distances.points import Points
from fastsde.analysis.distances.versus import Pair, Tested, versus
from fastsde.analysis.protocols import Ensemble, Floats
from fastsde.analysis.results import Settings
from fastsde.analysis.threads import one_thread_each
from fastsde.analysis.views import common_views
from fastsde.brief import make_brief
from fastsde.errors import RequestError


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
    """

    first: str
    second: str
    snapshot: NDArray[np.int64]
    step: Floats
    coordinates: tuple[str, ...]
    pair: Pair

    def distance_rows(self, at: int) -> list[dict[str, str]]:
        """Return one row of text for each distance at the snapshot number ``at`` of those chosen."""
        return [self._distance(name, one, at) for name, one in self.pair.tests.items()]

    def _distance(self, name: str, one: Tested, at: int) -> dict[str, str]:
        value, chance = float(one.value[at]), float(one.null[at])
        told = float(one.p_value[at])
        verdict = "indistinguishable" if told >= 0.05 else "differs"
        if not math.isfinite(told):
            verdict = self.pair.reasons[name][at]
        return {
            "distance": BY_NAME[name].title,
            "value": _number(value),
            "by chance": _number(float(one.null_mean[at])),
            "95% of chance": _number(chance),
            "ratio": _number(value / chance if chance > 0 else math.nan),
            "p": _number(told),
            "n a side": f"{one.count[at]:,.0f}",
            "verdict": verdict,
        }

    def coordinate_rows(self, at: int) -> list[dict[str, str]]:
        """Return one row of text for each coordinate: differences of mean and median, and W1."""
        found = self.pair.coordinates
        return [
            {
                "coordinate": name,
                "mean difference": _number(found.mean[at, number]),
                "standard error": _number(found.mean_error[at, number]),
                "median difference": _number(found.median[at, number]),
                "W1": _number(found.w1[at, number]),
                "95% of chance": _number(found.w1_null[at, number]),
                "p": _number(found.w1_p[at, number]),
            }
            for number, name in enumerate(self.coordinates)
        ]

    def sentence(self, at: int) -> str:
        """Return the answer of the MMD, which exists for every law, in one sentence."""
        one = self.pair.tests[PRIMARY]
        where = f"at step {self.step[at]:,.0f} with {one.count[at]:,.0f} trajectories a side"
        if not math.isfinite(one.p_value[at]):
            reason = self.pair.reasons[PRIMARY][at]
            return f"{self.first} and {self.second} cannot be compared {where}: {reason}."
        ratio = f"MMD² is {_number(float(one.ratio[at]))} times the chance level, p = {one.p_value[at]:.2g}"
        told = "differ" if one.p_value[at] < 0.05 else "cannot be told apart"
        return f"{self.first} and {self.second} {told} {where}: {ratio}."


def compare(
    ensemble: Ensemble,
    names: Sequence[str],
    *,
    snapshots: Sequence[int] = (),
    steps: Sequence[float] = (),
    settings: Settings | None = None,
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
        Shuffles, seed and limits.

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
        raise RequestError(f"two different models or more are needed; got {', '.join(names) or 'none'}")
    settings = settings or Settings()
    views = common_views(ensemble, chosen)
    step = next(iter(views.values())).step.astype(np.float64)
    places = _places(step, snapshots, steps)
    points = Points(ensemble, views, chosen[0])
    frame = points.frame(settings)
    paired = ensemble.study.start == "paired" or ensemble.study.starts_from_states
    pairs: dict[tuple[str, str], list[Pair]] = {pair: [] for pair in itertools.combinations(chosen, 2)}
    for place in places:
        measured = {name: points.measured(name, place) for name in chosen}
        for (first, second), found in pairs.items():
            x, y = measured[first][0], measured[second][0]
            half = min(len(x), len(y)) // 2 // frame.branches * frame.branches
            sides = (x[:half], y[half : 2 * half]) if paired else (x, y)
            orders = {name: measured[name][1] for name in (first, second)}
            with one_thread_each():
                found.append(versus(*sides, orders, frame))
    return [
        HeadToHead(first, second, np.array(places), step[places], points.coordinates, joined(found))
        for (first, second), found in pairs.items()
    ]


def _places(step: Floats, snapshots: Sequence[int], steps: Sequence[float]) -> list[int]:
    count = len(step)
    wrong = [number for number in snapshots if not -count <= number < count]
    if wrong:
        raise RequestError(f"no snapshot {wrong[0]}: there are {count}, numbered 0 to {count - 1}")
    nearest = [int(np.argmin(np.abs(step - wanted))) for wanted in steps]
    places = sorted({number % count for number in snapshots} | set(nearest))
    return places or [count - 1]


def document(found: Sequence[HeadToHead]) -> list[dict[str, Any]]:
    """Return the comparisons as plain numbers, text, lists and dictionaries."""
    from fastsde.analysis import records

    return [records.plain(one) for one in found]


def _number(value: float) -> str:
    return "-" if not math.isfinite(value) else f"{value:.3g}" if abs(value) < 1e5 else f"{value:.2e}"


make_brief(HeadToHead)
