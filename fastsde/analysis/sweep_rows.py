"""One row for each model of each case of a sweep: swept values, tail index, escape times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.survival import count, escape_time, interval, resample
from fastsde.analysis.protocols import Floats

if TYPE_CHECKING:
    from fastsde.study.sweep import Case

__all__ = ["Row", "column", "columns", "row", "value_of"]

REPLICATES = 400
SEEDS = ("seed", "data.seed")
"""Keys whose values are repetitions and no setting."""


@dataclass(frozen=True)
class Row:
    """What one model of one case came to.

    Attributes
    ----------
    case, model : str
    values : tuple of str
        Its value of each of the columns of `SweepAnalysis.columns`; empty where it has none.
    trajectories, diverged : int
    escaped : ndarray, shape (place,)
        Share of the trajectories at each place that have escaped from it by the end.
    escape_time, escape_low, escape_high : ndarray, shape (place,)
        Time by which half of them have, in units of time (learning rate times steps), with its 95 % interval
        by a bootstrap over trajectories; infinite where half never do, NaN where nothing is known.
    tail : str
        Verdict on the tail of the noise of mode 1; empty where it is not known.
    tail_index : float
        Moment estimator's index of it, by the mode of the largest strength; NaN where it is not known.
    final_loss : float
        Median at the end.
    """

    case: str
    model: str
    values: tuple[str, ...]
    trajectories: int
    diverged: int
    escaped: Floats
    escape_time: Floats
    escape_low: Floats
    escape_high: Floats
    tail: str
    tail_index: float
    final_loss: float


def column(key: str) -> str:
    """Return the column of a swept key: that of a model is one for all models that have it.

    Examples
    --------
    >>> column("models.levy.alpha"), column("models.*.batch"), column("time.learning_rate")
    ('alpha', 'batch', 'time.learning_rate')
    """
    return key.split(".", 2)[2] if key.startswith("models.") else key


def columns(swept: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of swept keys, each once, in their order."""
    return tuple(dict.fromkeys(map(column, swept)))


def value_of(case: Case, model: str, key: str) -> str:
    """Return what a model of a case has in a column, as text; empty if nothing."""
    mapping = case.study.to_mapping()
    for table in (mapping["models"][model], mapping):
        found: Any = table
        for name in key.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None and not isinstance(found, dict):
            return f"{found:.12g}" if isinstance(found, float) else str(found)
    return ""


def row(
    case: Case,
    model: str,
    keys: Sequence[str],
    stays: Sequence[Passages],
    summary: Mapping[str, Any],
    seed: int = 0,
) -> Row:
    """Make the row of a model.

    Parameters
    ----------
    case, model
        Which.
    keys
        Columns of the sweep.
    stays
        At each place, from `fastsde.analysis.escape.places.known_stays`.
    summary
        Its row of `Analysis.summary`, empty if the case is not analysed.
    seed
        Of the bootstrap.
    """
    times = np.array([_half(one, seed) for one in stays]).reshape(-1, 4)
    tails, indices = summary.get("tail") or [], summary.get("tail_index") or []
    return Row(
        case=case.name,
        model=model,
        values=tuple(value_of(case, model, key) for key in keys),
        trajectories=case.study.trajectories,
        diverged=int(summary.get("diverged") or 0),
        escaped=times[:, 0],
        escape_time=times[:, 1],
        escape_low=times[:, 2],
        escape_high=times[:, 3],
        tail=str(tails[0]) if tails else "",
        tail_index=_number(indices[0] if indices else None),
        final_loss=_number(summary.get("final_loss")),
    )


def _half(stays: Passages, seed: int) -> tuple[float, float, float, float]:
    """Share that escaped, time by which half have, and its interval."""
    if not stays.count:
        return math.nan, math.nan, math.nan, math.nan
    counts = count(stays)
    random = np.random.Generator(np.random.Philox(key=[seed, stays.count]))
    ends = interval(escape_time(resample(counts, REPLICATES, random), 0.5))
    return float(stays.escaped.mean()), float(escape_time(counts, 0.5)), *ends


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
