"""Adaptive algorithms and their SDEs for the kernels: the gradients that their rules are put around."""

from __future__ import annotations

from typing import Any

from fastsde.integrate.lowering.plain import Request, plain_step
from fastsde.integrate.lowering.sde import sde
from fastsde.integrate.lowering.sgd import sgd
from fastsde.study.models.adaptive import Adaptive
from fastsde.study.models.adaptive_sde import AdaptiveSde
from fastsde.study.models.momentum_sde import MomentumSde
from fastsde.study.models.sde import Sde
from fastsde.study.models.underdamped import Underdamped

__all__ = ["adaptive", "adaptive_sde", "inertial"]


@plain_step.register(Adaptive)
def adaptive(model: Adaptive, request: Request) -> Any:
    """Return a step of SGD, or down the full gradient."""
    from fastsde.kernels.steps import Descent

    if model.gradient == "full":
        return Descent(dense=True, dt=model.dt(request.study.time.learning_rate))
    drawing: Any = model  # with the fields of SGD that say how batches are drawn
    return sgd(drawing, request)


@plain_step.register(AdaptiveSde)
def adaptive_sde(model: AdaptiveSde, request: Request) -> Any:
    """Return an Euler step of SGD's SDE, with noise of the covariance of a batch's gradient."""
    drawn: dict[str, Any] = {"noise": "gradient", "batch": model.batch, "sampling": model.sampling}
    return sde(Sde(substeps=model.substeps, **drawn), request)


@plain_step.register(Underdamped)
@plain_step.register(MomentumSde)
def inertial(model: Underdamped | MomentumSde, request: Request) -> Any:
    """Return an Euler step of the SDE without inertia."""
    return sde(model.overdamped, request)
