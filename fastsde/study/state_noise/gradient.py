"""Parts of the covariance of SGD's gradient as noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastsde.study.setting import Setting
from fastsde.study.state_noise.base import STATE_NOISES, Scene, StateNoise
from fastsde.study.state_noise.spectral import SpectralNoise

__all__ = ["GradientDiagonalNoise", "GradientLeadingNoise"]


class GradientDiagonalNoise(StateNoise):
    """Of the diagonal of the covariance of SGD's gradient: components are independent."""

    name: ClassVar[str] = "gradient-diagonal"
    order: ClassVar[int] = 6
    equation: ClassVar[str] = "Cov(dM) = (eta / B) diag(C) dt"
    source: ClassVar[str] = "Zhu et al. 2019"
    keys: ClassVar[Mapping[str, bool]] = {}
    from_samples: ClassVar[bool] = True

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return "of the diagonal of the covariance of SGD's gradient"

    def shape(self, model: Any, scene: Scene) -> Any:
        """Return its shape."""
        from fastsde.kernels.shape import empty_shape

        strength = self.strength(model, scene)
        return empty_shape("gradient-diagonal", self.draws(model, scene.setting), strength=strength)

    def work(self, model: Any, setting: Setting) -> int:
        """Return the room for the variances."""
        return setting.parameters


class GradientLeadingNoise(SpectralNoise):
    """Along the leading eigenvector of the covariance of SGD's gradient."""

    name: ClassVar[str] = "gradient-leading"
    order: ClassVar[int] = 7
    equation: ClassVar[str] = "Cov(dM) = (eta / B) c_1 v_1 v_1^T dt"
    source: ClassVar[str] = "Zhu et al. 2019"
    keys: ClassVar[Mapping[str, bool]] = {"products": False}
    from_samples: ClassVar[bool] = True
    leading: ClassVar[bool] = True

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return "along the leading eigenvector of the covariance of SGD's gradient"


for _form in (GradientDiagonalNoise, GradientLeadingNoise):
    STATE_NOISES.register(_form())
