"""The part of the page on the law of the iterates across trajectories."""

from __future__ import annotations

from fastsde.report.iterates import figures, text
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="iterate_tails",
        section="iterates",
        order=122,
        title="Tails of the iterates across trajectories",
        caption=(
            "Tail index of the iterates at the end, less their median over trajectories: one coordinate or "
            "one random direction at a time, by all estimators, with 95&nbsp;% bars. <b>Iterates can have a "
            "power tail although no step has one</b> (Kesten 1973), so this index says nothing of the noise "
            "of a step. Estimates with a star assume that the law is stable and give a number near or below "
            "2 for any law; the last row is that of papers on linear regression by SGD, from whole vectors, "
            "where iterates that diverge also give a number below 2."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, parameters, running_average</code>, the last snapshot, one "
            "value per trajectory; of averages, that over the second half of the run. <code>analysis.h5 "
            "sections/iterates/models/MODEL/QUANTITY/tails, vector</code>: median over groups of 2, 5, 10, "
            "20, 50, 100 and 40 vectors (Mohammadi et al. 2015; Gurbuzbalaban, Simsekli and Zhu 2021)."
        ),
        draw=figures.side_by_side,
        finding=text.tail_finding,
        beside=text.tail_table,
    )
)

register_figure(
    FigureSpec(
        name="iterate_quantiles",
        section="iterates",
        order=124,
        title="Are the iterates Gaussian?",
        caption=(
            "Quantiles of the iterates across trajectories at the end, in standard deviations from their "
            "mean, against those of a Gaussian (dotted). Below: Anderson and Darling's test, which weighs "
            "the tails, and the energy test, with p-values from Gaussian samples of the same size, and "
            "adjusted for all columns of a model and both tests (Holm 1979)."
        ),
        source=(
            "<code>analysis.h5 sections/iterates/models/MODEL/QUANTITY/tests</code>; Anderson and Darling "
            "(1952), Szekely and Rizzo (2005); at most 2,000 trajectories, 999 drawn samples."
        ),
        draw=figures.straightness,
        finding=text.gaussian_finding,
        beside=text.gaussian_table,
    )
)
