"""The part of the page on distances between models."""

from __future__ import annotations

from fastsde.report.distances import figures, text
from fastsde.report.distances.coordinates import by_coordinate
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="distances",
        order=20,
        title="Distances and their null quantiles",
        caption=(
            "How far the trajectories of each model are from those of the reference, snapshot by snapshot. "
            "Above: the distances themselves. Below: divided by the 95&nbsp;% null quantile, the value below "
            "which 95&nbsp;% of shuffles of the two samples fall. <b>Inside the grey band the difference is "
            "not significant at that snapshot with this many trajectories.</b> The two halves of the "
            "reference are shown as a control. An unbiased squared MMD is negative half of the time when "
            "there is no difference; the upper right panel does not show values below its axis."
        ),
        source=lambda words: (
            f"<code>ensemble.h5 /MODEL/modes, loss</code> as points {words.points}; "
            "<code>analysis.h5 models/MODEL/distances</code>. W<sub>2</sub>: root mean square over "
            "directions and ranks of sorted projections. MMD&sup2; = mean k(x,x') + mean k(y,y') &minus; 2 "
            "mean k(x,y), pairs of distinct trajectories, k = exp(&minus;|x&minus;y|&sup2; / 2h&sup2;) by "
            "random features: Rahimi and Recht (2007)."
        ),
        draw=figures.distances_over_time,
        condition=lambda analysis: bool(analysis.reference),
    )
)

register_figure(
    FigureSpec(
        name="all_distances",
        section="distances",
        order=30,
        detail=True,
        title="Every distance",
        caption=(
            "Each distance of each model from the reference at snapshots between which the reference covers "
            "equal parts of its path, as a multiple of its 95&nbsp;% null quantile. <b>= means "
            "inside the null band: not significant by this distance at this number of trajectories "
            "(p &ge; 0.05).</b> A dash: the distance does not exist for this model, or too few trajectories "
            "survive. The column of the reference compares its own two halves, where one cell in twenty is "
            "coloured by chance. Squared distances have larger ratios than their roots: compare along a row, "
            "not along a "
            "column."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>; <code>analysis.h5 sections/distances</code>. "
            "MMD, energy distance and KL by neighbours use at most 512 or 256 trajectories per sample, exact "
            "transport and the Sinkhorn divergence 100, random features all. KL is the mean "
            "of both directions on at most three principal axes."
        ),
        draw=figures.all_distances,
        finding=text.battery_finding,
        beside=lambda analysis: text.battery_table(analysis) + by_coordinate(analysis),
    )
)

register_figure(
    FigureSpec(
        name="pairs",
        section="pairs",
        order=40,
        detail=True,
        title="Distance between any two models",
        caption=lambda words: (
            f"First panel: the effect between any two models, the mean over the {words.course} in "
            f"{words.units}. Both triangles are equal. Blue: the models are "
            "distinguishable; grey: they are not, or that is undetermined. Pairs with the reference are "
            "tested by all distances at all snapshots, other pairs by the two distances below at the chosen "
            "snapshots (<code>fastsde compare</code> may still distinguish these). The diagonal is what "
            "sampling alone gives. Other panels: distances at chosen snapshots as multiples of their "
            "95&nbsp;% null "
            "quantile: the squared MMD in the upper right triangle, the energy distance in the lower left "
            "one, and on the diagonal the MMD between the two halves of one model. = means that the "
            "difference is not significant there; a dash, that the distance does not exist or too few "
            "trajectories survive."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>, the first half of one model and the second half of "
            "the other; <code>analysis.h5 sections/pairs</code>."
        ),
        draw=figures.all_pairs,
        finding=text.pairs_finding,
    )
)

register_figure(
    FigureSpec(
        name="relevance",
        section="relevance",
        order=50,
        detail=True,
        title="Which distance is tractable and relevant",
        caption=(
            "How often a permutation test at the 5&nbsp;% level distinguishes the nearest and the farthest "
            "model from the reference in small samples of this ensemble, how often it distinguishes the "
            "reference from itself, and how long one test with all shuffles takes. Darker points are larger "
            "samples. A star: the distance does "
            "not exist for every model of the study."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code> at the chosen snapshots; <code>analysis.h5 "
            "sections/relevance</code>. Nearest and farthest by the effect over the course."
        ),
        draw=figures.relevance,
        condition=text.measured,
        finding=text.relevance_finding,
        beside=text.relevance_table,
    )
)
