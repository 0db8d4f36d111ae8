"""Integrate a range of trajectories in memory, including those that start from states of another ensemble."""

from __future__ import annotations

from functools import wraps
from typing import Any

from numpy.typing import NDArray

from fastsde.integrate import integration
from fastsde.integrate.integration import Outcome
from fastsde.storage.initial_states import resolve, start_states
from fastsde.study.study import Study

__all__ = ["integrate"]


@wraps(integration.integrate)
def integrate(
    study: Study, name: str, first: int, count: int, *, start: NDArray[Any] | None = None, **options: Any
) -> Outcome:
    """Call `fastsde.integrate.integration.integrate`, after reading states of another ensemble if needed."""
    if study.starts_from_states and start is None:
        study, start = resolve(study), start_states(study, first, count)
    return integration.integrate(study, name, first, count, start=start, **options)
