"""The part of the page on the variance explained by the initial state."""

from __future__ import annotations

from fastsde.report.branching import figures
from fastsde.report.branching.text import finding
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="branching",
        section="branching",
        order=270,
        answers=True,
        title="Variance explained by the initial state",
        caption=(
            "Trajectories branch from states of another run. Share of their variance that is between "
            "branches of one state, with 95 % bands: 0 means that the initial state explains all of it, 1 "
            "that the initial state no longer matters."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>, trajectory k being a branch of state "
            "&lfloor;k / branches&rfloor;. One-way analysis of variance with random effects (Searle, Casella "
            "and McCulloch 1992); bootstrap over states."
        ),
        draw=figures.share_within_states,
        finding=finding,
    )
)
