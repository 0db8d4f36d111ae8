"""What a noise law says about itself, and the registry of noise laws."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from fastsde.study.fields import Fault
from fastsde.study.kinds import Kind
from fastsde.system.registry import Registry

__all__ = ["NOISE_LAWS", "NoiseLaw"]

NOISE_LAWS: Registry[type[NoiseLaw]] = Registry("noise law", "fastsde.study.noise")


class NoiseLaw(Kind):
    """The law of the increments of an SDE, given the covariance of its Gaussian increment.

    A law is a class that inherits from this one, with a `kind` and fields of its own, registered by
    ``@NOISE_LAWS.register``. It must define `words` and `lower`; whatever else it says has the default of a
    law with all moments whose increments scale with the square root of time.

    Attributes
    ----------
    equation, source : str
        The increment, and where it is from.
    noises : tuple of str, optional
        The covariances it goes with, of "gradient", "isotropic" and "given"; all by default.
    gaussian : bool
        Whether increments are normal.
    elliptical : bool
        Whether an increment is normal but for one random factor of all its components, or its components are
        independent with the covariance of normal ones: then parts of a covariance can be drawn one by one.
    tamed : bool
        Whether steps shorter than the learning rate tame the drift: where increments are so large that
        explicit Euler would diverge.
    keys : mapping of str to tuple of str
        Where a model has the fields of the law, if not in its table `law`.
    """

    kinds: ClassVar[Registry[type[NoiseLaw]]] = NOISE_LAWS
    order: ClassVar[int] = 1000
    equation: ClassVar[str] = ""
    source: ClassVar[str] = ""
    noises: ClassVar[tuple[str, ...] | None] = None
    gaussian: ClassVar[bool] = False
    elliptical: ClassVar[bool] = True
    tamed: ClassVar[bool] = False
    keys: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    kind: str

    @classmethod
    def of_keys(cls, model: Any) -> Self | None:
        """Return the law that the keys of a model describe without a table `law`, if it is this one."""
        return None

    def words(self) -> str:
        """Name the law before "noise"."""
        raise NotImplementedError(f"{type(self).__name__}.words")

    def lower(self, dt: float) -> Any:
        """Return the law of increments over the time `dt` as a named tuple of the kernels, None for normal.

        The kernels draw a factor of the Gaussian increment, or its components, by the type of the tuple.
        """
        raise NotImplementedError(f"{type(self).__name__}.lower")

    @property
    def tail_index(self) -> float:
        """Moments of an increment exist below this order; infinite if all exist."""
        return math.inf

    @property
    def has_variance(self) -> bool:
        """Whether an increment has a variance."""
        return self.tail_index > 2

    @property
    def time_exponent(self) -> float:
        """Exponent h of the scale of an increment over the time t, ``t^h``: 1/2 with a covariance."""
        return 0.5

    def scale_words(self, batch_scaling: bool) -> str:
        """Say what a scale per unit time means if it is no covariance: the end of a sentence."""
        return ""

    def factor_of_sum(self, count: int) -> float:
        """Return what keeps the scale of a sum of `count` numbers by component that of normal ones."""
        return 1.0

    def not_shared(self) -> str:
        """Say why increments over dt and over dt / 2 cannot be those of one path; empty if they can."""
        return f"its {self.words()} noise cannot be shared between steps of dt and of dt / 2"

    def faults(self, dt: float) -> Iterator[Fault]:
        """Check the law against the time `dt` of a step; paths start at the fields of the law."""
        yield from ()
