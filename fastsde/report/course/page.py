"""The part of the page on the course of training."""

from __future__ import annotations

from fastsde.analysis import Analysis
from fastsde.report.course import figures, tables, text
from fastsde.report.spec import FigureSpec, register_figure


def _learns(analysis: Analysis) -> bool:
    return any(one.learning is not None for one in analysis.models.values())


register_figure(
    FigureSpec(
        name="loss",
        order=60,
        title="Loss",
        caption=lambda words: (
            "Training loss of each model. The line is the median over trajectories; the bands contain "
            f"50&nbsp;% and 90&nbsp;% of them.{words.levels}"
        ),
        source=lambda words: (
            "<code>ensemble.h5 /MODEL/loss</code>; quantiles over the finite trajectories at each snapshot "
            f"(<code>analysis.h5 models/MODEL/moments/quantiles</code>).{words.levels_source}"
        ),
        draw=figures.loss_quantiles,
        condition=lambda analysis: "loss" in analysis.quantities,
        finding=text.loss_finding,
    )
)

register_figure(
    FigureSpec(
        name="modes",
        order=70,
        title=lambda words: words.modes_title,
        caption=lambda words: (
            f"{words.modes_shown} The line is the median; the band contains 90&nbsp;% of the trajectories."
        ),
        source=lambda words: (
            f"<code>ensemble.h5 /MODEL/modes</code>, {words.modes_source}; "
            "quantiles over the finite trajectories."
        ),
        draw=figures.mode_growth,
        condition=lambda analysis: "mode 1" in analysis.quantities,
        finding=text.modes_finding,
    )
)

register_figure(
    FigureSpec(
        name="learning",
        order=80,
        title=lambda words: words.passages_title,
        caption=lambda words: (
            f"When each {words.mode} {words.passes}: median over the trajectories of a model, with the "
            "ranges of half and of 90 % of them. Trajectories that diverge first are left out from then on."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/mode_learned_step</code>, recorded at every step of the integrator, "
            "not only at snapshots; quantiles of the Kaplan-Meier curve below."
        ),
        draw=figures.passage_times,
        condition=_learns,
        finding=text.learning_finding,
        beside=tables.learning_times,
    )
)

register_figure(
    FigureSpec(
        name="learning_curves",
        order=82,
        detail=True,
        title=lambda words: f"{words.passages_title}, as curves",
        caption=lambda words: (
            f"Share of trajectories in which a {words.mode} {words.below}, with "
            f"95 % bands. A trajectory {words.still_below} is censored there; one "
            "that diverges first is counted in the table and censored at its divergence."
        ),
        source=(
            "Kaplan-Meier: S(t) = &Pi; (1 &minus; d<sub>i</sub>/n<sub>i</sub>); band by Greenwood's formula, "
            "log-log."
        ),
        draw=figures.survival_curves,
        condition=_learns,
    )
)
