"""Figures of the law of the iterates: tail indices by all estimators, and quantiles against Gaussian ones."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from scipy.special import ndtri

from fastsde.analysis import Analysis
from fastsde.analysis.iterates.section import LEVELS, IterateLaw, Iterates
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered
from fastsde.analysis.tails.registry import declared
from fastsde.report import style
from fastsde.report.tails.figures import estimates, first_column

__all__ = [
    "VECTORS",
    "column_title",
    "laws",
    "quantity_title",
    "shown_quantity",
    "side_by_side",
    "straightness",
]

VECTORS = "group log-moment, vectors *"
SHOWN = 4
"""Most panels of columns."""


def laws(analysis: Analysis, quantity: str) -> dict[str, IterateLaw]:
    """Return the laws of one quantity, in the order of the page."""
    found: Iterates = analysis.sections["iterates"]
    return {name: found.models[name][quantity] for name in ordered(analysis) if name in found.models}


def quantities(analysis: Analysis) -> list[str]:
    """Return what was recorded."""
    found: Iterates = analysis.sections["iterates"]
    return list(next(iter(found.models.values())))


def shown_quantity(analysis: Analysis) -> str:
    """Return the quantity whose columns are drawn one by one."""
    return quantities(analysis)[0]


def column_title(analysis: Analysis, column: str) -> str:
    """Return the name of a column in the words of the study's objective."""
    return column.replace("mode", analysis.objective.vocabulary.mode, 1)


def quantity_title(analysis: Analysis, quantity: str) -> str:
    """Return what the estimators are compared on, as a title."""
    first = next(iter(laws(analysis, quantity).values())).columns[0]
    return column_title(analysis, first)


def side_by_side(analysis: Analysis) -> Figure:
    """All estimators of the tail of the first column of every quantity, and that from whole vectors."""
    shown = {
        quantity_title(analysis, quantity): {
            name: _rows(law) for name, law in laws(analysis, quantity).items()
        }
        for quantity in quantities(analysis)
    }
    first = next(iter(laws(analysis, shown_quantity(analysis)).values()))
    labels = [declared(name).marked_label for name in first.tails.estimates]
    return estimates(analysis, shown, [*labels, VECTORS])


def _rows(law: IterateLaw) -> Floats:
    index = law.vector.index
    vectors = np.array([[index.value], [index.low], [index.high]], dtype=np.float64)
    return np.hstack([first_column(law.tails.estimates), vectors])


def straightness(analysis: Analysis) -> Figure:
    """Quantiles of the first columns in standard deviations, against those of a Gaussian."""
    found = laws(analysis, shown_quantity(analysis))
    lines = style.model_lines(list(analysis.models), analysis.reference)
    columns = next(iter(found.values())).columns[:SHOWN]
    figure, axes = style.grid(len(columns), 2, 2.6, sharex=True, sharey=True)
    gaussian = ndtri(LEVELS)
    for number, (panel, column) in enumerate(zip(axes, columns, strict=True)):
        panel.plot(
            gaussian, gaussian, color=style.MUTED, linewidth=1.0, linestyle=(0, (1, 2)), label="Gaussian"
        )
        for name, law in found.items():
            panel.plot(gaussian, law.quantiles[number], label=name, **lines[name]._asdict())
        panel.set_title(column_title(analysis, column))
        panel.set_xlabel("standard normal quantile")
    panels_left = axes[::2]
    for panel in panels_left:
        panel.set_ylabel("quantile, in sd")
    style.legend_below(figure, axes)
    return figure
