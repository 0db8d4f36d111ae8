"""What is known of one model's visits to saddles: how many, how long, how near, and the curvature there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastsde.analysis import confidence
from fastsde.analysis.protocols import Floats, Trajectories
from fastsde.analysis.saddles.visits import Visits

__all__ = ["ModelVisits", "model_visits"]

LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class ModelVisits:
    """Visits of one model; every array has the saddle first.

    Attributes
    ----------
    visits : ndarray, shape (saddle,)
        Trajectories that stay at the saddle for the checks asked for.
    share, share_low, share_high : ndarray, shape (saddle,)
        Of all trajectories, with Wilson's 95 % interval.
    ends : ndarray, shape (saddle,)
        Of the visits, how many are still there at the end of the run.
    entry : ndarray, shape (saddle, level)
        Time of the first snapshot there: quantiles 0.05, 0.5, 0.95 over visits.
    dwell : ndarray, shape (saddle, level)
        Time from the first to the last snapshot there: a lower bound of the stay, short of it by up to two
        distances of snapshots.
    gradient, loss : ndarray, shape (saddle,)
        Medians at the closest approach, in which the gradient is least.
    distance : ndarray, shape (saddle, level)
        ``|W - W_K| / |W_K|`` there, W_K that of the saddle; NaN where nothing recorded tells it, and a lower
        bound where only the diagonal modes do (`Saddles.distance_source`).
    rank_distance : ndarray, shape (saddle, level)
        Relative distance of W there from the nearest map of the saddle's rank: singular values beyond it.
    same_rank, same_rank_low, same_rank_high : ndarray, shape (saddle,)
        Share of visits at which W has as many large singular values as the saddle's, with Wilson's interval.
    lowest, highest : ndarray, shape (saddle, level)
        Smallest and largest Hessian eigenvalue at the closest approach, which is another state than the
        saddle: the saddle's own are in `Saddles.types`.
    error : ndarray, shape (saddle,)
        Largest bound of their errors.
    negative, not_negative : ndarray, shape (saddle,)
        Visits whose closest approach has a negative eigenvalue that counts, and those where it has none.
    negative_share, negative_low, negative_high : ndarray, shape (saddle,)
        Share of the former of both, with Wilson's interval.
    """

    visits: Floats
    share: Floats
    share_low: Floats
    share_high: Floats
    ends: Floats
    entry: Floats
    dwell: Floats
    gradient: Floats
    distance: Floats
    rank_distance: Floats
    same_rank: Floats
    same_rank_low: Floats
    same_rank_high: Floats
    loss: Floats
    lowest: Floats
    highest: Floats
    error: Floats
    negative: Floats
    not_negative: Floats
    negative_share: Floats
    negative_low: Floats
    negative_high: Floats


def model_visits(visits: Visits, listed: list[int], view: Trajectories, least: float) -> ModelVisits:
    """Summarise the visits of a model to the listed saddles.

    Parameters
    ----------
    visits : Visits
    listed : list of int
        Sets of modes kept.
    view : Trajectories
        The model's.
    least : float
        Size from which on a negative eigenvalue counts.
    """
    rows = [_saddle(visits, np.flatnonzero(visits.kept == kept), view, least) for kept in listed]
    return ModelVisits(**{key: np.array([row[key] for row in rows]) for key in rows[0]})


def _saddle(visits: Visits, rows: Any, view: Trajectories, least: float) -> dict[str, Any]:
    unknown = np.full(len(rows), np.nan)
    there = {key: visits.there[key][rows] if key in visits.there else unknown for key in _THERE}
    lowest, error = there["hessian_min"], there["hessian_error"]
    negative = lowest + error < -least
    others = np.isfinite(lowest) & ~negative
    same = there["same_rank"][np.isfinite(there["same_rank"])]
    return {
        "visits": float(len(rows)),
        **_share("share", len(rows), view.count),
        "ends": float(np.sum(visits.last[rows] == len(view.time) - 1)),
        "entry": _quantiles(view.time[visits.entry[rows]]),
        "dwell": _quantiles(view.time[visits.last[rows]] - view.time[visits.entry[rows]]),
        "gradient": _median(there["gradient"]),
        "distance": _quantiles(there["distance"]),
        "rank_distance": _quantiles(there["rank_distance"]),
        **_share("same_rank", same.sum(), len(same)),
        "loss": _median(there["loss"]),
        "lowest": _quantiles(lowest),
        "highest": _quantiles(there["hessian_max"]),
        "error": float(np.nanmax(error)) if np.isfinite(error).any() else np.nan,
        "negative": float(negative.sum()),
        "not_negative": float(others.sum()),
        **_share("negative", negative.sum(), negative.sum() + others.sum(), "negative_share"),
    }


_THERE = (
    "gradient",
    "distance",
    "rank_distance",
    "same_rank",
    "loss",
    "hessian_min",
    "hessian_max",
    "hessian_error",
)


def _share(name: str, part: float, whole: float, value: str = "") -> dict[str, Any]:
    share = confidence.share(np.array(float(part)), np.array(float(whole)))
    return {value or name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}


def _quantiles(values: Floats) -> Floats:
    known = values[np.isfinite(values)]
    return np.quantile(known, LEVELS) if known.size else np.full(len(LEVELS), np.nan)


def _median(values: Floats) -> float:
    return float(_quantiles(values)[1])
