"""What the page says of densities."""

from __future__ import annotations

from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.density.section import Densities, ModelDensity
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.summary import ordered
from fastsde.report.writing import NOTHING, number, percent, table

__all__ = ["densities_table", "finding"]


def finding(analysis: Analysis) -> str:
    """Say which ensembles are indistinguishable from their density."""
    found: Densities = analysis.sections["density"]
    solved = [
        name for name in ordered(analysis) if name in found.models and found.models[name].density is not None
    ]
    far = [name for name in solved if _ratio(found.models[name]) > 1]
    near = [escape(name) for name in solved if name not in far]
    said = []
    if near:
        said.append(f"{enumerated(near)}: indistinguishable from the density at every snapshot shown.")
    for name in far:
        one = found.models[name]
        said.append(
            f"{escape(name)}: up to {number(_ratio(one))} times the null quantile away from the density: "
            f"the shares of trajectories and of density below some value differ by "
            f"{percent(float(one.distance.max()))}."
        )
    return " ".join(said)


def _ratio(one: ModelDensity) -> float:
    """Return the largest distance of any coordinate and snapshot over null quantile and error together."""
    assert one.density is not None
    return float(np.max(one.distance / (one.distance_null + one.density.error)[:, None]))


def densities_table(analysis: Analysis) -> str:
    """Tabulate distances of ensembles from densities, or the reason why there is none."""
    found: Densities = analysis.sections["density"]
    head = (
        "model",
        "step",
        "trajectories",
        "Kolmogorov-Smirnov distance (null quantile)",
        "total variation of the histogram (95 % null quantile)",
        "error of the density",
        "mass at the edges",
    )
    rows = [
        row for name in ordered(analysis) if name in found.models for row in _rows(name, found.models[name])
    ]
    return table(head, rows)


def _rows(name: str, one: ModelDensity) -> list[list[str]]:
    if one.density is None:
        return [[escape(name), escape(one.reason), *[NOTHING] * 5]]
    rows = []
    for k, step in enumerate(one.step):
        distances = ", ".join(number(float(value)) for value in one.distance[k])
        rows.append(
            [
                escape(name),
                f"{step:,.0f}",
                f"{one.counted[k]:,.0f}",
                f"{distances} ({number(float(one.distance_null[k]))})",
                f"{number(float(one.variation[k]))} ({number(float(one.variation_null[k]))})",
                number(float(one.density.error[k])),
                f"{one.density.edge[k]:.1e}",
            ]
        )
    return rows
