"""The part of the page on the effect: how far each model is from the reference."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.ranking import ranking
from fastsde.report.effect.figures import effect_over_course
from fastsde.report.effect.text import effect_finding
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="effect",
        order=10,
        title="How far each model is from the reference",
        caption=lambda words: (
            f"The effect: mean over the {words.compared} of the Wasserstein-1 distance between "
            "the two marginal laws, over the central 90&nbsp;% of their "
            "quantiles, so that it exists for every law. One panel per model, the nearest first; thin grey "
            "lines are the other models. Bands are 95&nbsp;% jackknife intervals; the grey area is "
            f"the effect between two samples of the reference of this size. {words.parts}The upper axis "
            "shows how much of its path the reference has covered; the effect over the course, which ranks "
            "the models, is the mean over equal shares of that path. Only surviving trajectories count."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>; <code>analysis.h5 effects</code>: "
            "1/0.9 &int; |Q<sub>1</sub>(u) &minus; Q<sub>2</sub>(u)| du from u = 0.05 to 0.95, Q the "
            "quantile function; the path is that of the medians, measured by its length."
        ),
        draw=effect_over_course,
        condition=lambda analysis: bool(
            analysis.reference and ranking(analysis) and np.isfinite(analysis.effects.value).any()
        ),
        finding=effect_finding,
    )
)
