"""The part of the page on tails of the noise."""

from __future__ import annotations

from fastsde.report.spec import FigureSpec, register_figure
from fastsde.report.tails import figures, tables, text

register_figure(
    FigureSpec(
        name="tails",
        section="tails",
        order=100,
        title="Tails of the noise",
        caption=lambda words: (
            f"Hill's tail index of the noise that one step adds to each {words.mode}, over trajectories and "
            "a few adjacent snapshots; 95 % bars are its statistical error. <b>They do not include its bias: "
            "for a stable law of index 1.8 or more Hill's estimate is 2.5 to 4, whatever the sample.</b> The "
            "dashed line is the index that a model's noise has by construction; estimators that suit stable "
            "laws are in the details. A law with an index below 2 has no variance. Indices above 27 stand at "
            "the upper edge. A finite Gaussian sample does not give an infinite index: the dotted line is "
            "what one of this size gives. <b>Trajectories at different saddles have noise of different size "
            "and direction, and "
            "their mixture has a small index without a heavy tail in any of them</b>: noise is measured in "
            "units of each trajectory's own level where that is recorded, and the verdict uses differences "
            "between adjacent snapshots, in which a persistent level cancels."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/update_noise</code>, u<sub>a</sub><sup>T</sup>(W(&theta;') &minus; "
            "W(&theta; &minus; dt &nabla;L)) v<sub>a</sub>; divided by the root of "
            "<code>mode_diffusion</code>, else gradient noise by that of <code>noise_trace</code>, each "
            "snapshot by its median size; 1/&alpha; = mean of ln(X<sub>i</sub> / X<sub>k+1</sub>) over the "
            "k largest, k between n/100 and n/10 where the Kolmogorov-Smirnov distance from a power law is "
            "least; bars are widened by the design effect of trajectories. <code>analysis.h5 "
            "sections/tails</code>."
        ),
        draw=figures.over_time,
        condition=text.has_noise,
        finding=text.finding,
        beside=tables.verdicts,
    )
)

register_figure(
    FigureSpec(
        name="tail_paths",
        section="tails",
        order=110,
        detail=True,
        title="Is Hill's index stable in k?",
        caption=(
            "Hill's estimate over the number k of largest values, with its pointwise 95 % band, of all "
            "snapshots together. Only a curve that is flat over a range of k measures the index of a power "
            "law; one that falls throughout belongs to a law without a power tail, such as a Gaussian, or to "
            "a mixture. Points: the chosen k, where the largest values are closest to a power law. For a "
            "stable law of index near 2 (dashed) the curve is right only to the left of it. Dotted: what a "
            "Gaussian sample of the same size gives at its chosen k."
        ),
        source="<code>analysis.h5 sections/tails/models/MODEL/noise/path_k, path</code>.",
        draw=figures.over_k,
        condition=text.has_noise,
    )
)

register_figure(
    FigureSpec(
        name="tail_estimators",
        section="tails",
        order=120,
        detail=True,
        title="Do the estimators of the tail agree?",
        caption=lambda words: (
            "All estimates of the same tail with 95 % bars, all snapshots together. Those with a star "
            "assume that the law is stable and give a number between 1 and 2 for any law; the group "
            "log-moment estimate is that of Simsekli et al. (2019), here over steps and trajectories, never "
            "over coordinates. Estimates at the right edge mean that there is no power law. Increments "
            f"vary over decades where trajectories are on different plateaus of the {words.loss}: check "
            "whether the verdict is <i>bounded</i>."
        ),
        source=(
            "<code>analysis.h5 sections/tails/models/MODEL/KIND/pooled/estimates</code>; the estimators "
            "and their sources are in the table."
        ),
        draw=figures.side_by_side,
        condition=text.has_any,
        finding=text.disagreement_finding,
        beside=tables.estimators,
    )
)
