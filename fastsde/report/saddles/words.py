"""Words about saddles: their names, a number with its interval, and its range over models."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.protocols import Floats
from fastsde.analysis.summary import ordered
from fastsde.report.writing import number

if TYPE_CHECKING:
    from fastsde.analysis.saddles.found import Saddles

__all__ = ["beyond", "range_over", "saddle_title", "saddle_type", "span"]


def saddle_title(found: Saddles, saddle: int) -> str:
    """Name a saddle in a sentence."""
    kept = found.kept[saddle]
    if kept == "none":
        return "the origin"
    return f"the saddle with mode{'s' if '+' in kept else ''} {kept}"


def saddle_type(found: Saddles, saddle: int) -> str:
    """Say whether a saddle itself is strict or flat, by which numbers; empty where that is not known."""
    types = found.types
    if not np.isfinite(types.lowest[saddle]):
        return ""
    strict = types.strict[saddle] > 0
    word = f"strict, smallest eigenvalue {number(types.lowest[saddle])}" if strict else "flat"
    if not np.isfinite(types.negative[saddle]):
        return word
    return f"{word}, {types.negative[saddle]:.0f} of {types.parameters:,} eigenvalues negative"


def beyond(found: Saddles) -> int:
    """Return the saddle after the origin that is visited most by all models together, or the origin."""
    total = np.sum([one.visits for one in found.models.values()], axis=0) * (found.rank > 0)
    return int(np.argmax(total)) if total.any() else 0


def range_over(analysis: Analysis, values: dict[str, Floats], pattern: str, unit: str = "") -> str:
    """Say a number of the reference, or of the first model, and the range over the others.

    Parameters
    ----------
    analysis : Analysis
    values : dict of str to ndarray, shape (3,)
        Low end, value and high end, by model.
    pattern : str
        To format a number.
    unit : str
        Behind it.
    """
    known = {name: value for name, value in values.items() if np.isfinite(value[1])}
    if not known:
        return "unknown"
    first = next(name for name in ordered(analysis) if name in known)
    text = f"{span(known.pop(first), pattern, unit)} in {escape(first)}"
    if not known:
        return text
    low, high = (pick(known, key=lambda name: known[name][1]) for pick in (min, max))
    ends = [f"{span(known[name], pattern, unit)} in {escape(name)}" for name in dict.fromkeys((low, high))]
    return f"{text}, {ends[0]}" if len(ends) == 1 else f"{text}; other models from {' to '.join(ends)}"


def span(ends: Floats, pattern: str, unit: str = "") -> str:
    """Write a number and its interval, where it has one."""
    low, value, high = (pattern.format(one) for one in ends)
    return f"{value}{unit} ({low} to {high})" if np.isfinite(ends).all() else f"{value}{unit}"
