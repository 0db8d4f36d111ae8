"""The part of the page on the shape of the laws."""

from __future__ import annotations

from fastsde.report.shape import figures, tables, text
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="shape",
        section="shape",
        order=90,
        title="Shape of the laws",
        caption=(
            "Spread and shape of the distribution over trajectories: interquartile range, L-skewness "
            "(&minus;1 to 1, 0 if "
            "symmetric) and L-kurtosis (&minus;1/4 to 1, dotted: Gaussian) with 95 % bootstrap bands. "
            "L-moments exist where the mean does, and are robust against a single outlier. An L-skewness "
            "near &plusmn;1 means that few trajectories have moved ahead (+) or stayed behind (&minus;)."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>, finite trajectories; <code>analysis.h5 "
            "sections/shape/models/MODEL/statistics</code>: L-moments of Hosking (1990), unbiased."
        ),
        draw=figures.over_time,
        condition=lambda analysis: bool(figures.shown_quantities(analysis)),
        finding=text.finding,
        beside=tables.at_the_end,
    )
)
