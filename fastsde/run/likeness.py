"""What a model's integration has in common with others, so that its speed can be told from theirs."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["computed_rows", "likeness", "phase_of", "work_of"]


def likeness(study: Study, name: str) -> str:
    """Return everything on which a model's speed depends, without seeds, learning rate and other models."""
    content = study.to_mapping()
    for key in ("seed", "trajectories"):
        content.pop(key, None)
    if content.get("data"):
        content["data"].pop("seed", None)
    content["time"].pop("learning_rate")
    content["models"] = content["models"][name]
    return json.dumps(content, sort_keys=True)


def work_of(study: Study, name: str, threads: int) -> str:
    """Return a short name of a model's integration on some threads, the same wherever the speed is."""
    return hashlib.sha256(f"{threads} {likeness(study, name)}".encode()).hexdigest()[:16]


def phase_of(study: Study, name: str) -> str:
    """Return the kind of a model's steps and their precision: models of one kind share a correction."""
    model = study.models[name]
    return " ".join(["integrate", str(model.kind), *filter(None, [getattr(model, "noise", "")]), study.dtype])


def computed_rows(study: Study, count: int, size: int, threads: int) -> int:
    """Return how many trajectories are computed in parts of `size`: whole blocks on every thread."""
    from fastsde.kernels.lanes import lane_count

    lanes = int(lane_count(study.dtype)) * threads
    whole, rest = divmod(count, size)
    return whole * math.ceil(size / lanes) * lanes + math.ceil(rest / lanes) * lanes
