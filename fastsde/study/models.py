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
With ``by_component`` every component of xi, or every sample's weight in N, has a stable number of its own.

The general model is ``d theta = -[(I + J) grad U + (eta/2) H grad U + 1/2 grad <H, Sigma>] dt + dM`` with
``U = L + weight_decay |theta|^2 / 2``, run on the ordinary clock or on an inverse stable subordinator; each
term is a field of the models that may have it. All noise is Ito: the coefficient is taken at the start of the
step. Stratonovich's form would add the drift ``1/2 sum_k (D B_k) B_k``, B_k the columns of the noise's root:
nothing for isotropic or given noise, and for gradient noise terms of order ``eta``, beside which the
second-order drift stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fastsde.study.fields import LARGEST, Count, Expect, Fault, Positive, Section, Size, Tail, refuse
from fastsde.study.terms import Covariance, Jumps, Rotation, Subordination

__all__ = ["GradientDescent", "Model", "Sampling", "Sde", "Sgd", "Svag", "fields_of", "follows_batch"]

Sampling = Annotated[
    Literal["epoch", "without-replacement", "replacement", "fresh"],
    Expect('"epoch", "without-replacement", "replacement" or "fresh"'),
]
Temperature = Annotated[
    Annotated[float, Field(ge=0, le=LARGEST)] | Literal["matched"] | None,
    Expect('a number from 0 to 1e15, or "matched"'),
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


MomentumShare = Annotated[float | None, Field(gt=0, lt=1), Expect("a number above 0 and below 1")]
Directions = Annotated[int | None, Field(ge=1, le=4), Expect("a whole number from 1 to 4")]
Switch = Annotated[bool | None, Expect("true or false")]


class _Dynamics(Section):
    """What the models with steps shorter than the learning rate share: the terms of the drift.

    Parameters
    ----------
    weight_decay : float, optional
        Adds ``weight_decay theta`` to the gradient.
    rotation : Rotation, optional
        Adds ``J grad U``.
    second_order : bool, optional
        Adds ``(eta/2) H grad U``, the gradient of ``(eta/4) |grad U|^2``: the modified equation, of weak
        order 2 in eta (Li, Tai and E 2019), for gradient descent of order 2 as well (Barrett and Dherin
        2021).
    central_flow : int, optional
        Adds the central flow of gradient descent along so many unstable directions, 1 to 4 (Cohen et al.
        2025). With noise it is a modelling choice without a derivation.
    """

    kind: str
    substeps: Count
    weight_decay: Positive | None = None
    rotation: Rotation | None = None
    second_order: Switch = None
    central_flow: Directions = None

    def drift_words(self) -> str:
        """Say what the drift has beside the gradient, as the end of a sentence."""
        words = []
        if self.weight_decay is not None:
            words.append(f"weight decay {self.weight_decay:g}")
        if self.rotation is not None:
            words.append("a rotational term J grad U")
        if self.second_order:
            words.append("the second-order term of the modified equation")
        if self.central_flow is not None:
            plural = "s" if self.central_flow > 1 else ""
            words.append(f"the central flow of {self.central_flow} direction{plural}")
        return " with " + " and ".join(words) if words else ""

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
    momentum, nesterov : float, bool, optional
        As for `Sgd`; only with one substep.
    """

    synonyms: ClassVar[Mapping[str, str]] = {
        "gradient-descent": 'kind = "gd"',
        "gradient-flow": 'kind = "gd", substeps = 8',
        "flow": 'kind = "gd", substeps = 8',
    }
    hints: ClassVar[Mapping[str, str]] = {"dt": "set substeps in its place: dt = learning_rate / substeps"}

    kind: Literal["gd"] = "gd"
    substeps: Count = 1
    momentum: MomentumShare = None
    nesterov: Switch = None

    @model_validator(mode="after")
    def _agree(self) -> GradientDescent:
        faults = _momentum_faults(self)
        if self.momentum is not None and self.substeps > 1:
            mend = "remove momentum, or set substeps = 1"
            faults.append(Fault(("momentum",), self.momentum, "momentum only with substeps = 1", mend))
        if self.momentum is not None and self.central_flow is not None:
            allowed = "the central flow of descent without momentum"
            faults.append(Fault(("central_flow",), self.central_flow, allowed, "remove one of the two"))
        refuse(faults)
        return self

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        terms = _momentum_words(self) + self.drift_words()
        if self.substeps == 1:
            steps = "steps of one learning rate down the full gradient, without noise"
            return f"Gradient descent{terms}: {steps}."
        return f"Gradient flow{terms}, without noise: Euler steps of 1/{self.substeps} of the learning rate."


class Sgd(Section):
    """Stochastic gradient descent with mini-batches.

    Parameters
    ----------
    batch : int, default 1
        Samples in a batch; the last batch of an epoch may be smaller.
    sampling : str
        How a batch is drawn; the four ways are different processes. ``"epoch"``: the data shuffled again each
        epoch; ``"without-replacement"``: independent batches without repetition inside; ``"replacement"``:
        independent samples; ``"fresh"``: new data at every step (population only). In a study file the
        default is ``"epoch"`` with finite data and ``"fresh"`` with the population.
    momentum : float, optional
        mu of ``v <- mu v + g``, ``theta <- theta - eta v`` (Polyak 1964, without dampening).
    nesterov : bool, optional
        ``theta <- theta - eta (g + mu v)`` instead.
    weight_decay : float, optional
        Adds ``weight_decay theta`` to every gradient.
    label_noise : float, optional
        Standard deviation of normal noise on the labels, drawn again at every step (Blanc et al. 2020).
    """

    synonyms: ClassVar[Mapping[str, str]] = {
        "momentum": 'kind = "sgd", momentum = 0.9',
        "minibatch": 'kind = "sgd"',
        "stochastic-gradient-descent": 'kind = "sgd"',
    }
    hints: ClassVar[Mapping[str, str]] = {
        "dt": "remove it: a step of SGD takes one time.learning_rate",
        "substeps": 'remove it: SGD has no smaller steps; kind = "svag" has',
    }

    kind: Literal["sgd"] = "sgd"
    batch: Size = 1
    sampling: Sampling = "epoch"
    momentum: MomentumShare = None
    nesterov: Switch = None
    weight_decay: Positive | None = None
    label_noise: Positive | None = None

    @model_validator(mode="after")
    def _agree(self) -> Sgd:
        refuse(_momentum_faults(self))
        return self

    @property
    def substeps(self) -> int:
        """Integrator steps in one learning rate: always 1."""
        return 1

    @property
    def samples_per_step(self) -> int:
        """Samples that one step uses: those of a batch."""
        return self.batch

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
        words = [f"batches of {self.batch}, {_HOW_DRAWN[self.sampling]}"]
        if self.label_noise is not None:
            words.append(f"label noise of standard deviation {self.label_noise:g} drawn at every step")
        if self.weight_decay is not None:
            words.append(f"weight decay {self.weight_decay:g}")
        if self.momentum is not None:
            words.append(_momentum_words(self).removeprefix(" with "))
        return f"Stochastic gradient descent with {'; '.join(words)}."


class Svag(Section):
    """Stochastic variance amplified gradient (Li, Malladi and Arora 2021): SGD on its way to its SDE.

    Steps of ``eta / substeps`` with ``c1 g1 + c2 g2``, ``c1, c2 = (1 +- sqrt(2 l - 1)) / 2``, l = substeps
    and g1, g2 gradients of independent batches: mean of SGD's, covariance l times it. l = 1 is SGD, large l
    the SDE; where both agree with SGD, the SDE is a fair model of it.

    Parameters
    ----------
    substeps : int
        l.
    batch : int
        Samples in each of the two batches of a step.
    sampling : str
        How a batch is drawn, independently of all others: ``"replacement"`` or ``"without-replacement"`` with
        finite data, ``"fresh"``, new data at every step, with the population.
    """

    hints: ClassVar[Mapping[str, str]] = {"dt": "set substeps in its place: dt = learning_rate / substeps"}

    kind: Literal["svag"] = "svag"
    substeps: Count
    batch: Size = 1
    sampling: Annotated[
        Literal["without-replacement", "replacement", "fresh"],
        Expect('"without-replacement" or "replacement", or "fresh" where data.samples = "population"'),
    ] = "replacement"

    @property
    def samples_per_step(self) -> int:
        """Samples that one step uses: those of two batches."""
        return 2 * self.batch

    def dt(self, learning_rate: float) -> float:
        """Give the time of one step, ``learning_rate / substeps``."""
        return learning_rate / self.substeps

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        return (
            f"SVAG of level {self.substeps}: two batches of {self.batch}, {_HOW_DRAWN[self.sampling]}, in "
            f"each step of 1/{self.substeps} of the learning rate."
        )


class Sde(_Dynamics):
    """A stochastic differential equation meant to stand for SGD.

    Parameters
    ----------
    noise : {"gradient", "isotropic", "given"}
        The covariance of the noise: that of SGD's gradient, following the state; the same everywhere and in
        all directions; or the constant `covariance`.
    covariance : Covariance, optional
        For given noise, per unit time.
    substeps : int, default 8
        Euler steps in one learning rate. 1 is Euler with ``dt = learning_rate``: SGD with Gaussianised
        noise, not the SDE.
    dt : "learning-rate", optional
        Another way to write ``substeps = 1``.
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
    by_component : bool, optional
        With ``alpha < 2``: independent stable components instead of an elliptical law. The components are
        those of theta (isotropic), of the factor (given), the samples' weights (gradient noise of finite
        data: one sample dominates a step), or the entries of the two normal matrices of a population's noise.
    truncation : float, optional
        With ``alpha < 2``: numbers beyond it are drawn again. By component it bounds every component, in the
        scale of ``exp(-|u|^alpha)``; elliptical, the root of the clock, in units of the Gaussian increment.
    jumps : Jumps, optional
        With ``alpha = 2``: compound Poisson jumps beside the Gaussian part, the covariance unchanged.
    batch_scaling : {"stable"}, optional
        Stable noise of a batch: by default its scale falls with ``B^(-1/2)`` as a Gaussian's; "stable" is the
        generalised central limit, ``B^(1/alpha - 1)``.
    subordination : Subordination, optional
        The clock of fractional time.
    batch, sampling : int, str
        The SGD whose noise is modelled; in a study they default to those of its first ``sgd`` model.

    Raises
    ------
    pydantic.ValidationError
        For combinations without a meaning; a study file turns it into a `fastsde.system.errors.StudyError`.
    """

    synonyms: ClassVar[Mapping[str, str]] = {
        "langevin": 'kind = "sde", noise = "isotropic"',
        "isotropic": 'kind = "sde", noise = "isotropic"',
        "brownian": 'kind = "sde", noise = "isotropic"',
        "gradient-noise": 'kind = "sde", noise = "gradient"',
        "levy": 'kind = "sde", noise = "gradient", alpha = 1.8',
        "stable": 'kind = "sde", noise = "gradient", alpha = 1.8',
        "tempered": 'kind = "sde", noise = "gradient", alpha = 1.6, tempering = 1000.0',
    }
    shorthands: ClassVar[Mapping[str, str]] = {"dt": '"learning-rate", in place of substeps = 1'}

    kind: Literal["sde"] = "sde"
    noise: Annotated[Literal["gradient", "isotropic", "given"], Expect('"gradient", "isotropic" or "given"')]
    covariance: Covariance | None = None
    substeps: Count = 8
    temperature: Temperature = None
    match_at: MatchAt = None
    alpha: Tail = 2.0
    tempering: Positive | None = None
    by_component: Switch = None
    truncation: Positive | None = None
    jumps: Jumps | None = None
    batch_scaling: Annotated[Literal["stable"] | None, Expect('"stable"')] = None
    subordination: Subordination | None = None
    batch: Size = 1
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
        if self.noise != "isotropic" and self.temperature is not None:
            mend = 'remove temperature, or set noise = "isotropic"'
            why = 'noise = "gradient" follows SGD' if self.noise == "gradient" else "the covariance is given"
            faults.append(Fault(("temperature",), self.temperature, f"nothing: {why}", mend))
        elif self.match_at is not None and self.temperature != "matched":
            mend = 'remove match_at, or set temperature = "matched" and noise = "isotropic"'
            faults.append(Fault(("match_at",), self.match_at, "nothing: no temperature is matched", mend))
        if self.tempering is not None and self.alpha == 2:
            mend = "set alpha below 2, or remove tempering (Gaussian noise has no tail to temper)"
            faults.append(Fault(("tempering",), self.tempering, "tempering only with alpha below 2", mend))
        refuse([*faults, *self._term_faults()])
        return self

    def _term_faults(self) -> list[Fault]:
        """Say which terms of the noise do not go together."""
        faults = []
        if (self.noise == "given") != (self.covariance is not None):
            mend = 'write noise = "given" and covariance = { matrix = [[..], ..] }, or neither'
            found = "set" if self.covariance else "not set"
            faults.append(
                Fault(("covariance",), found, "a covariance with given noise, and only there", mend)
            )
        stable = self.alpha < 2 and self.tempering is None
        for name in ("by_component", "truncation", "batch_scaling"):
            value = getattr(self, name)
            if value is not None and not stable:
                allowed = f"{name} only with alpha below 2 and no tempering"
                faults.append(Fault((name,), value, allowed, f"remove {name}"))
        fixed = self.noise == "given" or (self.noise == "isotropic" and self.temperature != "matched")
        if self.batch_scaling is not None and fixed:
            allowed = "nothing: the scale of the noise is given, not that of a batch"
            faults.append(Fault(("batch_scaling",), self.batch_scaling, allowed, "remove batch_scaling"))
        if self.jumps is not None and self.alpha < 2:
            mend = "remove jumps, or alpha: stable noise has its own jumps"
            faults.append(Fault(("jumps",), "set", "jumps only with alpha = 2", mend))
        if self.subordination is not None and self.central_flow is not None:
            allowed = "no central flow in fractional time"
            faults.append(Fault(("central_flow",), self.central_flow, allowed, "remove one of the two"))
        return faults

    def summary(self) -> str:
        """Say in one sentence what the model is.

        Examples
        --------
        >>> Sde(noise="gradient", substeps=1, batch=4, sampling="fresh").summary()
        'SGD with Gaussianised gradient noise of batch 4 of fresh data: Euler with dt = the learning rate.'
        """
        clock = ""
        if self.subordination is not None:
            clock = f", in fractional time of order {self.subordination.beta:g}"
        return f"{self._subject()}{self.drift_words()}{clock}: {self._method()}."

    def _subject(self) -> str:
        if self.jumps is not None:
            tail = f"Gaussian and compound Poisson (rate {self.jumps.rate:g})"
        elif self.alpha == 2:
            tail = "Gaussian"
        elif self.tempering is None:
            tail = f"{self.alpha:g}-stable"
        else:
            tail = f"tempered {self.alpha:g}-stable (rate {self.tempering:g})"
        if self.truncation is not None:
            tail = f"truncated {tail} (beyond {self.truncation:g})"
        if self.by_component:
            tail += ", by component,"
        if self.noise == "given":
            return f"SDE with {tail} noise of a given covariance"
        if self.noise == "gradient":
            if self.alpha == 2 and self.substeps == 1:
                return f"SGD with Gaussianised gradient noise of {self._batch_words()}"
            return f"SDE with {tail} noise of the covariance of SGD's gradient for {self._batch_words()}"
        if self.temperature == "matched":
            where = _WHERE_MATCHED[self.match_at or "minimum"]
            heat = f"temperature matched {where} to SGD with {self._batch_words()}"
        else:
            heat = f"temperature {self.temperature:g}"
        return f"Langevin dynamics with isotropic {tail} noise, {heat}"

    def _batch_words(self) -> str:
        """Say of which batch the noise is."""
        return f"batch {self.batch} {_HOW_DRAWN[self.sampling]}"

    def _method(self) -> str:
        if self.substeps == 1:
            return "Euler with dt = the learning rate"
        return f"Euler with dt = 1/{self.substeps} of the learning rate"


def _momentum_faults(model: GradientDescent | Sgd) -> list[Fault]:
    if model.nesterov is None or model.momentum is not None:
        return []
    return [Fault(("nesterov",), model.nesterov, "nesterov only with momentum", "set momentum = 0.9")]


def _momentum_words(model: GradientDescent | Sgd) -> str:
    if model.momentum is None:
        return ""
    return f" with {'Nesterov ' if model.nesterov else ''}momentum {model.momentum:g}"


def _faults_of_dt(table: dict[str, Any]) -> list[Fault]:
    """Say what is wrong with the key ``dt`` of a table."""
    faults = []
    if table["dt"] != "learning-rate":
        mend = "for another step set substeps in its place: dt = learning_rate / substeps"
        return [Fault(("dt",), table["dt"], '"learning-rate"', mend)]
    if "substeps" in table:
        allowed = 'one of substeps and dt = "learning-rate"'
        faults.append(Fault(("substeps",), table["substeps"], allowed, "remove one of the two"))
    return faults


Model = Annotated[GradientDescent | Sgd | Svag | Sde, Field(discriminator="kind")]

_KINDS: dict[str, type[Section]] = {"gd": GradientDescent, "sgd": Sgd, "svag": Svag, "sde": Sde}


def fields_of(kind: object) -> frozenset[str]:
    """Return the keys that a model of a kind may have; none of a kind that there is not.

    Examples
    --------
    >>> "batch" in fields_of("sde"), "batch" in fields_of("gd")
    (True, False)
    """
    known = _KINDS.get(kind) if isinstance(kind, str) else None
    return frozenset(known.model_fields) if known is not None else frozenset()


def follows_batch(table: Mapping[str, Any]) -> bool:
    """Whether the model of a table depends on the batch of an SGD: its batch is that of the study's SGD.

    Examples
    --------
    >>> follows_batch({"kind": "sde", "noise": "isotropic", "temperature": 0.1})
    False
    """
    if table.get("kind") != "sde":
        return table.get("kind") == "svag"
    matched = table.get("noise") == "isotropic" and table.get("temperature") in (None, "matched")
    return matched or table.get("noise") == "gradient"
