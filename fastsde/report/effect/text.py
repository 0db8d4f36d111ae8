"""What the page says of the effect: how far each model is from the reference, in natural units."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.ranking import ranking
from fastsde.report.writing import number


def effect_finding(analysis: Analysis) -> str:
    """Say where on the course each model is farthest from the reference."""
    effects = analysis.effects
    own = effects.names.index(analysis.reference)
    said = []
    for name in ranking(analysis):
        values = effects.value[:, own, effects.names.index(name)]
        if math.isfinite(effects.between(analysis.reference, name).mean):
            at = int(np.nanargmax(values))
            said.append(f"{escape(name)} at step {analysis.step[at]:,.0f} ({number(float(values[at]))})")
    if not said:
        return (
            f"Undetermined: too few trajectories survive to compare models with {escape(analysis.reference)}."
        )
    return f"Where each model is farthest from {escape(analysis.reference)}: {', '.join(said)}."
