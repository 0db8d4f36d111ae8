"""What the page says of the shape of the laws."""

from __future__ import annotations

from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.shape.model_shape import ModelShape
from fastsde.analysis.shape.section import ShapeSection
from fastsde.analysis.summary import ordered
from fastsde.report.shape import figures
from fastsde.report.writing import with_error


def finding(analysis: Analysis) -> str:
    """Say when trajectories differ most, and for which models moments do not exist."""
    found: ShapeSection = analysis.sections["shape"]
    quantity = figures.shown_quantities(analysis)[0]
    column = found.quantities.index(quantity)
    peaks = [_peak(analysis, found.models[name], name, column) for name in ordered(analysis)]
    told = [peak for peak in peaks if peak]
    sentences = []
    if told:
        shown = analysis.objective.vocabulary.named(quantity)
        sentences.append(f"Trajectories differ most in {shown} at {'; '.join(told)}.")
    without = [escape(name) for name in ordered(analysis) if _without_variance(found.models[name], column)]
    if without:
        sentences.append(
            f"No variance is given for {', '.join(without)}: the law of the model, or the tail of its "
            "sample at every snapshot, has none."
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
