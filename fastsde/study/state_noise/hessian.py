"""Noise proportional to the Hessian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastsde.study.state_noise.base import STATE_NOISES
from fastsde.study.state_noise.spectral import SpectralNoise

__all__ = ["HessianNoise", "LeadingHessianNoise", "LossHessianNoise"]


class HessianNoise(SpectralNoise):
    """Of the positive part of the Hessian: its eigenvalues below 0 count as 0."""

    name: ClassVar[str] = "hessian"
    order: ClassVar[int] = 2
    equation: ClassVar[str] = "Cov(dM) = strength H_+ dt"
    source: ClassVar[str] = "Jastrzebski et al. 2017; Zhu et al. 2019"

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return "proportional to the positive part of the Hessian"


class LossHessianNoise(HessianNoise):
    """Of the loss times the positive part of the Hessian, as of SGD on squared errors near a minimum."""

    name: ClassVar[str] = "loss-hessian"
    order: ClassVar[int] = 3
    equation: ClassVar[str] = "Cov(dM) = strength max(L - floor, 0) H_+ dt"
    source: ClassVar[str] = "Mori, Ziyin, Liu and Ueda 2022"
    keys: ClassVar[Mapping[str, bool]] = {**SpectralNoise.keys, "floor": False}
    by_loss: ClassVar[bool] = True

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return "proportional to the loss times the positive part of the Hessian"


class LeadingHessianNoise(SpectralNoise):
    """Along the eigenvector of the largest eigenvalue of the Hessian, if that is above 0; none otherwise."""

    name: ClassVar[str] = "hessian-leading"
    order: ClassVar[int] = 4
    equation: ClassVar[str] = "Cov(dM) = strength lambda_1 v_1 v_1^T dt"
    source: ClassVar[str] = "Zhu et al. 2019"
    leading: ClassVar[bool] = True

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return "along the leading eigenvector of the Hessian"


for _form in (HessianNoise, LossHessianNoise, LeadingHessianNoise):
    STATE_NOISES.register(_form())
