"""What noises made of eigenvalues share: of the Hessian, or of the covariance of SGD's gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.study.state_noise.base import Scene, StateNoise
from fastsde.study.terms.derivative import derivative_weights, line
from fastsde.study.terms.second_order import float32_faults

__all__ = ["EXACT", "SpectralNoise"]

EXACT = 16
"""Parameters up to which all eigenvalues are computed."""
PRODUCTS = 12
"""Steps of Lanczos' method above that, unless the model says otherwise."""


class SpectralNoise(StateNoise):
    """Noise made of the eigenvalues of a symmetric matrix that are above 0.

    Up to `EXACT` parameters all of them are computed (Jacobi); above, `products` steps of Lanczos' method.

    Attributes
    ----------
    leading : bool
        Whether only the largest eigenvalue counts.
    by_loss : bool
        Whether the covariance is multiplied by the loss.
    """

    keys: ClassVar[Mapping[str, bool]] = {"strength": False, "products": False}
    leading: ClassVar[bool] = False
    by_loss: ClassVar[bool] = False

    def steps(self, model: Any, setting: Setting) -> int:
        """Return the steps of Lanczos' method; 0 where all eigenvalues are computed."""
        if setting.parameters <= EXACT:
            return 0
        return min(model.products or PRODUCTS, setting.parameters)

    def faults(self, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse what cannot be computed."""
        if not self.from_samples:
            yield from float32_faults("noise", self.name, setting, where)
        large = setting.parameters > EXACT
        if large and model.trace is not None and not self.leading:
            expected = f"nothing above {EXACT} parameters: the trace of the positive part is not known"
            fix = f'remove trace, or set noise = "hessian-leading"; there are {setting.parameters} parameters'
            yield Fault((*where, "trace"), model.trace, expected, fix)
        if not large and model.products is not None:
            expected = f"nothing up to {EXACT} parameters: all eigenvalues are computed"
            yield Fault((*where, "products"), model.products, expected, "remove products")

    def shape(self, model: Any, scene: Scene) -> Any:
        """Return its shape."""
        from fastsde.kernels.shape import empty_shape

        setting = scene.setting
        nodes, odd = derivative_weights(*line(setting), odd=True)
        steps = self.steps(model, setting)
        return empty_shape(
            "spectral",
            self.draws(model, setting),
            starts=self.leading and steps > 0,
            strength=self.strength(model, scene),
            floor=(model.floor or 0.0) - scene.floor,
            by_loss=self.by_loss,
            leading=self.leading,
            samples=self._rows(setting),
            steps=steps,
            nodes=nodes,
            odd=odd,
        )

    def work(self, model: Any, setting: Setting) -> int:
        """Return the room for matrix, eigenvectors and basis."""
        from fastsde.kernels.shapes.spectral import spectral_work

        return int(spectral_work(setting.parameters, self._rows(setting), self.steps(model, setting)))

    def _rows(self, setting: Setting) -> int:
        return setting.samples or 0 if self.from_samples else 0
