"""The part of the page on escape."""

from __future__ import annotations

from fastsde.analysis.summary import time_per_step
from fastsde.report.escape import figures, tables, text
from fastsde.report.escape.effects import effect_finding, effects_table
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="escape",
        section="escape",
        order=160,
        title="Escape",
        caption=lambda words: (
            f"{words.place}Lines: Kaplan-Meier share of those "
            "still there, with 95 % bands; dotted: share that diverged first, a competing event. "
            f"Times count from {words.since}."
        ),
        source=(
            "<code>analysis.h5 sections/escape/models</code>; S(t) = &Pi; (1 &minus; "
            "d<sub>i</sub>/n<sub>i</sub>), Greenwood's band; shares with divergence as a competing event by "
            "Aalen and Johansen; hazard ratios by Cox's partial likelihood; bootstrap over trajectories."
        ),
        draw=figures.curves,
        condition=text.escaped,
        finding=text.finding,
        beside=tables.times,
    )
)

register_figure(
    FigureSpec(
        name="escape_hazard",
        section="escape",
        order=170,
        detail=True,
        title="Escape rate",
        caption=(
            "Escapes per step of those still there, with exact 95 % Poisson bands, on a logarithmic axis "
            "(bins without an escape are not shown). A growing perturbation gives a rate that rises from "
            "zero; jumps over a barrier give one that is constant from the start. The rate is called rising "
            "or falling if it differs at the 5 % level between the times before and after the median escape, "
            "and turning if a bin in between differs from both the first and the last."
        ),
        source=(
            "<code>analysis.h5 sections/escape/models/MODEL/hazard, later, course</code>: escapes over time "
            "at risk in each bin, and after over before the median escape with Fisher's interval (Epstein "
            "and Sobel 1953)."
        ),
        draw=figures.hazards,
        condition=text.escaped,
        finding=text.hazard_finding,
    )
)

register_figure(
    FigureSpec(
        name="escape_effects",
        section="escape",
        order=180,
        answers=True,
        title="What makes escape faster",
        caption=(
            "Time by which half of all that arrived have escaped (a quarter or a tenth where half never do; "
            "trajectories that diverge first never do), for models that differ in one setting and agree in "
            "all others. Stable noise of the same scale per step has larger sums over longer times; only "
            "tempered noise has the same covariance as Gaussian noise at all times, and so isolates the "
            "effect of the tails. <b>Theory predicts a small effect at saddles, where the escape time is "
            "logarithmic in the noise (Gaussian and stable alike), and a large one at barriers, which "
            "Gaussian noise crosses in a time exponential in the barrier height, and stable noise jumps in a "
            "time that is a power of the noise scale.</b>"
        ),
        source=(
            "<code>analysis.h5 sections/escape/effects</code>; times are quantiles of the cumulative "
            "incidence of escape (Aalen and Johansen), with divergence as a competing event. Hazard ratios "
            "(Cox) are for trajectories still there, with divergence as censoring. Where data sets vary, "
            "estimates are within each data set that all levels have in common, and intervals and p are "
            "Student's over data sets; otherwise intervals are by a bootstrap of 400 replicates over "
            "trajectories, and Wald's for hazards."
        ),
        draw=figures.effects,
        condition=lambda analysis: bool(analysis.sections["escape"].effects),
        finding=lambda analysis: effect_finding(
            analysis.sections["escape"].effects, analysis.sections["escape"].places
        ),
        beside=lambda analysis: effects_table(
            analysis.sections["escape"].effects,
            time_per_step(analysis),
            "steps",
            analysis.sections["escape"].places,
        ),
    )
)
