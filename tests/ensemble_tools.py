"""Small studies for the tests of the integration, and what it recorded as stacked arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastsde
from fastsde.settings import OBSERVABLES
from fastsde.study import Study

BASE: dict[str, Any] = {
    "seed": 11,
    "trajectories": 256,
    "network": {"widths": [3, 4, 2], "init": {"std": 0.5}, "loss": "half"},
    "data": {"samples": 10, "teacher": {"singular_values": [2.0, 1.0]}, "label_noise": 0.5},
    "time": {"learning_rate": 0.05, "steps": 12, "snapshots": {"at": [0, 3, 7]}},
    "record": {"observables": list(OBSERVABLES)},
}


def make_study(models: dict[str, Any], **tables: Any) -> Study:
    """Make a study of `models` from `BASE`; tables are merged by their keys, other values replaced."""
    mapping = {**BASE, "models": models}
    for name, value in tables.items():
        mapping[name] = {**mapping.get(name, {}), **value} if isinstance(value, dict) else value
    return Study.from_mapping(mapping)


def record(study: Study, name: str, first: int = 0, count: int | None = None, **options: Any):
    """Integrate; return what snapshots hold, (snapshots, trajectories, ...) a variable, and the outcome."""
    kept: list[dict[str, Any]] = []
    count = study.trajectories if count is None else count
    outcome = fastsde.integrate(
        study, name, first, count, on_snapshot=lambda _, values: kept.append(dict(values)), **options
    )
    return {key: np.stack([values[key] for values in kept]) for key in kept[0]}, outcome


def all_bits(study: Study, name: str, first: int = 0, count: int | None = None, **options: Any):
    """Return all that an integration gives, trajectories first, for comparison bit by bit."""
    values, outcome = record(study, name, first, count, **options)
    turned = {key: np.swapaxes(value, 0, 1) for key, value in values.items()}
    return turned | outcome.events | {"last": outcome.parameters}


def first_difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Name the variables whose bits differ; empty where there are none."""
    assert one.keys() == other.keys()
    return " ".join(
        key for key in one if np.ascontiguousarray(one[key]).tobytes() != other[key].copy("C").tobytes()
    )
