"""The keys of a model whose noise is between isotropic and that of SGD's gradient, at equal trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from fastsde.study.fields import Expect, Fault
from fastsde.study.models.drifting import Switch
from fastsde.study.models.shaped import ShapedModel
from fastsde.study.noise.law import NoiseLaw

__all__ = ["MixedModel"]

Anisotropy = Annotated[Annotated[float, Field(ge=0, le=1)] | None, Expect("a number from 0 to 1")]


class MixedModel(ShapedModel):
    """A degree of anisotropy of gradient noise, and other eigenvectors of its covariance.

    Parameters
    ----------
    anisotropy : float, optional
        For gradient noise, a from 0 to 1: its covariance is ``(1 - a) tr(C) / p I + a C`` in place of C, of
        the same trace at every state; p is the number of parameters. 1, the default, is gradient noise
        itself, 0 isotropic noise of the trace of SGD's at the current state. An elliptical law, as that of
        `alpha`, multiplies both parts by the same factor.
    rotated : bool, optional
        For gradient noise: ``Q C Q^T`` in place of C, with the same eigenvalues and other eigenvectors. Q is
        a random orthogonal matrix of the study's seed, fixed for all trajectories and times
        (`fastsde.study.turn`).
    """

    anisotropy: Anisotropy = None
    rotated: Switch = None

    @property
    def degree(self) -> float:
        """Share of the covariance of SGD's gradient in that of gradient noise; the rest is isotropic."""
        return 1.0 if self.anisotropy is None else self.anisotropy

    @property
    def mixed(self) -> bool:
        """Whether gradient noise is partly isotropic, or turned: neither isotropic noise nor SGD's own."""
        return self.noise == "gradient" and self.degree > 0 and (self.degree < 1 or bool(self.rotated))

    def covariance_words(self) -> str:
        """Write the covariance of gradient noise as a formula of C."""
        own = "Q C Q^T" if self.rotated else "C"
        if self.degree == 0:
            return "tr(C)/p I"
        return own if self.degree == 1 else f"{1 - self.degree:g} tr(C)/p I + {self.degree:g} {own}"

    def degree_words(self) -> str:
        """Say after "noise" which covariance it has; empty if it is SGD's own."""
        if self.noise != "gradient" or (self.degree == 1 and not self.rotated):
            return ""
        turn = ", Q a random orthogonal matrix" if self.rotated and self.degree > 0 else ""
        return f"of covariance {self.covariance_words()}, C that of SGD's gradient{turn},"

    def degree_faults(self, law: NoiseLaw, place: str) -> Iterator[Fault]:
        """Check both keys against the noise and its law; paths start at the model, `place` is the law's."""
        keys = [key for key in ("anisotropy", "rotated") if getattr(self, key) is not None]
        if not keys:
            return
        if self.noise != "gradient":
            for key in keys:
                expected = f'nothing: {key} is for noise = "gradient", whose covariance it changes'
                fix = f'set noise = "gradient", or remove {key}'
                yield Fault((key,), getattr(self, key), expected, fix)
        elif not law.elliptical or "isotropic" not in (law.noises or ("isotropic",)):
            found = law.kind if place == "law" else getattr(self, place)
            expected = f"an elliptical law with {keys[0]}: noises of this law do not add up to one of it"
            yield Fault((place,), found, expected, f"remove {place}, or {' and '.join(keys)}")
