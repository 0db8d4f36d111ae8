"""The part of the page on densities."""

from __future__ import annotations

from fastsde.report.density import figures, text
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="density",
        section="density",
        order=255,
        title="Trajectories and the Fokker-Planck equation",
        caption=(
            "The density of each model from its Fokker-Planck equation, solved on a grid from the law of the "
            "start, over the trajectories at the same time: curves over histograms in one dimension, "
            "contours over points in two. It is the law of the equation in continuous time; trajectories "
            "take steps of finite length and are finitely many."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/parameters</code> (or modes); <code>analysis.h5 "
            "sections/density</code>. Finite volumes with exponentially fitted fluxes, fractional centred "
            "differences for stable noise, the L1 scheme in fractional time (docs/density.md). Distances are "
            "taken at the edges of the cells. Null quantiles are those of independent draws from the "
            "density: the first is exceeded at any snapshot or coordinate by 5&nbsp;% of models. The error "
            "is a total variation distance, from a grid with half as many cells."
        ),
        draw=figures.densities,
        finding=text.finding,
        beside=text.densities_table,
    )
)
