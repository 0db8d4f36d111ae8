"""The part of the page on feature learning."""

from __future__ import annotations

from fastsde.report.features import figures, late_law, rank_figures, tables, text
from fastsde.report.spec import FigureSpec, register_figure

_RATES = (
    "<code>ensemble.h5 /MODEL/mode_diffusion, mode_drift, modes</code>: variance per unit time that the "
    "model's own noise gives u<sub>a</sub><sup>T</sup> W v<sub>a</sub>, and its drift under "
    "gradient flow, exact from the state; <code>analysis.h5 sections/diffusion</code>."
)

register_figure(
    FigureSpec(
        name="peaks",
        section="diffusion",
        order=190,
        answers=True,
        title="Does diffusion peak before learning?",
        caption=(
            "Left: fraction of a mode that is learned when the diffusion along it is largest. Dots: median "
            "over trajectories with its 95 % interval; bars: half of the trajectories; dashed line: the "
            "fraction at which a mode counts as learned. Right: share of trajectories in which the peak "
            "comes before that. In a balanced and "
            "aligned network without label noise the peak lies at (2 &minus; 2/L) / (3 &minus; 2/L): 50 % "
            "with two layers, 60 % with four. A later and larger peak, from the noise of modes that are "
            "still being learned, counts as not before. Isotropic noise diffuses most where the "
            "mode is largest."
        ),
        source=_RATES + " Peaks are located by a parabola through the largest value and its neighbours.",
        draw=figures.peak_fractions,
        finding=text.diffusion_finding,
        beside=tables.diffusion_table,
    )
)

register_figure(
    FigureSpec(
        name="diffusion",
        section="diffusion",
        order=200,
        detail=True,
        title="Diffusion in each trajectory's own time",
        caption=(
            "Diffusion along each mode, in units of its largest value in the trajectory, against time in "
            "units of the time at which this trajectory has learned half of the mode: medians over "
            "trajectories. Grey: the share of the mode that the first model has learned."
        ),
        source=_RATES,
        draw=figures.aligned_diffusion,
        condition=lambda analysis: any(
            one.aligned is not None for one in analysis.sections["diffusion"].models.values()
        ),
    )
)

register_figure(
    FigureSpec(
        name="rates",
        section="diffusion",
        order=210,
        detail=True,
        title="Rates of the modes over time",
        caption=(
            "Diffusion along each mode in every model, and its drift under the full gradient where "
            "<code>mode_drift</code> was recorded: medians and 90 % of the trajectories."
        ),
        source=_RATES,
        draw=figures.rates_over_time,
    )
)

register_figure(
    FigureSpec(
        name="rank",
        section="rank",
        order=220,
        title="Does SGD favour low rank?",
        caption=(
            "Above: mean effective and stable rank of W. Below: rank of the reference minus rank of each "
            "model, with 95 % bands, negative where the reference has the lower rank: at the same time, and "
            "at the same loss. <b>At the same time a slower model has a lower rank merely because it is "
            "slower; at the same loss the comparison is of the order in which modes are learned.</b>"
        ),
        source=(
            "<code>ensemble.h5 /MODEL/effective_rank, stable_rank, singular_values, loss</code>: "
            "exponential of the entropy of the normalised singular values; |W|<sub>F</sub>&sup2; / "
            "|W|<sub>2</sub>&sup2;. Only trajectories that never diverge; <code>analysis.h5 "
            "sections/rank</code>."
        ),
        draw=rank_figures.ranks,
        finding=text.rank_finding,
        beside=tables.rank_table,
    )
)

register_figure(
    FigureSpec(
        name="alignment",
        section="alignment",
        order=230,
        title="Alignment and balance",
        caption=(
            "Medians over trajectories, with bands of 90 %, of the mean over modes or pairs of adjacent "
            "layers. Theory that treats modes as one-dimensional processes assumes alignment 1 and imbalance "
            "0. Where singular values of a layer are nearly equal its top direction is arbitrary."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/mode_alignment, layer_alignment, balance</code>: "
            "u<sub>a</sub><sup>T</sup> W v<sub>a</sub> / (|W v<sub>a</sub>| |W<sup>T</sup> "
            "u<sub>a</sub>|)<sup>1/2</sup>; cosine of the top left singular vector of W<sub>l</sub> and the "
            "top right one of W<sub>l+1</sub>; |W<sub>l+1</sub><sup>T</sup> W<sub>l+1</sub> &minus; "
            "W<sub>l</sub> W<sub>l</sub><sup>T</sup>|<sub>F</sub>."
        ),
        draw=rank_figures.alignment,
        finding=text.alignment_finding,
    )
)

register_figure(
    FigureSpec(
        name="late_law",
        section="late_law",
        order=240,
        title="The late-time law",
        caption=(
            "Left: effective temperature of each mode, from its variance at the last snapshot. A Boltzmann "
            "law has one temperature for all modes. Right: mean of each mode minus the fixed point of "
            "gradient flow. Gradient noise vanishes at a minimum without label noise, and the law collapses "
            "onto it."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes</code> at the last snapshot, trajectories that never diverge; "
            "<code>analysis.h5 sections/late_law</code>. Intervals of variances allow for the sample's "
            "kurtosis."
        ),
        draw=figures.late_laws,
        finding=late_law.late_finding,
        beside=late_law.late_table,
    )
)
