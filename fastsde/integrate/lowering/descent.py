"""Gradient descent for the kernels."""

from __future__ import annotations

from typing import Any

from fastsde.integrate.lowering.plain import Request, plain_step
from fastsde.study.models.gradient_descent import GradientDescent
from fastsde.study.models.imported import Imported

__all__ = ["descent"]


@plain_step.register(GradientDescent)
@plain_step.register(Imported)
def descent(model: GradientDescent | Imported, request: Request) -> Any:
    """Return a step down the full gradient; trajectories that are read from a file take none."""
    from fastsde.kernels.steps import Descent

    return Descent(dense=True, dt=model.dt(request.study.time.learning_rate))
