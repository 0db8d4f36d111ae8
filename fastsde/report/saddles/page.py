"""The part of the page on saddles."""

from __future__ import annotations

from fastsde.report.saddles import figures, tables, text
from fastsde.report.saddles.noise import noise_finding, noise_table
from fastsde.report.spec import FigureSpec, register_figure

register_figure(
    FigureSpec(
        name="saddle_visits",
        section="saddles",
        order=130,
        title="Saddles on the way",
        caption=(
            "Saddles are distinguished by the modes that are above half their strength. Noise keeps "
            "trajectories away from a saddle, and short stays fall between snapshots: a model that is seen "
            "there less often need not have taken another path. The time seen is a lower bound of the stay."
        ),
        source=(
            "<code>analysis.h5 sections/saddles/models</code>, from loss, gradient norm, and modes or W; "
            "shares with Wilson's intervals. Distance: |W &minus; W<sub>K</sub>| over |W<sub>K</sub>|, "
            "W<sub>K</sub> = U<sub>K</sub> U<sub>K</sub><sup>T</sup> W* that of the saddle (Baldi and Hornik "
            "1989), at the origin over the size of the first mode."
        ),
        draw=figures.visits,
        condition=text.visited,
        finding=text.visits_finding,
        beside=tables.visits,
    )
)

register_figure(
    FigureSpec(
        name="saddle_curvature",
        section="saddles",
        order=140,
        detail=True,
        title="Curvature at the saddles",
        caption=(
            "Smallest and largest eigenvalue of the Hessian. Lines: of the saddle itself, which is strict if "
            "the smallest is negative, else flat. Points: at the closest approach of each visit, median and "
            "range of 90 % of visits. That state is at some distance from the saddle, and may have a "
            "negative eigenvalue where the saddle has none. Minima are not identified by their eigenvalues."
        ),
        source=(
            "<code>analysis.h5 sections/saddles/types</code>: Hessian at balanced layers with the saddle's W "
            "and rank; strict if the smallest eigenvalue is below minus its error bound. "
            "<code>sections/saddles/models/MODEL/lowest, highest</code>: Lanczos on exact Hessian products "
            "at the visiting states, error bound in <code>error</code>. Unit: largest eigenvalue at the "
            "balanced minimum; a significantly negative eigenvalue is below minus a hundredth of it by more "
            "than the bound."
        ),
        draw=figures.curvature,
        condition=text.curved,
        finding=text.curvature_finding,
    )
)

register_figure(
    FigureSpec(
        name="saddle_noise",
        section="saddles",
        order=150,
        detail=True,
        title="Noise at the saddles",
        caption=(
            "Left: the participation ratio (sum of eigenvalues)&sup2; / sum of squares of the covariance "
            "of the model's noise at visited states, median and range of 90 %; it equals the number of "
            "parameters if the noise is the same in all directions. Right: variance along the direction in "
            "which the strongest mode not yet learned grows, over the mean variance. Gradient noise vanishes "
            "in directions in which the layers vanish: it amplifies an escape that has begun, but cannot "
            "start one."
        ),
        source=(
            "<code>analysis.h5 sections/saddles/noise</code>; exact covariance of one sample's gradient at "
            "the recorded states, or the sign covariance of single steps (<code>update_noise</code>) in "
            "the modes of the optimum, with intervals over trajectories; medians over states with intervals "
            "from order statistics."
        ),
        draw=figures.noise,
        condition=text.noisy,
        finding=noise_finding,
        beside=noise_table,
    )
)
