"""What stands beside each figure on the page: title, caption, and where its numbers come from."""

from __future__ import annotations

from fastsde.report import tables
from fastsde.report.branching import text as branching
from fastsde.report.course import figures
from fastsde.report.course import text as course
from fastsde.report.currents import text as currents
from fastsde.report.distances import text as distances
from fastsde.report.effect import text as effect
from fastsde.report.escape import text as escape
from fastsde.report.features import text as features
from fastsde.report.saddles import text as saddles
from fastsde.report.shape import text as shape
from fastsde.report.spec import FigureSpec
from fastsde.report.tails import text as tails

SPECS = (
    *effect.SPECS,
    FigureSpec(
        name="distances",
        title="Distances and their null quantiles",
        caption=(
            "How far the trajectories of each model are from those of the reference, snapshot by snapshot. "
            "Above: the distances themselves. Below: divided by the 95&nbsp;% null quantile, the value that "
            "95&nbsp;% of shuffles of the two samples stay under. <b>Inside the grey band the difference is "
            "not significant at that snapshot with this many trajectories.</b> The two halves of the "
            "reference are shown as a control. An unbiased squared MMD is negative half of the time when "
            "there is no difference; the upper right panel leaves out what lies below its axis."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code> as points (modes / strength, log<sub>10</sub> "
            "loss); <code>analysis.h5 models/MODEL/distances</code>. W<sub>2</sub>: root mean square over "
            "directions and ranks of sorted projections. MMD&sup2; = mean k(x,x') + mean k(y,y') &minus; 2 "
            "mean k(x,y), pairs of distinct trajectories, k = exp(&minus;|x&minus;y|&sup2; / 2h&sup2;) by "
            "random features: Rahimi and Recht (2007)."
        ),
        draw=figures.distances_over_time,
        applies=lambda analysis: bool(analysis.reference),
    ),
    *distances.SPECS,
    FigureSpec(
        name="loss",
        title="Loss",
        caption=(
            "Training loss of each model. The line is the median over trajectories, the bands hold half and "
            "nine tenths of them. Dotted levels are the saddles at which the first r = 0, 1, 2, ... modes "
            "are learned and the others are zero."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/loss</code>; quantiles over the finite trajectories at each snapshot "
            "(<code>analysis.h5 models/MODEL/moments/quantiles</code>). Saddle levels: optimum loss + "
            "(c/2) &Sigma;<sub>k&gt;r</sub> s<sub>k</sub>&sup2;, for white inputs."
        ),
        draw=figures.loss_quantiles,
        applies=lambda analysis: "loss" in analysis.quantities,
        finding=course.loss_finding,
    ),
    FigureSpec(
        name="modes",
        title="Growth of the modes",
        caption=(
            "How much of each mode of the optimal map is learned: 0 is nothing, 1 is all. The line is the "
            "median, the band holds nine tenths of the trajectories."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes</code>, u<sub>a</sub><sup>T</sup> W v<sub>a</sub>, divided by "
            "the singular value s<sub>a</sub> of the optimal map (<code>/problem/mode_strength</code>); "
            "quantiles over the finite trajectories."
        ),
        draw=figures.mode_growth,
        applies=lambda analysis: "mode 1" in analysis.quantities,
        finding=course.modes_finding,
    ),
    FigureSpec(
        name="learning",
        title="Learning times",
        caption=(
            "Share of trajectories in which a mode has not reached the given part of its strength yet, with "
            "95 % bands. A trajectory that has not learned the mode when the run ends is censored there; one "
            "that explodes first is counted in the table and leaves the curve at its explosion."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/mode_learned_step</code>, found inside the integrator and not only at "
            "snapshots. Kaplan-Meier: S(t) = &Pi; (1 &minus; d<sub>i</sub>/n<sub>i</sub>); band by "
            "Greenwood's formula, log-log."
        ),
        draw=figures.survival_curves,
        applies=lambda analysis: any(one.learning is not None for one in analysis.models.values()),
        finding=course.learning_finding,
        beside=lambda analysis: (
            "<p>Median step at which a mode is learned, its 95 % interval, how many trajectories never "
            "learned it, and the log-rank test that learning times are those of the reference.</p>"
            + tables.learning_times(analysis)
        ),
    ),
    *shape.SPECS,
    *tails.SPECS,
    *saddles.SPECS,
    *escape.SPECS,
    *features.SPECS,
    *currents.SPECS,
    *branching.SPECS,
)
"""The figures in the order of the page."""
