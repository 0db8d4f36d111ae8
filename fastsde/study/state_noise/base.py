"""What a form of noise that follows the state says about itself, and the registry of forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.system.registry import Registry

__all__ = ["STATE_NOISES", "Scene", "StateNoise"]

STATE_NOISES: Registry[StateNoise] = Registry("noise", "fastsde.study.state_noise")


@dataclass(frozen=True)
class Scene:
    """What a form of noise is lowered with, beside its model.

    Parameters
    ----------
    setting : Setting
    share : float
        Learning rate times the share of one sample's covariance that a batch has.
    floor : float
        Loss that the kernels leave out of what they call the loss.
    address : int
        Of a user's compiled function; 0 without one.
    """

    setting: Setting
    share: float
    floor: float
    address: int


class StateNoise:
    """A form of noise that follows the state: ``d theta = -grad L dt + B(theta) dW`` in Ito's sense.

    The covariance is per unit time, as that of given noise: ``Cov(dM) = B B^T dt``. With the key `trace` of
    the model it is scaled at every state to have that trace.

    Attributes
    ----------
    name : str
        Value of the key `noise`.
    order : int
        Place among the forms in messages.
    equation, source : str
        The covariance, and where it is from.
    keys : mapping of str to bool
        Keys of the model that belong to the form, and whether they are required.
    from_samples : bool
        Whether it is a part of the covariance of SGD's gradient: then it follows batch and learning rate.
    has_correction : bool
        Whether the drift of Stratonovich's form is known.
    compiled_for_cpu : bool
        Whether it calls a function compiled for CPUs, in ``float64``.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 1000
    equation: ClassVar[str] = ""
    source: ClassVar[str] = ""
    keys: ClassVar[Mapping[str, bool]] = {"strength": False}
    from_samples: ClassVar[bool] = False
    has_correction: ClassVar[bool] = False
    compiled_for_cpu: ClassVar[bool] = False

    def words(self, model: Any) -> str:
        """Say which covariance it is, after "noise": the part of a sentence."""
        raise NotImplementedError(f"{type(self).__name__}.words")

    def faults(self, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check the form against the study; `where` is the path of the model."""
        yield from ()

    def shape(self, model: Any, scene: Scene) -> Any:
        """Return the shape of the noise as the kernels take it, `fastsde.kernels.shape.empty_shape`."""
        raise NotImplementedError(f"{type(self).__name__}.shape")

    def draws(self, model: Any, setting: Setting) -> int:
        """Return how many random numbers a step takes."""
        return setting.parameters

    def work(self, model: Any, setting: Setting) -> int:
        """Return how many numbers per trajectory its shape works with."""
        return 0

    def strength(self, model: Any, scene: Scene) -> float:
        """Return the factor of the covariance, 1 unless the model says otherwise."""
        if self.from_samples:
            return scene.share
        return 1.0 if model.strength is None else float(model.strength)
