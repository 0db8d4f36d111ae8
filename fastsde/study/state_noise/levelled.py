"""The whole covariance of SGD's gradient, scaled to a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastsde.study.setting import Setting
from fastsde.study.state_noise.base import Scene, StateNoise

__all__ = ["LEVELLED_GRADIENT", "LevelledGradientNoise"]


class LevelledGradientNoise(StateNoise):
    """``noise = "gradient"`` with a trace: gradient noise whose strength no longer follows the state."""

    name: ClassVar[str] = "gradient"
    equation: ClassVar[str] = "Cov(dM) = trace C / tr C dt"
    keys: ClassVar[Mapping[str, bool]] = {}
    from_samples: ClassVar[bool] = True

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return "of the covariance of SGD's gradient"

    def draws(self, model: Any, setting: Setting) -> int:
        """Return one weight per sample."""
        return setting.samples or 0

    def shape(self, model: Any, scene: Scene) -> Any:
        """Return its shape."""
        from fastsde.kernels.shape import empty_shape

        return empty_shape("gradient", self.draws(model, scene.setting), strength=self.strength(model, scene))


LEVELLED_GRADIENT = LevelledGradientNoise()
"""Not in the registry: the name is that of gradient noise itself."""
