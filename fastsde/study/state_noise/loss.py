"""Noise proportional to the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastsde.study.state_noise.base import STATE_NOISES, Scene, StateNoise

__all__ = ["LossNoise"]


class LossNoise(StateNoise):
    """Isotropic, of variance proportional to how far the loss is above a floor; none below it."""

    name: ClassVar[str] = "loss"
    order: ClassVar[int] = 1
    equation: ClassVar[str] = "Cov(dM) = strength max(L - floor, 0) I dt"
    source: ClassVar[str] = "Wojtowytsch 2021"
    keys: ClassVar[Mapping[str, bool]] = {"strength": False, "floor": False}
    has_correction: ClassVar[bool] = True

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return "isotropic and proportional to the loss"

    def shape(self, model: Any, scene: Scene) -> Any:
        """Return its shape."""
        from fastsde.kernels.shape import empty_shape

        floor = (model.floor or 0.0) - scene.floor
        draws = self.draws(model, scene.setting)
        return empty_shape("loss", draws, strength=self.strength(model, scene), floor=floor)


STATE_NOISES.register(LossNoise())
