"""Where trajectories stop: the passages that `events.stop` names, and the steps that complete them."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastsde.study.dimensions import passage_shapes
from fastsde.study.fields import Fault
from fastsde.study.passages import PASSAGES

if TYPE_CHECKING:
    from fastsde.study.contents import Content

__all__ = ["forget_later", "stop_faults", "stop_masks", "stopped_steps"]

NAMED = re.compile(r"(\w+)(?:\s*\[\s*(\d+(?:\s*,\s*\d+)*)\s*\])?")
"""An event, and optionally the numbers of one of its passages, or of its first dimensions: `interval[2]`."""


def stop_masks(study: Content, strength: ArrayLike) -> NDArray[np.bool_]:
    """Return which passages each entry of `events.stop` waits for, (stops, passages).

    A trajectory stops when all passages of an entry have happened. An event named alone stands for all of its
    passages: each level, and each mode. A mode without strength, which nothing learns, is not waited for.

    Parameters
    ----------
    study : Study
    strength : array_like, shape (mode,)
        Singular values of the optimum.
    """
    shapes = passage_shapes(study)
    places, count = {}, 0
    for key, shape in shapes.items():
        places[key] = slice(count, count + math.prod(shape))
        count += math.prod(shape)
    masks = np.zeros((len(study.events.stops), count), dtype=bool)
    for mask, text in zip(masks, study.events.stops, strict=True):
        name, numbers = _parsed(text)
        key = f"{name}_step"
        chosen = np.zeros(shapes[key], dtype=bool)
        chosen[tuple(number - 1 for number in numbers)] = True
        dims = next(event.of_one for event in PASSAGES if event.name == name)
        if "mode" in dims:
            learnable = np.asarray(strength) > 0
            chosen &= learnable.reshape([-1 if dim == "mode" else 1 for dim in dims])
        mask[places[key]] = chosen.ravel()
    return masks


def stopped_steps(passed: NDArray[Any], masks: ArrayLike) -> NDArray[np.int64]:
    """Return the step at which each trajectory stops, -1 not yet.

    Parameters
    ----------
    passed : (trajectories, passages) array
        Steps of first passages, -1 not yet.
    masks : (stops, passages) array
        See `stop_masks`.

    Examples
    --------
    Of three passages, the first two, or the third:

    >>> masks = [[True, True, False], [False, False, True]]
    >>> stopped_steps(np.array([[4, 9, -1], [4, -1, -1], [4, -1, 6], [4, 9, 6]]), masks)
    array([ 9, -1,  6,  6])
    """
    never = np.iinfo(np.int64).max
    first = np.full(len(passed), never)
    for mask in np.asarray(masks, dtype=bool):
        if mask.any():
            known = np.where(passed[:, mask] < 0, never, passed[:, mask])
            first = np.minimum(first, known.max(axis=1))
    return np.where(first == never, -1, first)


def forget_later(stopped: NDArray[Any], diverged: NDArray[Any], passed: NDArray[Any]) -> None:
    """Remove what was noted of trajectories after they stopped: how long they went on depends on the others.

    Parameters
    ----------
    stopped, diverged : (trajectories,) arrays
        Steps, -1 never; `diverged` is changed.
    passed : (trajectories, passages) array
        Changed, too.
    """
    over = stopped >= 0
    diverged[over & (diverged > stopped)] = -1
    passed[over[:, None] & (passed > stopped[:, None])] = -1


def stop_faults(study: Content) -> Iterator[Fault]:
    """Check that every entry of `events.stop` names an event that the study looks for."""
    shapes = passage_shapes(study)
    watched = {key.removesuffix("_step"): shape for key, shape in shapes.items() if math.prod(shape)}
    for number, text in enumerate(study.events.stops):
        where = ("events", "stop", number)
        name, numbers = _parsed(text)
        if f"{name}_step" not in shapes:
            known = ", ".join(key.removesuffix("_step") for key in shapes)
            yield Fault(where, text, f"an event ({known}), or one of its passages, as mode_learned[1]")
        elif name not in watched:
            others = " or ".join(watched)
            fix = f"give its thresholds in [events]{f', or stop at {others}' if others else ''}"
            yield Fault(where, text, "an event that the study looks for", fix)
        elif len(numbers) > len(watched[name]) or any(
            not 1 <= one <= size for one, size in zip(numbers, watched[name], strict=False)
        ):
            yield Fault(where, text, f"{name}, or one of {_listed(name, watched[name])}")


def _parsed(text: str) -> tuple[str, tuple[int, ...]]:
    match = NAMED.fullmatch(text.strip())
    if match is None:
        return text, ()
    return match[1], tuple(int(one) for one in (match[2] or "").split(",") if one)


def _listed(name: str, shape: tuple[int, ...]) -> str:
    """Return the first and the last passage of an event, as one names them."""
    ends = {tuple(itertools.repeat(1, len(shape))): None, shape: None}
    return " to ".join(f"{name}[{', '.join(map(str, one))}]" for one in ends)
