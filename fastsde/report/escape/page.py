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
        caption=(
            "In a network a trajectory is at rank r from the moment at which the r-th of its modes is "
            "learned, in whatever order it learns them, to the next. Lines: Kaplan-Meier share of those "
            "still there, with 95 % bands; dotted: share that exploded first, which is a competing end. "
            "Times count from the arrival, on a landscape from the start."
        ),
        source=(
            "<code>analysis.h5 sections/escape/models</code>; S(t) = &Pi; (1 &minus; "
            "d<sub>i</sub>/n<sub>i</sub>), Greenwood's band; shares with explosions competing after Aalen "
            "and Johansen; hazard ratios by Cox's partial likelihood; bootstrap over trajectories."
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
        title="Escape rate",
        caption=(
            "Escapes per step of those still there, with exact 95 % Poisson bands, on a logarithmic axis "
            "(bins without an escape have none). Growth of a "
            "perturbation gives a rate that rises from nothing; jumps over a barrier one that is constant "
            "from the start. It is said to rise or to fall where the rate after the median escape differs "
            "from that before it at 5 %, and to turn where a bin in between stands out from the first and "
            "the last."
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
            "those that explode first never do), for models that differ in one setting and agree in all "
            "others. Stable noise of the same scale in a step has larger sums over longer times; only "
            "tempered noise has the same covariance as Gaussian noise at all times, and so tells of tails "
            "alone. <b>Theory expects little at saddles, where the escape time has the logarithm of the "
            "noise in it (Gaussian and stable alike), and much at barriers, which Gaussian noise climbs in a "
            "time that is exponential in the barrier, and stable noise jumps in a time that is a power of "
            "the noise.</b>"
        ),
        source=(
            "<code>analysis.h5 sections/escape/effects</code>; times are quantiles of the cumulative "
            "incidence of escape (Aalen and Johansen), explosions competing. Ratios of hazards (Cox) are of "
            "the hazard of escape of those still there: an explosion ends a stay there as the end of the run "
            "does. Where data sets vary, all is taken within each data set that every level has, and "
            "intervals and p are Student's over data sets; else intervals are by a bootstrap of 400 "
            "replicates over trajectories, those of hazards Wald's."
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
