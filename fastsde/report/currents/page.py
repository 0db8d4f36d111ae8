"""The part of the page on equilibrium."""

from __future__ import annotations

from fastsde.report.currents import figures, tables
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="currents",
        section="currents",
        order=250,
        title="Is the late-time law in equilibrium?",
        caption=(
            "Left: probability current between neighbouring snapshots at the end of the run (arrows, in "
            "units of the longest of all) over the density of midpoints (grey), of the two models with the "
            "largest entropy production, each in the plane in which it rotates fastest, chosen with one half "
            "of the trajectories. Right: entropy production rate "
            "with 95 % intervals, zero in detailed balance. A projection may hide a current but cannot "
            "create one. Noise of shuffled epochs is correlated over an epoch, which also appears as a "
            "current."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/mode_matrix</code> (or modes), the most closely spaced snapshots of "
            "the second half of the run; <code>analysis.h5 sections/currents</code>. Area &lt;x<sub>i</sub> "
            "dx<sub>j</sub> "
            "&minus; x<sub>j</sub> dx<sub>i</sub>&gt; / 2dt, x in units of <code>deviation</code>; "
            "A = &minus;log(C<sub>1</sub> C<sub>0</sub><sup>&minus;1</sup>)/h, "
            "e = tr(Q<sup>T</sup> D<sup>&minus;1</sup> Q S<sup>&minus;1</sup>), Q = D &minus; A S."
        ),
        draw=figures.fields,
        condition=lambda analysis: any(one.planes for one in analysis.sections["currents"].models.values()),
        finding=tables.currents_finding,
        beside=tables.currents_table,
    )
)

register_figure(
    FigureSpec(
        name="mixing",
        section="mixing",
        order=260,
        title=lambda words: f"Correlation times of the {words.modes}",
        caption=lambda words: (
            f"Correlation over trajectories between each {words.mode} at the end of the run and a time "
            "later, with 95 % bands. Points are the lags between snapshots; nothing is known of shorter "
            f"ones. Below the dashed line the {words.mode} counts as decorrelated. A law "
            f"can be stationary in a {words.mode} only if the run is many correlation times long."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes</code> in the second half of the run; <code>analysis.h5 "
            "sections/mixing</code>. Times: area under the correlation by trapezoids."
        ),
        draw=figures.correlations,
        condition=lambda analysis: any(not one.reason for one in analysis.sections["mixing"].models.values()),
        finding=tables.mixing_finding,
        beside=tables.mixing_table,
    )
)
