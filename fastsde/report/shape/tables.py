"""Tables of the shape of the laws at the end, with standard errors."""

from __future__ import annotations

import math
from html import escape
from itertools import combinations

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.shape.model_shape import ModelShape
from fastsde.analysis.shape.section import ShapeSection
from fastsde.analysis.summary import ordered
from fastsde.report.shape import figures
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


def at_the_end(analysis: Analysis) -> str:
    """Table of the shape at the last snapshot, each number with its bootstrap standard error."""
    found: ShapeSection = analysis.sections["shape"]
    parts, words = [], analysis.objective.vocabulary
    projections = [name for name in found.quantities if " along " in name]
    first = [name for name in projections if name.endswith(" along 1")]
    for quantity in (*figures.shown_quantities(analysis), *first):
        column = found.quantities.index(quantity)
        rows = [
            [escape(name), *(_cell(found.models[name], each, column) for each in COLUMNS)]
            for name in ordered(analysis)
        ]
        shown = table(("model", *COLUMNS.values()), rows)
        parts.append(f"<p><b>{words.named(quantity)}</b> at the last snapshot:</p>{shown}")
    kept = f"; all {len(projections)} random projections are in the file" if projections else ""
    return (
        f"<p>Standard errors by {found.replicates:,} bootstrap samples of at most {found.resampled:,} "
        f"trajectories{kept}. <i>No</i>: the law of the model does not have the moment, or the tail of the "
        "sample is too heavy for it. An error is omitted where the moment of twice the order does not "
        "exist.</p>"
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
    words = analysis.objective.vocabulary.modes
    head = ("model", *(f"{words} {a + 1}, {b + 1}" for a, b in pairs))
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
