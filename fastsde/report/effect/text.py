"""What the page says of the effect: how far each model is from the reference, in natural units."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.ranking import ranking
from fastsde.report.effect.figures import effect_over_course
from fastsde.report.spec import FigureSpec
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
    return f"Farthest from {escape(analysis.reference)}: {', '.join(said)}."


SPECS = (
    FigureSpec(
        name="effect",
        title="How far each model is from the reference",
        caption=(
            "The effect: mean over the modes (as shares of their strength) and the loss (in decades) of the "
            "Wasserstein-1 distance between the two marginal laws, over the central 90&nbsp;% of their "
            "quantiles, so that it exists for every law. Bands are 95&nbsp;% intervals by the jackknife; "
            "grey is what two samples of the reference of this size give. Below, its two parts. The upper "
            "axis shows how much of its way the reference has covered; the effect over the course, which "
            "ranks the models, is the mean over equal shares of that way. Only surviving trajectories count."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>; <code>analysis.h5 effects</code>: "
            "1/0.9 &int; |Q<sub>1</sub>(u) &minus; Q<sub>2</sub>(u)| du from u = 0.05 to 0.95, Q the "
            "quantile function; the way is the length of the path of the medians."
        ),
        draw=effect_over_course,
        applies=lambda analysis: bool(
            analysis.reference and ranking(analysis) and np.isfinite(analysis.effects.value).any()
        ),
        finding=effect_finding,
    ),
)
"""The figure of the effect."""
