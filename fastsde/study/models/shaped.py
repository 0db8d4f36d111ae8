"""The keys of a model whose noise follows the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fastsde.study.fields import Expect, Fault, NameIn, Number, Positive, Size
from fastsde.study.models.drifting import DriftingModel
from fastsde.study.state_noise.base import STATE_NOISES, StateNoise
from fastsde.study.state_noise.levelled import LEVELLED_GRADIENT

__all__ = ["PLAIN", "NoiseName", "ShapedModel"]

PLAIN = ("gradient", "isotropic", "given")
"""Noises that are not made by `fastsde.study.state_noise`."""
Rank = Annotated[Size | None, Field(le=256), Expect("a whole number from 1 to 256")]
Products = Annotated[Size | None, Field(le=16), Expect("a whole number from 1 to 16")]
Interpretation = Annotated[Literal["ito", "stratonovich"] | None, Expect('"ito" or "stratonovich"')]


class _Names(Mapping[str, StateNoise | None]):
    """The names that `noise` may have, with what those that follow the state are."""

    def __getitem__(self, name: str) -> StateNoise | None:
        return None if name in PLAIN else STATE_NOISES[name]

    def __iter__(self) -> Iterator[str]:
        yield from PLAIN
        yield from STATE_NOISES

    def __len__(self) -> int:
        return len(PLAIN) + len(STATE_NOISES)


def known_noises() -> str:
    """Return all names of noises, for messages.

    Examples
    --------
    >>> known_noises()[:34]
    '"gradient", "isotropic" or "given";'
    """
    others = ", ".join(f'"{name}"' for name in STATE_NOISES)
    return f'"gradient", "isotropic" or "given"; or one that follows the state: {others}'


class NoiseName(NameIn):
    """The name of a noise of an SDE."""

    registry: ClassVar[Mapping[str, StateNoise | None]] = _Names()


class ShapedModel(DriftingModel):
    """The keys of a model whose noise follows the state, `fastsde.study.state_noise`.

    Parameters
    ----------
    strength : float, optional
        Factor of the covariance per unit time, 1 by default: ``Cov(dM) = strength S(theta) dt``.
    zeta : float, optional
        For multiplicative noise, ``dM_i = zeta theta_i dW_i``; 1 by default.
    trace : float, optional
        The trace of the covariance per unit time at every state: ``Cov(dM) = trace S / tr S dt``, in place of
        `strength` and `zeta`, so that noises of equal size can be compared (Zhu et al. 2019). Where S is 0
        there is no noise. Also for isotropic noise (``2 T p = trace``) and the gradient noise of samples.
    floor : float, optional
        The loss at and below which noise proportional to the loss vanishes; 0 by default.
    function : str, optional
        For ``noise = "function"``: a name given to `fastsde.user.register`, or ``"module:name"``, as of a
        landscape of kind "user". ``function(theta, B)`` fills the p x `rank` matrix B.
    rank : int, optional
        Columns of B; p by default.
    products : int, optional
        Noises made of eigenvalues, above 16 parameters: steps of Lanczos' method, 12 by default.
    interpretation : {"ito", "stratonovich"}, optional
        The sense of the equation, Ito's by default. Stratonovich's adds the drift
        ``1/2 sum_jk (d_j B_ik) B_jk``, for Gaussian noise "loss", "multiplicative" and "function".
    """

    noise: str
    strength: Positive | None = None
    zeta: Positive | None = None
    trace: Positive | None = None
    floor: Number | None = None
    function: Annotated[str | None, Field(min_length=1), Expect('a registered name, or "module:name"')] = None
    rank: Rank = None
    products: Products = None
    interpretation: Interpretation = None

    @property
    def form(self) -> StateNoise | None:
        """The noise that follows the state; None of other noises."""
        if self.noise == "gradient" and self.trace is not None:
            return LEVELLED_GRADIENT
        return STATE_NOISES.get(self.noise)

    def shape_faults(self) -> Iterator[Fault]:
        """Check the keys of the noise against each other; paths start at the model."""
        form = self.form
        taken = {} if form is None else form.keys
        for key in ("strength", "zeta", "floor", "function", "rank", "products"):
            value = getattr(self, key)
            if value is not None and key not in taken:
                of = " or ".join(f'"{name}"' for name, other in STATE_NOISES.items() if key in other.keys)
                yield Fault((key,), value, f"nothing: {key} belongs to noise = {of}", f"remove {key}")
            elif value is None and taken.get(key):
                yield Fault((key,), "not set", f"{key}, which noise = {self.noise!r} needs", f"add {key}")
        for key in ("strength", "zeta"):
            if self.trace is not None and key in taken and getattr(self, key) is not None:
                expected = f"one of trace and {key}: the trace fixes the size of the noise"
                yield Fault((key,), getattr(self, key), expected, "remove one of the two")
        if self.trace is not None and self.noise == "given":
            expected = "nothing: the covariance is given, and has a trace of its own"
            yield Fault(("trace",), self.trace, expected, "remove trace, and scale the covariance")
        if self.interpretation == "stratonovich":
            yield from self._correction_faults(form)

    def _correction_faults(self, form: StateNoise | None) -> Iterator[Fault]:
        """Refuse Stratonovich's form where its drift is not known."""
        where, found = ("interpretation",), "stratonovich"
        if self.noise in ("isotropic", "given") and getattr(self, "match_at", None) != "local":
            expected = "nothing: this noise does not follow the state, and both forms are the same"
            yield Fault(where, found, expected, "remove interpretation")
        elif form is None or not form.has_correction:
            known = ", ".join(f'"{name}"' for name, one in STATE_NOISES.items() if one.has_correction)
            expected = f'"ito": for noise = {self.noise!r} the other drift is not known, but for {known}'
            yield Fault(where, found, expected, "remove interpretation")
        elif not getattr(self, "noise_law").gaussian:  # noqa: B009 - a property of the models that have a law
            expected = '"ito": only Gaussian noise has the other form'
            yield Fault(where, found, expected, "remove interpretation, or the keys of the noise law")
