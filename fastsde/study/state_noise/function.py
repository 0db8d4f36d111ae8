"""Noise by a function of the user's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.study.state_noise.base import STATE_NOISES, Scene, StateNoise
from fastsde.study.terms.derivative import SPACING_OF_DIFFERENCES, derivative_weights

__all__ = ["FunctionNoise"]


class FunctionNoise(StateNoise):
    """``B(theta) dW`` by a function ``noise(theta, B)`` that fills the p x rank matrix B, at first 0."""

    name: ClassVar[str] = "function"
    order: ClassVar[int] = 8
    equation: ClassVar[str] = "dM = strength^(1/2) B(theta) dW, B by a function"
    keys: ClassVar[Mapping[str, bool]] = {"function": True, "rank": False, "strength": False}
    has_correction: ClassVar[bool] = True
    compiled_for_cpu: ClassVar[bool] = True

    def words(self, model: Any) -> str:
        """Name the covariance."""
        return f"of the covariance that the function {model.function} gives"

    def faults(self, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse ``float32``."""
        if setting.dtype == "float32":
            expected = "nothing in float32: a function of your own computes in float64"
            yield Fault((*where, "noise"), self.name, expected, 'set dtype = "float64"')

    def shape(self, model: Any, scene: Scene) -> Any:
        """Return its shape."""
        from fastsde.kernels.shape import empty_shape

        nodes, odd = derivative_weights(2, SPACING_OF_DIFFERENCES, odd=True)
        rank = self.draws(model, scene.setting)
        numbers = {"strength": self.strength(model, scene), "nodes": nodes, "odd": odd}
        return empty_shape("function", rank, rank=rank, function=scene.address, **numbers)

    def draws(self, model: Any, setting: Setting) -> int:
        """Return the rank."""
        return model.rank or setting.parameters

    def work(self, model: Any, setting: Setting) -> int:
        """Return the room for the matrix."""
        from fastsde.kernels.shapes.function import function_work

        return int(function_work(setting.parameters, self.draws(model, setting)))


STATE_NOISES.register(FunctionNoise())
