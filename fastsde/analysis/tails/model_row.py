"""What the table of models says of tails."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["cells", "numbers"]


def numbers(analysis: Any, name: str) -> dict[str, Any]:
    """Verdict on the noise of one step and the moment estimator's index of it, all snapshots, by mode."""
    found = analysis.sections.get("tails")
    noise = None if found is None else found.models[name].noise
    if noise is None:
        return {"tail": None, "tail_index": None}
    index = noise.pooled.estimates["moment"].index
    known = [float(value) if math.isfinite(value) else None for value in index]
    return {"tail": list(noise.verdict), "tail_index": known}


def cells(analysis: Any, name: str) -> dict[str, str]:
    """Return the verdicts, each once."""
    verdicts = numbers(analysis, name)["tail"]
    return {"noise tail": " / ".join(dict.fromkeys(verdicts)) if verdicts else "-"}
