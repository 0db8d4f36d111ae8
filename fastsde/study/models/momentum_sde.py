"""The SDE of SGD with momentum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fastsde.study.fields import Count, Expect, Fault, Positive, Size, refuse
from fastsde.study.models.batches import HOW_DRAWN, Sampling
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.ruled import Ruled
from fastsde.study.models.sde import Sde
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.term import Term

__all__ = ["MomentumSde"]


@MODEL_KINDS.register
class MomentumSde(Ruled):
    """The SDE of SGD with momentum (Li, Tai and E 2017), in units of time in which a step takes eta.

    ``d theta = -v dt``, ``dv = (grad L - (1 - mu) v) / eta dt + eta^(-1/2) Sigma^(1/2) dW``, Sigma the
    covariance of a batch's gradient, v 0 at first: a model of ``v <- mu v + g``, ``theta <- theta - eta v``
    of weak order 1 in eta for ``1 - mu`` and velocities of order ``sqrt(eta)`` in the step of time
    ``sqrt(eta)``; for fixed mu it holds where eta is small beside ``1 - mu``. Integrated by a symmetric
    splitting of weak order 2 in dt: half a drift, forces and friction by the trapezoidal rule, half a drift.

    Parameters
    ----------
    momentum : float
        mu, as for `Sgd`.
    substeps : int, default 8
        Steps in one learning rate.
    batch, sampling : int, str
        The SGD whose noise is modelled; in a study they default to those of its first ``sgd`` model.
    weight_decay : float, optional
        Adds ``weight_decay theta`` to the gradient.
    """

    synonyms: ClassVar[Mapping[str, str]] = {"sde-momentum": 'kind = "momentum-sde", momentum = 0.9'}
    hints: ClassVar[Mapping[str, str]] = {"dt": "set substeps in its place: dt = learning_rate / substeps"}
    order: ClassVar[int] = 50
    carries: ClassVar[int] = 1

    kind: Literal["momentum-sde"] = "momentum-sde"
    momentum: Annotated[float, Field(gt=0, lt=1), Expect("a number above 0 and below 1")]
    substeps: Count = 8
    batch: Size = 1
    sampling: Sampling = "epoch"
    weight_decay: Positive | None = None

    @model_validator(mode="after")
    def _agree(self) -> MomentumSde:
        refuse(self.clashes())
        return self

    @property
    def independent_noise(self) -> bool:
        """Whether its noise is independent from step to step."""
        return True

    @property
    def overdamped(self) -> Sde:
        """The SDE of SGD without momentum, whose increments drive the velocity."""
        drawn: dict[str, Any] = {"noise": "gradient", "batch": self.batch, "sampling": self.sampling}
        return Sde(substeps=self.substeps, **drawn)

    @property
    def multiplicative(self) -> bool:
        """Whether the noise depends on the state: it does."""
        return True

    @property
    def has_gradient_noise(self) -> bool:
        """Whether the covariance of the noise is that of SGD's gradient: it is."""
        return True

    def terms(self, setting: Setting | None = None) -> list[tuple[Term, Any]]:
        """Return the terms of the model: its momentum is part of the equation, no term of an algorithm."""
        return [(term, value) for term, value in super().terms(setting) if term.name != "momentum"]

    @classmethod
    def follows_batch(cls, table: Mapping[str, Any]) -> bool:
        """Whether the batch is that of the study's SGD: always."""
        return True

    @classmethod
    def default_batch(cls, plain: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the batch and sampling of the study's SGD."""
        return reference

    def not_shared(self) -> str:
        """Say why paths at dt and dt / 2 cannot be compared."""
        return "its splitting has weak order 2, and steps of dt and dt / 2 do not share their noise"

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check the noise against data and landscape, and the terms."""
        for fault in self.overdamped.faults(setting, where):
            here = fault.where if fault.where[-1] != "noise" else (*where, "kind")
            yield Fault(here, self.kind if here != fault.where else fault.value, fault.expected, fault.fix)
        yield from super().faults(setting, where)

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return a step with inertia around one without: mass eta, friction ``(1 - mu) / eta``."""
        from fastsde.kernels.steps import Inertial

        damping = 0.5 * (1 - self.momentum) / self.substeps
        return Inertial(False, step.dt, step, damping, setting.learning_rate, True)

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return "d theta = -v dt, dv = (grad U - (1 - mu) v) / eta dt + eta^(-1/2) Sigma^(1/2) dW"

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        method = f"symmetric splitting with dt = 1/{self.substeps} of the learning rate"
        words = f"batch {self.batch} {HOW_DRAWN[self.sampling]}"
        noise = f"noise of the covariance of SGD's gradient for {words}"
        return f"SDE of SGD with momentum {self.momentum:g}{self.drift_words()}, {noise}: {method}."
