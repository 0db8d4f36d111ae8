"""Which of several models is nearest to another at which steps, from comparisons head to head."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from fastsde.analysis.distances.effect import nearest_first
from fastsde.analysis.distances.head_to_head import HeadToHead
from fastsde.analysis.distances.jackknife import jackknife_reach
from fastsde.analysis.protocols import Floats
from fastsde.analysis.ranking import UNDETERMINED


def nearest(comparisons: Sequence[HeadToHead], at: int) -> list[HeadToHead]:
    """Return the comparisons with the model that was named first, the nearest to it first at a snapshot."""
    mine = {one.second: one for one in comparisons if one.first == comparisons[0].first}
    return [
        mine[name]
        for name in nearest_first({name: float(one.effect.value[at]) for name, one in mine.items()})
    ]


def nearest_when(comparisons: Sequence[HeadToHead]) -> str:
    """Say which of several models is nearest to the first at which steps, and the verdict on all together."""
    first, step = comparisons[0].first, comparisons[0].step
    mine = [one for one in comparisons if one.first == first]
    tests = [(one.second, one.pair.significance) for one in mine]
    together = [
        f"{name} {test.verdict}" + (f" (p = {test.p_value:.2g})" if not test.reason else "")
        for name, test in tests
        if test
    ]
    steps = "all these steps together" if len(step) > 1 else "this step"
    order = _order(comparisons) if len(mine) > 1 else ""
    return f"{order}By all distances at {steps}: {', '.join(together)}."


def _order(comparisons: Sequence[HeadToHead]) -> str:
    """Name the nearest model at each step, or those that share the first place; nothing if none is known."""
    first, step = comparisons[0].first, comparisons[0].step
    names = [" ~ ".join(_first_place(comparisons, at)) or UNDETERMINED for at in range(len(step))]
    if set(names) == {UNDETERMINED}:
        return ""
    runs = [
        (name, [at for at, _ in group])
        for name, group in itertools.groupby(enumerate(names), lambda numbered: numbered[1])
    ]
    parts = [f"{name} at {_steps(step[places])}" for name, places in runs]
    note = " (~: in an order that is not significant)" if any("~" in name for name in names) else ""
    return f"Nearest to {first}{note}: {', '.join(parts)}. "


def _first_place(comparisons: Sequence[HeadToHead], at: int) -> list[str]:
    """Return the nearest model at a snapshot, and all that are not significantly farther; none if unknown."""
    ranked = [one for one in nearest(comparisons, at) if math.isfinite(one.effect.value[at])]
    tied = itertools.takewhile(lambda one: not _farther(ranked[0], one, at), ranked[1:])
    return [one.second for one in (*ranked[:1], *tied)]


def _farther(nearer: HeadToHead, other: HeadToHead, at: int) -> bool:
    """Whether a model is significantly farther at a snapshot than one nearer to the same first model."""
    reach = jackknife_reach(other.left_out[at] - nearer.left_out[at])
    return bool(other.effect.value[at] - nearer.effect.value[at] > reach)


def _steps(steps: Floats) -> str:
    if len(steps) == 1:
        return f"step {steps[0]:,.0f}"
    return f"steps {steps[0]:,.0f} to {steps[-1]:,.0f}"
