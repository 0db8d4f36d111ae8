"""The plain step of each kind of model, before its terms are put around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["Request", "plain_step"]


@dataclass(frozen=True)
class Request:
    """What a plain step is made from beside its model.

    Parameters
    ----------
    study, problem
        The study, and its problem.
    start_key : tuple of two uint64
        Philox key of the starting points.
    law : named tuple of `fastsde.kernels`, optional
        A law of the noise in place of the model's own.
    attributes : dict
        What is worth knowing afterwards, to be completed: temperature, noise scale.
    """

    study: Study
    problem: Problem
    start_key: tuple[np.uint64, np.uint64]
    law: Any = None
    attributes: dict[str, float | int | str] = field(default_factory=dict)

    @property
    def finite(self) -> bool:
        """Whether the loss is a mean over samples that the kernels have."""
        return self.study.objective.samples is not None


@singledispatch
def plain_step(model: Any, request: Request) -> Any:
    """Return the kernels' step of a model without its terms.

    A kind of model registers its own: ``@plain_step.register`` of a function whose first argument has the
    class of the kind as its type.
    """
    raise NotImplementedError(f"no step is registered for kind = {model.kind!r}; see plain_step.register")
