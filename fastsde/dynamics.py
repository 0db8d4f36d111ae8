"""The dynamics of a study: gradient descent, SGD and the stochastic differential equations, as plain data.

Time is counted in learning rates: one SGD step of learning rate ``eta`` takes the time ``eta``. Every model
advances by ``dt = eta / substeps``. With ``N`` one draw of the gradient noise of a batch (covariance ``C/B``
of the end-to-end gradient, pushed to the layers by back-propagation), the models are

- `GradientDescent`: ``theta <- theta - dt grad L``;
- `Sgd`: ``theta <- theta - eta (gradient of a batch)``;
- `Sde`, gradient noise: ``theta <- theta - dt grad L + sqrt(eta dt) N``;
- `Sde`, isotropic noise: ``theta <- theta - dt grad L + sqrt(2 T dt) xi``, xi standard normal.

An `Sde` with ``alpha < 2`` multiplies its Gaussian increment by the square root of a one-sided stable clock
(elliptical stable noise), or of a tempered one (normal tempered stable, the same covariance as the Gaussian).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from fastsde.fields import Count, Expect, Fault, Section, Tail, refuse

__all__ = ["GradientDescent", "Model", "Sampling", "Sde", "Sgd"]

Sampling = Annotated[
    Literal["epoch", "without-replacement", "replacement", "fresh"],
    Expect('"epoch", "without-replacement", "replacement" or "fresh"'),
]
Temperature = Annotated[
    Annotated[float, Field(ge=0)] | Literal["matched"] | None,
    Expect('a number, at least 0, or "matched"'),
]
MatchAt = Annotated[
    Literal["start", "minimum", "local"] | None,
    Expect('"start", "minimum" or "local"'),
]

_HOW_DRAWN = {
    "epoch": "in shuffled epochs",
    "without-replacement": "drawn independently, without replacement inside a batch",
    "replacement": "drawn with replacement",
    "fresh": "of fresh data",
}
_WHERE_MATCHED = {
    "start": "at the start",
    "minimum": "at the minimum",
    "local": "at the current point",
}


class _Dynamics(Section):
    """What the models with steps shorter than the learning rate share."""

    kind: str
    substeps: Count

    def dt(self, learning_rate: float) -> float:
        """Give the time of one integrator step, ``learning_rate / substeps``.

        Examples
        --------
        >>> Sde(noise="gradient", substeps=4).dt(0.1)
        0.025
        """
        return learning_rate / self.substeps


class GradientDescent(_Dynamics):
    """Full gradient descent; with many `substeps`, an approximation of gradient flow.

    Parameters
    ----------
    substeps : int, default 1
        Steps in one learning rate. 1 is gradient descent itself.
    """

    kind: Literal["gd"] = "gd"
    substeps: Count = 1

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        if self.substeps == 1:
            return "Gradient descent: steps of one learning rate down the full gradient, without noise."
        return f"Gradient flow, without noise: Euler steps of 1/{self.substeps} of the learning rate."


class Sgd(Section):
    """Stochastic gradient descent with mini-batches.

    Parameters
    ----------
    batch : int, default 1
        Samples in a batch; the last batch of an epoch may be smaller.
    sampling : str
        How a batch is drawn; the four ways are different processes. ``"epoch"``: the data shuffled anew each
        epoch; ``"without-replacement"``: independent batches without repetition inside; ``"replacement"``:
        independent samples; ``"fresh"``: new data at every step (population only). In a study file the
        default is ``"epoch"`` with finite data and ``"fresh"`` with the population.
    """

    kind: Literal["sgd"] = "sgd"
    batch: Count = 1
    sampling: Sampling = "epoch"

    @property
    def substeps(self) -> int:
        """Integrator steps in one learning rate: always 1."""
        return 1

    def dt(self, learning_rate: float) -> float:
        """Give the time of one step: the learning rate itself."""
        return learning_rate

    def summary(self) -> str:
        """Say in one sentence what the model is.

        Examples
        --------
        >>> Sgd(batch=2, sampling="replacement").summary()
        'Stochastic gradient descent with batches of 2, drawn with replacement.'
        """
        return f"Stochastic gradient descent with batches of {self.batch}, {_HOW_DRAWN[self.sampling]}."


class Sde(_Dynamics):
    """A stochastic differential equation meant to stand for SGD.

    Parameters
    ----------
    noise : {"gradient", "isotropic"}
        The covariance of the noise: that of SGD's gradient, following the state; or the same everywhere.
    substeps : int, default 8
        Euler steps in one learning rate. 1 is Euler with ``dt = learning_rate``, which a study file may also
        write as ``dt = "learning-rate"``: SGD with Gaussianised noise, not the SDE.
    temperature : float or "matched", optional
        Only for isotropic noise, ``d theta = -grad L dt + sqrt(2 T) dW`` (Gibbs law ``exp(-L/T)``).
        "matched", the default, makes ``2 T p`` the learning rate times the trace of the covariance of
        SGD's gradient (of one batch) at the point `match_at`; p is the number of parameters.
    match_at : {"minimum", "start", "local"}, optional
        Where a matched temperature is matched, "minimum" by default; None when nothing is matched.
    alpha : float, default 2
        Tail index of the increments, in (0, 2]; 2 is Gaussian.
    tempering : float, optional
        Rate ``lam`` above 0 of an exponentially tempered clock, in units of one over time; needs
        ``alpha < 2``. The covariance is then exactly that of the Gaussian noise, the excess kurtosis of an
        increment ``3 (1 - alpha/2) / (lam dt)``.
    batch, sampling : int, str
        The SGD whose noise is modelled; in a study file they default to those of its first ``sgd`` model.

    Raises
    ------
    pydantic.ValidationError
        For combinations without a meaning; a study file turns it into a `fastsde.errors.StudyError`.
    """

    kind: Literal["sde"] = "sde"
    noise: Annotated[Literal["gradient", "isotropic"], Expect('"gradient" or "isotropic"')]
    substeps: Count = 8
    temperature: Temperature = None
    match_at: MatchAt = None
    alpha: Tail = 2.0
    tempering: Annotated[float | None, Field(gt=0), Expect("a number above 0")] = None
    batch: Count = 1
    sampling: Sampling = "epoch"

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        """Turn ``dt`` into `substeps` and fill the defaults that depend on other fields."""
        if not isinstance(table, dict):
            return table
        table = dict(table)
        if "dt" in table:
            refuse(_faults_of_dt(table))
            del table["dt"]
            table["substeps"] = 1
        if table.get("noise") == "isotropic" and table.get("temperature") is None:
            table["temperature"] = "matched"
        if table.get("temperature") == "matched" and table.get("match_at") is None:
            table["match_at"] = "minimum"
        return table

    @model_validator(mode="after")
    def _agree(self) -> Sde:
        faults = []
        if self.noise == "gradient" and self.temperature is not None:
            mend = 'remove temperature, or set noise = "isotropic"'
            faults.append(
                Fault(("temperature",), self.temperature, 'nothing: noise = "gradient" follows SGD', mend)
            )
        elif self.match_at is not None and self.temperature != "matched":
            mend = 'remove match_at, or set temperature = "matched" and noise = "isotropic"'
            faults.append(Fault(("match_at",), self.match_at, "nothing: no temperature is matched", mend))
        if self.tempering is not None and self.alpha == 2:
            mend = "set alpha below 2, or remove tempering (Gaussian noise has no tail to temper)"
            faults.append(Fault(("tempering",), self.tempering, "tempering only with alpha below 2", mend))
        refuse(faults)
        return self

    def summary(self) -> str:
        """Say in one sentence what the model is.

        Examples
        --------
        >>> Sde(noise="gradient", substeps=1).summary()
        'SGD with Gaussianised gradient noise: Euler with dt = the learning rate.'
        """
        return f"{self._subject()}: {self._method()}."

    def _subject(self) -> str:
        if self.alpha == 2:
            tail = "Gaussian"
        elif self.tempering is None:
            tail = f"{self.alpha:g}-stable"
        else:
            tail = f"tempered {self.alpha:g}-stable (rate {self.tempering:g})"
        if self.noise == "gradient":
            if self.alpha == 2 and self.substeps == 1:
                return "SGD with Gaussianised gradient noise"
            return f"SDE with {tail} noise of the covariance of SGD's gradient"
        if self.temperature == "matched":
            heat = f"temperature matched to SGD {_WHERE_MATCHED[self.match_at or 'minimum']}"
        else:
            heat = f"temperature {self.temperature:g}"
        return f"Langevin dynamics with isotropic {tail} noise, {heat}"

    def _method(self) -> str:
        if self.substeps == 1:
            return "Euler with dt = the learning rate"
        return f"Euler with dt = 1/{self.substeps} of the learning rate"


def _faults_of_dt(table: dict[str, Any]) -> list[Fault]:
    """Say what is wrong with the key ``dt`` of a table."""
    faults = []
    if table["dt"] != "learning-rate":
        mend = "for a smaller step set substeps: dt = learning_rate / substeps"
        faults.append(Fault(("dt",), table["dt"], '"learning-rate"', mend))
    if "substeps" in table:
        allowed = 'one of substeps and dt = "learning-rate"'
        faults.append(Fault(("substeps",), table["substeps"], allowed, "remove one of the two"))
    return faults


Model = Annotated[GradientDescent | Sgd | Sde, Field(discriminator="kind")]
