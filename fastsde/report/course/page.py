"""The part of the page on the course of training."""

from __future__ import annotations

from fastsde.report.course import figures, tables, text
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="loss",
        order=60,
        title="Loss",
        caption=(
            "Training loss of each model. The line is the median over trajectories; the bands contain "
            "50&nbsp;% and 90&nbsp;% of them. Dotted levels are the saddles at which the first r = 0, 1, 2, "
            "... modes "
            "are learned and the others are zero."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/loss</code>; quantiles over the finite trajectories at each snapshot "
            "(<code>analysis.h5 models/MODEL/moments/quantiles</code>). Saddle levels: optimum loss + "
            "(c/2) &Sigma;<sub>k&gt;r</sub> s<sub>k</sub>&sup2;, for white inputs."
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
        title="Growth of the modes",
        caption=(
            "How much of each mode of the optimal map is learned: 0 is nothing, 1 is all. The line is the "
            "median; the band contains 90&nbsp;% of the trajectories."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes</code>, u<sub>a</sub><sup>T</sup> W v<sub>a</sub>, divided by "
            "the singular value s<sub>a</sub> of the optimal map (<code>/problem/mode_strength</code>); "
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
        title="Learning times",
        caption=(
            "Share of trajectories in which a mode has not reached the given part of its strength yet, with "
            "95 % bands. A trajectory that has not learned the mode when the run ends is censored there; one "
            "that diverges first is counted in the table and censored at its divergence."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/mode_learned_step</code>, recorded at every step of the integrator, "
            "not only at snapshots. Kaplan-Meier: S(t) = &Pi; (1 &minus; d<sub>i</sub>/n<sub>i</sub>); band "
            "by "
            "Greenwood's formula, log-log."
        ),
        draw=figures.survival_curves,
        condition=lambda analysis: any(one.learning is not None for one in analysis.models.values()),
        finding=text.learning_finding,
        beside=lambda analysis: (
            "<p>Median step at which a mode is learned, its 95 % interval, how many trajectories never "
            "learned it, and the log-rank test against the learning times of the reference.</p>"
            + tables.learning_times(analysis)
        ),
    )
)
