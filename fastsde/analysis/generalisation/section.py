"""When a network fits its training examples, and when the test examples that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.confidence import Interval, share
from fastsde.analysis.late_window import last_seen
from fastsde.analysis.protocols import Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context
    from fastsde.study.study import Study

__all__ = ["LEVELS", "SECTION", "Generalisation", "ModelGeneralisation"]

QUANTITIES = ("loss", "test_loss", "train_accuracy", "test_accuracy")
ROUNDING = 1e-12
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class ModelGeneralisation:
    """How one model learns.

    Attributes
    ----------
    quantiles : dict of str to ndarray
        At `LEVELS` over the trajectories that have not diverged, (snapshot, level), of each of the
        `QUANTITIES` that was recorded.
    perfect : dict of str to Interval
        Share of the trajectories that have not stopped of which an accuracy is 1, (snapshot,), with Wilson's
        interval; one that has diverged is none.
    first : dict of str to ndarray
        Quartiles over trajectories of the first snapshot, in steps, at which an accuracy is 1; infinite for
        never.
    """

    quantiles: dict[str, Floats]
    perfect: dict[str, Interval]
    first: dict[str, Floats]


@dataclass(frozen=True)
class Generalisation:
    """How all models learn, at the snapshots `step`."""

    step: Floats
    models: dict[str, ModelGeneralisation]


def learns(study: Study) -> bool:
    """Whether a study is of a nonlinear network."""
    return study.landscape is not None and study.landscape.learner is not None


def measure(context: Context) -> Generalisation | None:
    """Take what was recorded; None if nothing was recorded of the test or of accuracies."""
    names = [name for name in QUANTITIES if context.recorded(name)]
    if names in ([], ["loss"]):
        return None
    step = np.asarray(next(iter(context.views.values())).step, dtype=np.float64)
    return Generalisation(step, {name: _model(view, names, step) for name, view in context.views.items()})


def _model(view: Trajectories, names: list[str], step: Floats) -> ModelGeneralisation:
    accuracies = [name for name in names if name.endswith("accuracy")]
    quantiles = {name: np.full((len(step), len(LEVELS)), np.nan) for name in names}
    count = {name: np.zeros(len(step)) for name in accuracies}
    first = {name: np.full(view.count, np.inf) for name in accuracies}
    for snapshot, now in enumerate(step):
        for name in names:
            values = np.asarray(view.read(name, snapshot), dtype=np.float64)
            known = values[np.isfinite(values)]
            if len(known):
                quantiles[name][snapshot] = np.quantile(known, LEVELS)
            if name in accuracies:
                perfect = values >= 1
                count[name][snapshot] = perfect.sum()
                first[name][perfect] = np.minimum(first[name][perfect], now)
    followed = (last_seen(view)[:, None] * (1 + ROUNDING) >= np.asarray(view.time)).sum(axis=0)
    return ModelGeneralisation(
        quantiles,
        {name: share(count[name], followed.astype(np.float64)) for name in accuracies},
        {name: np.quantile(first[name], (0.25, 0.5, 0.75), method="higher") for name in accuracies},
    )


def numbers(analysis: Any, name: str) -> dict[str, Any]:
    """Return the end of a model for its row."""
    found = SECTION.of(analysis)
    if found is None:
        return {}
    model = found.models[name]
    ends = {
        f"final_{quantity}": _known(float(values[-1, 2]))
        for quantity, values in model.quantiles.items()
        if quantity != "loss"
    }
    shares = {f"perfect_{quantity}": float(one.value[-1]) for quantity, one in model.perfect.items()}
    return ends | shares


def cells(analysis: Any, name: str) -> dict[str, str]:
    """Return the median accuracies at the end, and how many trajectories predict every test example."""
    row = numbers(analysis, name)
    heads = {
        "final_train_accuracy": "train accuracy",
        "final_test_accuracy": "test accuracy",
        "perfect_test_accuracy": "all test examples right",
    }
    return {head: _percent(row[key]) for key, head in heads.items() if key in row}


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.3g} %"


SECTION = register_section(
    Section(
        name="generalisation",
        record=Generalisation,
        measure=measure,
        order=105,
        applies=learns,
        numbers=numbers,
        cells=cells,
        cost=Cost((0, 0, 2e-4, 0, 0, 0, 0, 1e-7)),
    )
)
