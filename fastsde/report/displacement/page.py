"""The part of the page on displacement."""

from __future__ import annotations

from fastsde.report.displacement import figures, text
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="displacement",
        section="displacement",
        order=126,
        title="Mean squared displacement",
        caption=(
            "Mean over trajectories of the squared distance from where each was at the start, and halfway "
            "through the run, with 95&nbsp;% bands; of models with stable noise, which has no variance, the "
            "median. The exponent is the slope over the last decade of lags: 1 for diffusion, 2 for straight "
            "motion, 0 where the law is stationary; its interval is a bootstrap of trajectories. The length "
            "of the path, where recorded, is a sum over integrator steps and depends on how long these are."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/displacement, parameters</code> or <code>modes</code>, trajectories "
            "that never diverge; <code>path_length</code>. <code>analysis.h5 sections/displacement</code>."
        ),
        draw=figures.over_lag,
        condition=lambda analysis: bool(figures.origins(analysis.sections["displacement"])),
        finding=text.finding,
        beside=text.summary,
    )
)
