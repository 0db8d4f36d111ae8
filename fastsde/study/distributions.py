"""The laws of inputs and of label noise: normal, Student-t and alpha-stable."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from fastsde.study.fields import Expect, Fault, Positive, Real, Section, listed, refuse

__all__ = [
    "GaussianInputs",
    "GaussianNoise",
    "Inputs",
    "LabelNoise",
    "StableInputs",
    "StableNoise",
    "StudentInputs",
    "StudentNoise",
]

StableIndex = Annotated[
    float, Field(gt=0, lt=2), Expect('a number above 0 and below 2 (2 is kind = "gaussian")')
]


class _Inputs(Section):
    """What the three laws of inputs share.

    Parameters
    ----------
    whiten : bool, default False
        Centre and whiten the drawn sample exactly: mean 0, second moment the identity.
    spectrum : tuple of float, optional
        Squared scale of each raw coordinate; all 1 by default. Not together with `whiten`.
    """

    kind: str
    whiten: Annotated[bool, Expect("true or false")] = False
    spectrum: Annotated[
        tuple[Positive, ...] | None, listed, Expect("a list of numbers above 0, one per input")
    ] = None

    @model_validator(mode="after")
    def _agree(self) -> _Inputs:
        if self.whiten and self.spectrum is not None:
            fix = "remove spectrum, or set whiten = false"
            refuse([Fault(("spectrum",), list(self.spectrum), "no spectrum with whiten = true", fix)])
        return self


class GaussianInputs(_Inputs):
    """Normal inputs."""

    kind: Literal["gaussian"] = "gaussian"

    @property
    def tail(self) -> float:
        """Tail index: infinite."""
        return math.inf


class StudentInputs(_Inputs):
    """Multivariate Student-t inputs with `nu` degrees of freedom.

    Scaled to unit covariance where it exists (nu > 2), of unit t scale otherwise.

    Parameters
    ----------
    nu : float
        Degrees of freedom, above 0.
    """

    kind: Literal["student-t"] = "student-t"
    nu: Positive

    @property
    def tail(self) -> float:
        """Tail index: the degrees of freedom."""
        return self.nu


class StableInputs(_Inputs):
    """Independent symmetric `alpha`-stable coordinates of unit scale, ``E exp(iux) = exp(-|u|^alpha)``.

    Parameters
    ----------
    alpha : float
        Tail index, above 0 and below 2.
    """

    kind: Literal["stable"] = "stable"
    alpha: StableIndex

    @property
    def tail(self) -> float:
        """Tail index: alpha."""
        return self.alpha


Inputs = Annotated[GaussianInputs | StudentInputs | StableInputs, Field(discriminator="kind")]


class GaussianNoise(Section):
    """Normal label noise.

    Parameters
    ----------
    scale : float
        Standard deviation.
    """

    kind: Literal["gaussian"] = "gaussian"
    scale: Real

    @property
    def tail(self) -> float:
        """Tail index: infinite."""
        return math.inf

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.scale


class StudentNoise(Section):
    """Student-t label noise: `scale` times t with `nu` degrees of freedom, independent in each output.

    Parameters
    ----------
    nu : float
        Degrees of freedom, above 0.
    scale : float
        Scale of the t law; its standard deviation is ``scale sqrt(nu / (nu - 2))``.
    """

    kind: Literal["student-t"] = "student-t"
    nu: Positive
    scale: Real

    @property
    def tail(self) -> float:
        """Tail index: the degrees of freedom."""
        return self.nu

    @property
    def sd(self) -> float:
        """Standard deviation ``scale sqrt(nu / (nu - 2))``; infinite for nu <= 2."""
        if self.scale == 0:
            return 0.0
        return self.scale * math.sqrt(self.nu / (self.nu - 2)) if self.nu > 2 else math.inf


class StableNoise(Section):
    """Symmetric `alpha`-stable label noise, independent in each output.

    ``E exp(iu eps) = exp(-|scale u|^alpha)``.

    Parameters
    ----------
    alpha : float
        Tail index, above 0 and below 2.
    scale : float
        Scale of the law.
    """

    kind: Literal["stable"] = "stable"
    alpha: StableIndex
    scale: Real

    @property
    def tail(self) -> float:
        """Tail index: alpha."""
        return self.alpha

    @property
    def sd(self) -> float:
        """Standard deviation: infinite, unless the scale is 0."""
        return math.inf if self.scale > 0 else 0.0


def _bare_number(value: Any) -> Any:
    """Read ``label_noise = 1.0`` as a normal law of that standard deviation."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"kind": "gaussian", "scale": value} if number else value


LabelNoise = Annotated[
    GaussianNoise | StudentNoise | StableNoise, Field(discriminator="kind"), BeforeValidator(_bare_number)
]
