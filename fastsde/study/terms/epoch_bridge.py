"""Gradient noise that remembers which samples of an epoch have been used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.term import TERMS, Term

__all__ = ["EpochBridge", "could_have_bridge"]


class EpochBridge(Term):
    """The bridge of each sample's weight over an epoch of shuffled batches; its step is the noise itself.

    With n samples and batches of b, an epoch of SGD uses every sample once, so that its noise sums to zero to
    first order in the learning rate. The Gaussian noise with the same covariance, within a step and between
    the steps of an epoch, is ``dM = (eta / b) sum_i dS_i grad L_i``, S the projection orthogonal to
    ``(1, .., 1)`` of ``sqrt(n / (n - 1))`` times n standard Brownian bridges over the epoch.
    """

    name: ClassVar[str] = "epoch_bridge"
    order: ClassVar[int] = 12
    equation: ClassVar[str] = (
        "dM = (eta / b) sum_i dS_i grad L_i, dS = -S / (T - t) dt + (n / ((n - 1) T))^(1/2) P dB"
    )
    refined: ClassVar[bool] = False

    def words(self, value: bool, model: Any) -> str:
        """Name the term."""
        return "with the correlations of an epoch"

    def clashes(self, value: bool, model: Any) -> Iterator[Fault]:
        """Refuse noise that is not Gaussian or not that of shuffled epochs, and other clocks."""
        here = (self.name,)
        if not model.has_gradient_noise:
            expected = 'nothing: a bridge over each epoch is known for noise = "gradient" without trace'
            yield Fault(here, value, expected, "remove epoch_bridge")
        elif model.sampling != "epoch":
            expected = f'nothing: batches of sampling = "{model.sampling}" are independent'
            yield Fault(here, value, expected, 'set sampling = "epoch", or remove epoch_bridge')
        if not model.noise_law.gaussian:
            expected = "Gaussian noise: other laws have no bridge here"
            yield Fault(here, value, expected, "remove epoch_bridge, or the keys of the noise law")
        if model.subordination is not None:
            expected = "no bridge in fractional time, which has no epochs"
            yield Fault(here, value, expected, "remove one of epoch_bridge and subordination")
        if model.central_flow is not None:
            expected = "no bridge with the central flow, which is derived without noise"
            yield Fault(here, value, expected, "remove one of epoch_bridge and central_flow")

    def faults(self, value: bool, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse batches of all samples, which have no noise."""
        samples = setting.samples
        if samples and model.batch == samples:
            fix = "lower batch, or remove epoch_bridge: the noise of a batch of all samples is 0"
            yield Fault((*where, "batch"), model.batch, f"a batch below the {samples} samples", fix)

    def not_shared(self, value: bool) -> str:
        """Say why paths at dt and dt / 2 cannot be compared."""
        return "the increments of a bridge at steps of dt are not the sums of the same normals as at dt / 2"

    def carried(self, value: bool, setting: Setting) -> int:
        """Return one number per sample."""
        return setting.samples or 0


def could_have_bridge(model: Any) -> bool:
    """Whether a model has no bridge and `epoch_bridge` would give it one.

    Examples
    --------
    >>> from fastsde.study.models import Sde
    >>> could_have_bridge(Sde(noise="gradient")), could_have_bridge(Sde(noise="gradient", alpha=1.5))
    (True, False)
    """
    without = getattr(model, EpochBridge.name, True)
    return not without and next(EpochBridge().clashes(True, model), None) is None


TERMS.register(EpochBridge())
