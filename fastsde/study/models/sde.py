"""Stochastic differential equations as models of SGD."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fastsde.study.fields import LARGEST, Count, Expect, Fault, Positive, Size, Tail, refuse
from fastsde.study.models.batches import HOW_DRAWN, Sampling, batch_faults, no_samples
from fastsde.study.models.drifting import Switch
from fastsde.study.models.mixed import MixedModel
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.population import covariance_faults, moment_faults
from fastsde.study.models.sde_words import method, title
from fastsde.study.models.shaped import NoiseName, known_noises
from fastsde.study.noise.jumps import Jumps
from fastsde.study.noise.law import NOISE_LAWS, NoiseLaw
from fastsde.study.setting import Setting, Where
from fastsde.study.state_noise.base import STATE_NOISES
from fastsde.study.terms.covariance import Covariance
from fastsde.study.terms.subordination import Subordination

__all__ = ["Sde"]

Temperature = Annotated[
    Annotated[float, Field(ge=0, le=LARGEST)] | Literal["matched"] | None,
    Expect('a number from 0 to 1e15, or "matched"'),
]
MatchAt = Annotated[
    Literal["start", "minimum", "local"] | None,
    Expect('"start", "minimum" or "local"'),
]
WHERE_MATCHED = {
    "start": "at the start",
    "minimum": "at the minimum",
    "local": "at the current point",
}
LAW_KEYS = ("tempering", "by_component", "truncation", "jumps")
"""Keys that describe a noise law together with `alpha`."""


@MODEL_KINDS.register
class Sde(MixedModel):
    """A stochastic differential equation as a model of SGD.

    Parameters
    ----------
    noise : str
        The covariance of the noise: that of SGD's gradient ("gradient"), following the state; the same
        everywhere and in all directions ("isotropic"); the constant `covariance` ("given"); or one of
        `fastsde.study.state_noise`, which follow the state.
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
        Rate ``lam`` above 0 of an exponentially tempered clock, per unit time; needs
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
        With ``alpha = 2``: compound Poisson jumps added to the Gaussian part, the covariance unchanged.
    batch_scaling : {"stable"}, optional
        Stable noise of a batch: by default its scale falls with ``B^(-1/2)`` as a Gaussian's; "stable" is the
        generalised central limit, ``B^(1/alpha - 1)``.
    subordination : Subordination, optional
        The clock of fractional time.
    law : NoiseLaw, optional
        A noise law by its `kind`, with its fields, in place of the keys `alpha` to `jumps`: one of
        `fastsde.study.noise`, or of your own (docs/extending.md).
    batch, sampling : int, str
        The SGD whose noise is modelled; in a study they default to those of its first ``sgd`` model.
    epoch_bridge : bool, optional
        For Gaussian gradient noise with ``sampling = "epoch"``: whether the noise has the covariance of
        shuffled batches between the steps of an epoch as well, so that it sums to zero over an epoch to first
        order. By default noise is independent from step to step, with the covariance of a single step.

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
    order: ClassVar[int] = 40
    has_mode_rates: ClassVar[bool] = True

    kind: Literal["sde"] = "sde"
    noise: Annotated[NoiseName, Expect(known_noises())]
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
    epoch_bridge: Switch = None
    law: NoiseLaw | None = None

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
        isotropic = table.get("noise") == "isotropic"
        if isotropic and table.get("temperature") is None and table.get("trace") is None:
            table["temperature"] = "matched"
        if table.get("temperature") == "matched" and table.get("match_at") is None:
            table["match_at"] = "minimum"
        return table

    @model_validator(mode="after")
    def _agree(self) -> Sde:
        refuse([*self._temperature_faults(), *self.shape_faults(), *self._law_faults(), *self.clashes()])
        refuse(self.degree_faults(self.noise_law, "by_component" if self.law is None else "law"))
        return self

    def _temperature_faults(self) -> Iterator[Fault]:
        """Check what goes with the covariance of the noise."""
        if self.noise != "isotropic" and self.temperature is not None:
            fix = 'remove temperature, or set noise = "isotropic"'
            why = 'noise = "gradient" follows SGD' if self.noise == "gradient" else "the covariance is given"
            why = f"noise = {self.noise!r} follows the state" if self.noise in STATE_NOISES else why
            yield Fault(("temperature",), self.temperature, f"nothing: {why}", fix)
        elif self.match_at is not None and self.temperature != "matched":
            fix = 'remove match_at, or set temperature = "matched" and noise = "isotropic"'
            yield Fault(("match_at",), self.match_at, "nothing: no temperature is matched", fix)
        if self.temperature is not None and self.trace is not None:
            expected = "one of trace and temperature: trace = 2 T p"
            yield Fault(("temperature",), self.temperature, expected, "remove one of the two")
        if (self.noise == "given") != (self.covariance is not None):
            fix = 'write noise = "given" and covariance = { matrix = [[..], ..] }, or neither'
            found = "set" if self.covariance else "not set"
            yield Fault(("covariance",), found, "a covariance with given noise, and only there", fix)
        if self.batch_scaling is not None and not self._sized_by_a_batch:
            expected = "nothing: the scale of the noise is given, not that of a batch"
            yield Fault(("batch_scaling",), self.batch_scaling, expected, "remove batch_scaling")

    def _law_faults(self) -> Iterator[Fault]:
        """Check the keys of the noise law against each other."""
        if self.tempering is not None and self.alpha == 2:
            fix = "set alpha below 2, or remove tempering (Gaussian noise has no tail to temper)"
            yield Fault(("tempering",), self.tempering, "tempering only with alpha below 2", fix)
        stable = self.alpha < 2 and self.tempering is None
        for name in ("by_component", "truncation"):
            value = getattr(self, name)
            if value is not None and not stable:
                expected = f"{name} only with alpha below 2 and no tempering"
                yield Fault((name,), value, expected, f"remove {name}")
        if self.batch_scaling is not None and self.noise_law.time_exponent == 0.5:
            expected = "batch_scaling only with alpha below 2 and no tempering"
            yield Fault(("batch_scaling",), self.batch_scaling, expected, "remove batch_scaling")
        if self.jumps is not None and self.alpha < 2:
            fix = "remove jumps, or alpha: stable noise has its own jumps"
            yield Fault(("jumps",), "set", "jumps only with alpha = 2", fix)
        if self.law is None:
            return
        others = ["alpha"] * (self.alpha < 2) + [key for key in LAW_KEYS if getattr(self, key) is not None]
        if others:
            expected = f"one description of the noise law: there is {', '.join(others)} beside it"
            yield Fault(("law",), self.law.kind, expected, f"remove law, or {' and '.join(others)}")
        if self.law.noises is not None and self.noise not in self.law.noises:
            words = " or ".join(f'"{noise}"' for noise in self.law.noises)
            fix = f"set noise = {words}, or take another law"
            yield Fault(("law",), self.law.kind, f"a law that goes with noise = {self.noise!r}", fix)

    @property
    def noise_law(self) -> NoiseLaw:
        """The law of the increments: that of the table `law`, or of the keys `alpha` to `jumps`."""
        if self.law is not None:
            return self.law
        described = (law.of_keys(self) for law in NOISE_LAWS.values())
        return next(law for law in described if law is not None)

    @property
    def matched(self) -> bool:
        """Whether the temperature is that of SGD's noise."""
        return self.temperature == "matched"

    @property
    def has_gradient_noise(self) -> bool:
        """Whether the noise is that of SGD's gradient, or has its trace at every state."""
        return self.noise == "gradient" and self.trace is None

    @property
    def independent_noise(self) -> bool:
        """Whether its noise is independent from step to step."""
        return not self.epoch_bridge

    @property
    def tail_index(self) -> float:
        """Moments of an increment exist below this order; infinite if all exist, as without noise."""
        return math.inf if self.temperature == 0 else self.noise_law.tail_index

    @property
    def _follows_a_batch(self) -> bool:
        """Whether the noise is made of that of a batch."""
        return self.noise == "gradient" or self.matched or _from_samples(self.noise)

    @property
    def _sized_by_a_batch(self) -> bool:
        """Whether the scale of the noise is that of a batch."""
        return self._follows_a_batch and self.trace is None

    @property
    def noise_exponent(self) -> float:
        """Exponent p of the noise of a step, which goes as ``f^p`` with the learning rate's share f.

        A given temperature or covariance is kept, as by a change of time: 1/2, and 1/alpha for stable noise.
        A matched one follows SGD, as gradient noise does: 1.
        """
        return 1.0 if self._sized_by_a_batch else self.noise_law.time_exponent

    @property
    def multiplicative(self) -> bool:
        """Whether the noise depends on the state."""
        return self.noise == "gradient" or self.match_at == "local" or self.form is not None

    @classmethod
    def follows_batch(cls, table: Mapping[str, Any]) -> bool:
        """Whether the model of a table depends on the batch of an SGD.

        Examples
        --------
        >>> Sde.follows_batch({"kind": "sde", "noise": "isotropic", "temperature": 0.1})
        False
        """
        noise, free = table.get("noise"), table.get("trace") is None
        matched = noise == "isotropic" and free and table.get("temperature") in (None, "matched")
        return matched or noise == "gradient" or _from_samples(noise)

    @classmethod
    def default_batch(cls, plain: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the batch and sampling of the study's SGD."""
        return reference

    def not_shared(self) -> str:
        """Say why paths at dt and dt / 2 cannot be compared; empty if they can."""
        reasons = (self.noise_law.not_shared(), *(term.not_shared(value) for term, value in self.terms()))
        return next(filter(None, reasons), "")

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check the noise against data, landscape and time, and the terms."""
        yield from self._moment_faults(setting, where)
        if setting.landscape:
            yield from self._landscape_faults(setting, where)
        else:
            if self.match_at == "start" and setting.given_states:
                expected = '"minimum" or "local": a temperature is matched before the states are read'
                yield Fault((*where, "match_at"), self.match_at, expected)
            if (self.batch, self.sampling) not in setting.batches:  # where the SGD itself is complained of
                yield from batch_faults(self, setting, where)
        law = self.noise_law
        for fault in law.faults(self.dt(setting.learning_rate)):
            field = str(fault.where[0]) if fault.where else ""
            path = ("law", *fault.where) if self.law is not None else law.keys.get(field, fault.where)
            yield Fault((*where, *path), fault.value, fault.expected, fault.fix)
        yield from super().faults(setting, where)

    def _moment_faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check that the moments exist that the noise needs."""
        missing = list(moment_faults(self, setting, where))
        yield from missing
        if not missing and self._follows_a_batch:
            key = "temperature" if self.matched else "noise"
            yield from covariance_faults(key, self, setting, where)

    def _landscape_faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check noise that follows a batch against a landscape."""
        if not self._follows_a_batch:
            return
        if setting.samples == 0:
            yield no_samples("temperature" if self.matched else "noise", self, where)
            return
        yield from batch_faults(self, setting, where)
        if self.match_at == "minimum":
            expected = (
                'a number, or "matched" elsewhere than at the minimum: that of a landscape is not known'
            )
            fix = 'set match_at = "start" or "local", or temperature to a number'
            yield Fault((*where, "temperature"), "matched", expected, fix)

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md.

        Examples
        --------
        >>> Sde(noise="isotropic", temperature=0.1).equation()
        'd theta = -grad U dt + dM, dM = Sigma^(1/2) dW, Sigma = 2 T I'
        >>> Sde(noise="gradient", batch=1, sampling="fresh", alpha=1.5).equation().rpartition(", ")[2]
        'Sigma = eta^(2 - 2/alpha) C(theta)'
        """
        return f"d theta = -grad U dt + dM, {self.noise_law.equation}, Sigma = {self._sigma()}"

    def _sigma(self) -> str:
        """Write Sigma; that of stable noise gives a step of the learning rate the size of SGD's noise."""
        unit = "" if self.noise_law.time_exponent == 0.5 else "eta^(1 - 2/alpha) "
        if self.batch_scaling == "stable":
            unit += "batch^(2/alpha - 1) "
        if self.noise == "gradient":
            return f"eta {unit}C(theta)".replace("eta eta^(1", "eta^(2")
        if self.noise == "isotropic":
            return f"2 T {unit}I"
        return f"{unit}C" if self.noise == "given" else f"{unit}B(theta) B(theta)^T"

    def title(self) -> str:
        """Name the model in a few plain words."""
        return title(self, self._subject())

    def summary(self) -> str:
        """Say in one sentence what the model is.

        Examples
        --------
        >>> Sde(noise="gradient", substeps=1, batch=4, sampling="fresh").summary()
        'SGD with Gaussianised gradient noise of batch 4 of fresh data: Euler with dt = the learning rate.'
        """
        others = "".join(f", {words}" for words in self.other_words())
        return f"{self._subject()}{self.drift_words()}{others}: {method(self)}."

    def _subject(self) -> str:
        tail = self.noise_law.words()
        if self.degree_words():
            return f"SDE with {tail} noise {self.degree_words()}{self._size_words()}"
        if self.form is not None:
            return f"SDE with {tail} noise {self.form.words(self)}{self._size_words()}"
        if self.noise == "given":
            return f"SDE with {tail} noise of a given covariance"
        if self.noise == "gradient":
            if self.noise_law.gaussian and self.substeps == 1:
                return f"SGD with Gaussianised gradient noise of {self._batch_words()}"
            return f"SDE with {tail} noise of the covariance of SGD's gradient for {self._batch_words()}"
        if self.matched:
            where = WHERE_MATCHED[self.match_at or "minimum"]
            heat = f"temperature matched {where} to SGD with {self._batch_words()}"
        elif self.trace is not None:
            heat = f"trace {self.trace:g}"
        else:
            heat = f"temperature {self.temperature:g}"
        return f"Langevin dynamics with isotropic {tail} noise, {heat}"

    def _size_words(self) -> str:
        """Say how large noise that follows the state is."""
        if self.trace is not None:
            return f", trace {self.trace:g} at every state"
        if self._follows_a_batch:
            return f" for {self._batch_words()}"
        size = [(key, getattr(self, key)) for key in ("strength", "zeta")]
        return "".join(f", {key} {value:g}" for key, value in size if value is not None)

    def _batch_words(self) -> str:
        """Say of which batch the noise is."""
        return f"batch {self.batch} {HOW_DRAWN[self.sampling]}"


def _from_samples(noise: Any) -> bool:
    """Say whether a noise that follows the state is a part of the covariance of SGD's gradient."""
    form = STATE_NOISES.get(noise) if isinstance(noise, str) else None
    return form is not None and form.from_samples


def _faults_of_dt(table: dict[str, Any]) -> list[Fault]:
    """Say what is wrong with the key ``dt`` of a table."""
    if table["dt"] != "learning-rate":
        fix = "for another step set substeps in its place: dt = learning_rate / substeps"
        return [Fault(("dt",), table["dt"], '"learning-rate"', fix)]
    if "substeps" in table:
        expected = 'one of substeps and dt = "learning-rate"'
        return [Fault(("substeps",), table["substeps"], expected, "remove one of the two")]
    return []
