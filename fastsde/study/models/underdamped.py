"""Underdamped Langevin dynamics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fastsde.study.fields import LARGEST, Count, Expect, Fault, Positive, Size, refuse
from fastsde.study.models.batches import HOW_DRAWN, Sampling
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.ruled import Ruled
from fastsde.study.models.sde import Sde
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.rule import innermost, with_innermost

__all__ = ["Underdamped"]

Heat = Annotated[float | None, Field(ge=0, le=LARGEST), Expect("a number from 0 to 1e15")]


@MODEL_KINDS.register
class Underdamped(Ruled):
    """Underdamped (kinetic) Langevin dynamics, ``d theta = p dt``, a velocity p for each parameter.

    With isotropic noise ``dp = -(grad L / mass + friction p) dt + sqrt(2 friction T / mass) dW``, whose law
    in equilibrium is ``exp(-(L + mass |p|^2 / 2) / T)``, by BAOAB (Leimkuhler and Matthews 2013): of weak
    order 2, and without error in the positions of a quadratic. With gradient noise ``mass (dp + friction p
    dt) = -grad L dt + sqrt(eta) Sigma^(1/2) dW``, Sigma the covariance of a batch's gradient, by a symmetric
    splitting of weak order 2: half a drift, forces and friction by the trapezoidal rule, half a drift.

    Parameters
    ----------
    friction : float
        Rate at which a velocity falls without forces, per unit time.
    noise : {"isotropic", "gradient"}
        The same in all directions, or the covariance of SGD's gradient, which follows the state.
    temperature : float, optional
        T, for isotropic noise.
    mass : float, default 1
        The same for all parameters.
    velocity : {"zero", "equilibrium"}
        The first velocities: 0, by default, or, with isotropic noise, normal of variance T / mass.
    substeps : int, default 8
        Steps in one learning rate.
    weight_decay : float, optional
        Adds ``weight_decay theta`` to the gradient.
    batch, sampling : int, str
        The SGD whose noise is taken; in a study they default to those of its first ``sgd`` model.
    """

    synonyms: ClassVar[Mapping[str, str]] = {
        "kinetic": 'kind = "underdamped", friction = 1.0, temperature = 0.1',
        "kinetic-langevin": 'kind = "underdamped", friction = 1.0, temperature = 0.1',
        "underdamped-langevin": 'kind = "underdamped", friction = 1.0, temperature = 0.1',
    }
    hints: ClassVar[Mapping[str, str]] = {"dt": "set substeps in its place: dt = learning_rate / substeps"}
    order: ClassVar[int] = 48
    carries: ClassVar[int] = 1

    kind: Literal["underdamped"] = "underdamped"
    friction: Positive
    noise: Annotated[Literal["isotropic", "gradient"], Expect('"isotropic" or "gradient"')] = "isotropic"
    temperature: Heat = None
    mass: Positive = 1.0
    velocity: Annotated[Literal["zero", "equilibrium"], Expect('"zero" or "equilibrium"')] = "zero"
    substeps: Count = 8
    weight_decay: Positive | None = None
    batch: Size = 1
    sampling: Sampling = "epoch"

    @model_validator(mode="after")
    def _agree(self) -> Underdamped:
        faults, isotropic = list(self.clashes()), self.noise == "isotropic"
        if isotropic != (self.temperature is not None):
            fix = "set temperature = 0.1" if isotropic else 'remove temperature, or set noise = "isotropic"'
            expected = "a temperature with isotropic noise, and only there"
            faults.append(Fault(("temperature",), self.temperature or "not set", expected, fix))
        if self.velocity == "equilibrium" and not isotropic:
            expected = '"zero": the noise has no temperature'
            faults.append(Fault(("velocity",), self.velocity, expected, 'set velocity = "zero"'))
        refuse(faults)
        return self

    @property
    def independent_noise(self) -> bool:
        """Whether its noise is independent from step to step."""
        return True

    @property
    def overdamped(self) -> Sde:
        """The SDE without inertia, whose increments drive the velocity."""
        heat: dict[str, Any] = {} if self.temperature is None else {"temperature": self.temperature}
        drawn: dict[str, Any] = {"noise": self.noise, "batch": self.batch, "sampling": self.sampling}
        return Sde(substeps=self.substeps, **drawn, **heat)

    @property
    def noise_exponent(self) -> float:
        """Exponent p of the noise of a step, which goes as ``f^p`` with the learning rate's share f."""
        return self.overdamped.noise_exponent

    @property
    def multiplicative(self) -> bool:
        """Whether the noise depends on the state."""
        return self.noise == "gradient"

    @property
    def has_gradient_noise(self) -> bool:
        """Whether the covariance of the noise is that of SGD's gradient."""
        return self.noise == "gradient"

    @classmethod
    def follows_batch(cls, table: Mapping[str, Any]) -> bool:
        """Whether the model of a table depends on the batch of an SGD."""
        return table.get("noise") == "gradient"

    @classmethod
    def default_batch(cls, plain: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the batch and sampling of the study's SGD."""
        return reference

    def not_shared(self) -> str:
        """Say why paths at dt and dt / 2 cannot be compared."""
        return "its splitting has weak order 2, and steps of dt and dt / 2 do not share their noise"

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check the noise against data and landscape, and the terms."""
        yield from self.overdamped.faults(setting, where)
        yield from super().faults(setting, where)

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return a step with inertia around one of the SDE without."""
        from fastsde.kernels.steps import Baoab, Descent, Inertial

        if self.noise == "gradient":
            return Inertial(False, step.dt, step, 0.5 * self.friction * step.dt, self.mass, False)
        noise = innermost(step)
        return Baoab(
            dense=True,
            dt=step.dt,
            inner=with_innermost(step, Descent(dense=True, dt=step.dt)),
            friction=self.friction,
            temperature=float(self.temperature or 0.0) if hasattr(noise, "amplitude") else 0.0,
            mass=self.mass,
            moving=self.velocity == "equilibrium",
        )

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        if self.noise == "isotropic":
            noise = "(2 friction T / mass)^(1/2) dW"
        else:
            noise = "(eta^(1/2) / mass) Sigma^(1/2) dW"
        return f"d theta = p dt, dp = -(grad U / mass + friction p) dt + {noise}"

    def summary(self) -> str:
        """Say in one sentence what the model is.

        Examples
        --------
        >>> Underdamped(friction=2.0, temperature=0.0).summary()
        'Underdamped Langevin dynamics, friction 2, temperature 0: BAOAB with dt = 1/8 of the learning rate.'
        """
        if self.noise == "isotropic":
            noise, method = f"temperature {self.temperature:g}", "BAOAB"
        else:
            words = f"batch {self.batch} {HOW_DRAWN[self.sampling]}"
            noise, method = f"noise of the covariance of SGD's gradient for {words}", "symmetric splitting"
        mass = "" if self.mass == 1 else f", mass {self.mass:g}"
        step = f"{method} with dt = 1/{self.substeps} of the learning rate"
        numbers = f"friction {self.friction:g}{mass}, {noise}"
        return f"Underdamped Langevin dynamics{self.drift_words()}, {numbers}: {step}."
