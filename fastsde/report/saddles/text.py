"""What the page says of saddles: visits and curvature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import Analysis, confidence
from fastsde.analysis.protocols import Floats
from fastsde.report.saddles import figures
from fastsde.report.saddles.tables import ends
from fastsde.report.saddles.words import beyond, range_over, saddle_title, saddle_type, span

if TYPE_CHECKING:
    from fastsde.analysis.saddles.found import Saddles


def visited(analysis: Analysis) -> bool:
    """Whether any saddle is visited."""
    return bool(figures.drawn_saddles(analysis.sections["saddles"]))


def curved(analysis: Analysis) -> bool:
    """Whether the curvature of a visited saddle is known."""
    return figures.has_curvature(analysis.sections["saddles"])


def noisy(analysis: Analysis) -> bool:
    """Whether the noise at a visited saddle is known."""
    known = [figures.spread(one)[:, 1] for one in analysis.sections["saddles"].noise.values()]
    return bool(known) and visited(analysis) and bool(np.isfinite(known).any())


def visits_finding(analysis: Analysis) -> str:
    """Say how many trajectories visit the saddle after the origin that is visited most."""
    found = analysis.sections["saddles"]
    saddle = beyond(found)
    share = {name: 100 * ends(one, "share")[saddle] for name, one in found.models.items()}
    return (
        f"Trajectories seen at {saddle_title(found, saddle)}: {range_over(analysis, share, '{:.0f}', ' %')}."
    )


def curvature_finding(analysis: Analysis) -> str:
    """Say which saddles are strict, and at how many visits there is a direction of negative curvature."""
    found = analysis.sections["saddles"]
    shown = figures.drawn_saddles(found)
    own = [f"{saddle_title(found, k)}: {words}" for k in shown if (words := saddle_type(found, k))]
    said = [f"The saddles themselves: {'; '.join(own)}."] if own else []
    return " ".join([*said, *_at_visits(found, shown)])


def _at_visits(found: Saddles, shown: list[int]) -> list[str]:
    """Say at how many visiting states an eigenvalue is negative, and where that is not the saddle's doing."""
    negative = np.sum([one.negative for one in found.models.values()], axis=0)
    looked = negative + np.sum([one.not_negative for one in found.models.values()], axis=0)
    share = confidence.share(negative, looked)
    parts = [
        f"{saddle_title(found, k)} in {span(100 * _interval(share, k), '{:.0f}', ' %')} of visits"
        for k in shown
        if looked[k] > 0
    ]
    if not parts:
        return []
    text = f"Visiting states have a significantly negative eigenvalue: {', '.join(parts)}."
    if any(found.types.strict[k] == 0 and negative[k] > 0 for k in shown):
        text += " Where the saddle itself is flat, this is due to their distance from it."
    return [text]


def _interval(share: confidence.Interval, saddle: int) -> Floats:
    return np.array([share.low[saddle], share.value[saddle], share.high[saddle]])
