"""Multiplicative noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastsde.study.state_noise.base import STATE_NOISES, Scene, StateNoise

__all__ = ["MultiplicativeNoise"]


class MultiplicativeNoise(StateNoise):
    """Of each component proportional to the component: it vanishes where a parameter is 0."""

    name: ClassVar[str] = "multiplicative"
    order: ClassVar[int] = 5
    equation: ClassVar[str] = "dM_i = zeta theta_i dW_i"
    source: ClassVar[str] = "Chen, Kunin, Yamamura and Ganguli 2023"
    keys: ClassVar[Mapping[str, bool]] = {"zeta": False}
    has_correction: ClassVar[bool] = True

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return "multiplicative, each component proportional to itself"

    def shape(self, model: Any, scene: Scene) -> Any:
        """Return its shape."""
        from fastsde.kernels.shape import empty_shape

        zeta = 1.0 if model.zeta is None else float(model.zeta)
        return empty_shape("multiplicative", self.draws(model, scene.setting), strength=zeta)


STATE_NOISES.register(MultiplicativeNoise())
