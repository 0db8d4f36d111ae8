"""Figures of an analysis drawn into axes of the user's own: ``fastsde.plot.distances(analysis, ax=ax)``.

Every function draws one panel, with the colours and lines of the report, and returns the axes; without `ax`
it makes new ones. `figure` returns any whole figure of the report.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.analysis.arrays.shown import axes_of
from fastsde.analysis.distances.registry import declared
from fastsde.analysis.summary import ordered
from fastsde.report import panels, style
from fastsde.report.course.figures import survival_panel
from fastsde.report.effect.figures import effect_panel
from fastsde.report.spec import FIGURES
from fastsde.system.errors import RequestError

__all__ = ["distances", "effect", "figure", "learning_times", "loss", "modes"]


def _panel(draw: Callable[..., None]) -> Callable[..., Axes]:
    """Let a function that draws into a panel make the panel where none is given, and a legend."""

    @wraps(draw)
    def drawn(analysis: Analysis, *args: Any, ax: Axes | None = None, **options: Any) -> Axes:
        import matplotlib as mpl

        with mpl.rc_context(style.RC if ax is None else {}):
            panel = axes_of(ax)
            draw(panel, analysis, *args, **options)
            style.thin_marks([panel])
            if panel.get_legend_handles_labels()[0]:
                panel.legend(fontsize="small")
        return panel

    return drawn


@_panel
def effect(panel: Axes, analysis: Analysis) -> None:
    """Draw the effect of every model at each snapshot with its interval, over what sampling alone gives.

    Parameters
    ----------
    analysis : Analysis
    ax : matplotlib.axes.Axes, optional

    Examples
    --------
    >>> import fastsde
    >>> with fastsde.open("runs/saddle") as ensemble:  # doctest: +SKIP
    ...     fastsde.plot.effect(fastsde.analyze(ensemble))
    """
    analysis.models[analysis.reference]  # without a reference, says what the analysis lacks
    effect_panel(panel, analysis)
    panels.start_at_action([panel], analysis)
    panel.set_ylabel("effect")


@_panel
def distances(
    panel: Axes, analysis: Analysis, kind: str = "sliced_wasserstein", *, over_null: bool = False
) -> None:
    """Draw a distance of every model from the reference over time.

    Parameters
    ----------
    analysis : Analysis
    kind : str
        Name of a distance that is measured at every snapshot.
    over_null : bool
        Divide it by its 95 % null quantile: above 1 it is outside the band of equal laws.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    RequestError
        If that distance was not measured at every snapshot.
    """
    known = analysis.models[analysis.reference].distances
    if kind not in known:
        raise RequestError(f"no distance {kind!r} at every snapshot, expected one of {', '.join(known)}")
    lines = style.model_lines(list(analysis.models), analysis.reference)
    draw = panels.ratio_panel if over_null else panels.distance_panel
    draw(panel, analysis, kind, lines)
    label = declared(kind).label
    panel.set_ylabel(f"{label} / null quantile" if over_null else f"{label}, {declared(kind).units}")


@_panel
def loss(panel: Axes, analysis: Analysis) -> None:
    """Draw the median loss of every model over time.

    Parameters
    ----------
    analysis : Analysis
    ax : matplotlib.axes.Axes, optional
    """
    if "loss" not in analysis.quantities:
        raise RequestError("the analysis has no loss. Fix: record it")
    column = analysis.quantities.index("loss")
    lines = style.model_lines(list(analysis.models), analysis.reference)
    shown = style.time_axis(panel, analysis.step)
    for name in ordered(analysis):
        median = analysis.models[name].moments.median[:, column]
        panel.plot(analysis.step[shown], median[shown], label=name, **lines[name]._asdict())
    if analysis.objective.positive:
        style.log_scale(panel)
    panel.set_ylabel(f"median {analysis.objective.vocabulary.loss}")


@_panel
def modes(panel: Axes, analysis: Analysis, model: str | None = None) -> None:
    """Draw the modes of a model over time: medians, and the band of 90 % of trajectories.

    Parameters
    ----------
    analysis : Analysis
    model : str, optional
        The reference by default.
    ax : matplotlib.axes.Axes, optional
    """
    name = model or analysis.reference or next(iter(analysis.models))
    words = analysis.objective.vocabulary
    for mode in panels.shown_modes(analysis):
        quantiles = analysis.models[name].moments.quantiles[:, :, mode] / analysis.mode_strength[mode]
        label = f"{words.mode} {mode + 1}"
        panels.bands(panel, analysis, quantiles, style.mode_line(mode), label, inner=False)
    panel.set_ylabel(words.mode_axis)
    panel.set_title(name)


@_panel
def learning_times(panel: Axes, analysis: Analysis, mode: int = 1) -> None:
    """Draw the share of trajectories that have not learned a mode yet, in every model.

    Parameters
    ----------
    analysis : Analysis
    mode : int
        Number of the mode, from 1.
    ax : matplotlib.axes.Axes, optional
    """
    if all(one.learning is None for one in analysis.models.values()):
        raise RequestError("the analysis has no learning times. Fix: set events.mode_learned")
    survival_panel(panel, analysis, mode - 1)
    panel.set_ylabel(analysis.objective.vocabulary.not_passed)


def figure(analysis: Analysis, name: str) -> Figure:
    """Return a whole figure of the report.

    Parameters
    ----------
    analysis : Analysis
    name : str
        As in the file names of the report's ``figures/``.

    Raises
    ------
    RequestError
        If there is no such figure, or the analysis has not what it shows.
    """
    import matplotlib as mpl

    known = [key for key, one in FIGURES.items() if one.draw is not None and one.applies(analysis)]
    if name not in known:
        raise RequestError(f"no figure {name!r} of this analysis, expected one of {', '.join(known)}")
    draw = FIGURES[name].draw
    assert draw is not None
    with mpl.rc_context(style.RC):
        return draw(analysis)
