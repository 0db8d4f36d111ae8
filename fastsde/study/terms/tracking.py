"""What a run keeps of the paths of its trajectories, for the observables that need every step."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from fastsde.study.setting import Setting
from fastsde.study.terms.term import TERMS, Term

__all__ = ["AVERAGE", "AVERAGE_LOSS", "DISPLACEMENT", "LENGTH", "Kept", "Tracking", "kept_places"]

AVERAGE, AVERAGE_LOSS = "running_average", "running_average_loss"
LENGTH, DISPLACEMENT = "path_length", "displacement"
"""Observables that are made of what is kept."""


class Kept(NamedTuple):
    """Where numbers are among those that a trajectory carries; -1 where they are not kept.

    Attributes
    ----------
    sums : int
        p sums of the states, then p corrections.
    length : int
        The length of the path, its correction, then the last state.
    origin : int
        The first state.
    end : int
        Numbers carried in all, those of the other terms included.
    """

    sums: int
    length: int
    origin: int
    end: int


def kept_places(observables: tuple[str, ...], parameters: int, start: int = 0) -> Kept:
    """Return where the numbers are that the observables of a study need, from `start` on.

    Examples
    --------
    >>> kept_places(("loss", "path_length", "running_average"), parameters=3, start=2)
    Kept(sums=2, length=8, origin=-1, end=13)
    """
    averaged = AVERAGE in observables or AVERAGE_LOSS in observables
    sums = 2 * parameters * averaged
    length = (parameters + 2) * (LENGTH in observables)
    origin = parameters * (DISPLACEMENT in observables)
    return Kept(
        sums=start if sums else -1,
        length=start + sums if length else -1,
        origin=start + sums + length if origin else -1,
        end=start + sums + length + origin,
    )


class Tracking(Term):
    """The outermost step: it notes the states that the steps inside lead to, and changes nothing of them.

    Not a key of a model: it applies where the study records one of the observables.
    """

    name: ClassVar[str] = "tracking"
    order: ClassVar[int] = 10_000
    equation: ClassVar[str] = "sum theta_k, sum |theta_{k+1} - theta_k|, theta_0"
    refined: ClassVar[bool] = False

    def of(self, model: Any, setting: Setting | None) -> Any:
        """Return what the study records, if something has to be kept for it."""
        if setting is None or model.replayed:
            return None
        return setting.observables if kept_places(setting.observables, 1).end else None

    def carried(self, value: tuple[str, ...], setting: Setting) -> int:
        """Return how many numbers are kept."""
        return kept_places(value, setting.parameters).end

    def around(self, step: Any, value: tuple[str, ...], model: Any, setting: Setting) -> Any:
        """Return the step that notes what the steps inside lead to."""
        from fastsde.kernels.steps.tracked import Tracked

        size = setting.parameters
        start = sum(term.carried(other, setting) for term, other in model.terms(setting) if term is not self)
        kept = kept_places(value, size, start)
        return Tracked(step.dense, step.dt, step, kept.sums, kept.length, kept.origin)


TERMS.register(Tracking())
