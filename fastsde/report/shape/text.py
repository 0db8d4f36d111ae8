"""What the page says of the shape of the laws: figure, finding, and a table with standard errors."""

from __future__ import annotations

import math
from html import escape
from itertools import combinations

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.shape.model_shape import ModelShape
from fastsde.analysis.shape.section import ShapeSection
from fastsde.analysis.summary import ordered
from fastsde.report.shape import figures as shape_figures
from fastsde.report.spec import FigureSpec
from fastsde.report.writing import number, table, with_error

COLUMNS = {
    "median": "median",
    "mean": "mean",
    "sd": "standard deviation",
    "skewness": "skewness",
    "kurtosis": "excess kurtosis",
    "l_skewness": "L-skewness",
    "l_kurtosis": "L-kurtosis",
    "quantile_skewness": "quantile skewness",
    "moors_kurtosis": "Moors' kurtosis (1.233)",
}
"""Statistics of the table, and their heads."""


def finding(analysis: Analysis) -> str:
    """Say when trajectories differ most, and for which models moments do not exist."""
    found: ShapeSection = analysis.sections["shape"]
    quantity = shape_figures.shown_quantities(analysis)[0]
    column = found.quantities.index(quantity)
    peaks = [_peak(analysis, found.models[name], name, column) for name in ordered(analysis)]
    told = [peak for peak in peaks if peak]
    sentences = []
    if told:
        sentences.append(f"Trajectories differ most in {quantity} at {'; '.join(told)}.")
    without = [escape(name) for name in ordered(analysis) if _without_variance(found.models[name], column)]
    if without:
        sentences.append(
            f"No variance is given for {', '.join(without)}: the law of the model, or its sample at every "
            "snapshot, does not have one."
        )
    return " ".join(sentences)


def _peak(analysis: Analysis, one: ModelShape, name: str, column: int) -> str:
    sd, skewness = one.statistics["sd"], one.statistics["l_skewness"]
    if not np.isfinite(sd.value[:, column]).any():
        return ""
    at = int(np.nanargmax(sd.value[:, column]))
    size, lean = (with_error(found.value[at, column], found.error[at, column]) for found in (sd, skewness))
    return f"step {analysis.step[at]:,.0f} in {escape(name)} (sd {size}, L-skewness {lean})"


def _without_variance(one: ModelShape, column: int) -> bool:
    known = one.count >= 2
    return bool(known.any()) and not np.isfinite(one.statistics["sd"].value[known, column]).any()


def at_the_end(analysis: Analysis) -> str:
    """Table of the shape at the last snapshot, each number with its bootstrap standard error."""
    found: ShapeSection = analysis.sections["shape"]
    parts = []
    projections = [name for name in found.quantities if " along " in name]
    first = [name for name in projections if name.endswith(" along 1")]
    for quantity in (*shape_figures.shown_quantities(analysis), *first):
        column = found.quantities.index(quantity)
        rows = [
            [escape(name), *(_cell(found.models[name], each, column) for each in COLUMNS)]
            for name in ordered(analysis)
        ]
        parts.append(
            f"<p><b>{quantity}</b> at the last snapshot:</p>{table(('model', *COLUMNS.values()), rows)}"
        )
    kept = f"; all {len(projections)} random projections are in the file" if projections else ""
    return (
        f"<p>Standard errors by {found.replicates:,} bootstrap samples over at most {found.resampled:,} "
        f"trajectories{kept}. <i>No</i>: the law of the model does not have the moment, or the tail of "
        "the sample denies it. An error is left out where the moment of twice the order is missing.</p>"
        f"{''.join(parts)}{_correlations(analysis)}"
    )


def _correlations(analysis: Analysis) -> str:
    """Table of correlations between the modes at the last snapshot, with their standard errors."""
    modes = [number for number, name in enumerate(analysis.quantities) if name.startswith("mode ")][:4]
    pairs = list(combinations(modes, 2))
    rows = []
    for name in ordered(analysis):
        found = analysis.models[name].moments
        sd = np.sqrt(np.diag(found.covariance[-1]))
        with np.errstate(invalid="ignore", divide="ignore"):
            value = found.covariance[-1] / np.outer(sd, sd)
        error = found.correlation_error[-1]
        rows.append([escape(name), *(with_error(value[pair], error[pair]) for pair in pairs)])
    if not pairs:
        return ""
    head = ("model", *(f"modes {a + 1}, {b + 1}" for a, b in pairs))
    return f"<p><b>Correlations</b> at the last snapshot:</p>{table(head, rows)}"


def _cell(one: ModelShape, statistic: str, column: int) -> str:
    value, error = (
        part[-1, column] for part in (one.statistics[statistic].value, one.statistics[statistic].error)
    )
    if math.isfinite(value):
        return with_error(value, error)
    below = one.exists_below[-1, column]
    if math.isfinite(below) and statistic in ("mean", "sd", "skewness", "kurtosis"):
        return f'<span class="none">no: moments below {below:.2g}</span>'
    return number(None)


SPECS = (
    FigureSpec(
        name="shape",
        title="Shape of the laws",
        caption=(
            "How widely trajectories differ, and how: interquartile range, L-skewness (&minus;1 to 1, 0 if "
            "symmetric) and L-kurtosis (&minus;1/4 to 1, dotted: Gaussian) with 95 % bootstrap bands. "
            "L-moments exist where the mean does, and a single far trajectory moves them little. Values "
            "near &plusmn;1 of L-skewness mean that few trajectories have left (+) or stayed behind "
            "(&minus;)."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>, finite trajectories; <code>analysis.h5 "
            "sections/shape/models/MODEL/statistics</code>: L-moments of Hosking (1990), unbiased."
        ),
        draw=shape_figures.over_time,
        applies=lambda analysis: (
            "shape" in analysis.sections and bool(shape_figures.shown_quantities(analysis))
        ),
        finding=finding,
        beside=at_the_end,
    ),
)
"""The figure of shapes."""
