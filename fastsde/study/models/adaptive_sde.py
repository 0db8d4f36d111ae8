"""What the SDEs of Adam, RMSProp and signSGD share: the noise of a batch, from the samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from fastsde.study.fields import Count, Expect, Fault, Positive, Size, refuse
from fastsde.study.models.batches import HOW_DRAWN, batch_faults, batch_part, no_samples
from fastsde.study.models.ruled import Ruled
from fastsde.study.setting import Setting, Where

__all__ = ["AdaptiveSde"]

FiniteSampling = Annotated[
    Literal["epoch", "without-replacement", "replacement"],
    Expect('"epoch", "without-replacement" or "replacement"'),
]


class AdaptiveSde(Ruled):
    """The SDE of an adaptive algorithm with batches of finite data.

    Parameters
    ----------
    substeps : int, default 8
        Euler steps in one learning rate.
    batch, sampling : int, str
        The algorithm whose noise is modelled; in a study they default to those of its first algorithm with
        batches.
    weight_decay : float, optional
        Adds ``weight_decay theta`` to the gradient.
    """

    hints: ClassVar[Mapping[str, str]] = {"dt": "set substeps in its place: dt = learning_rate / substeps"}

    kind: str
    substeps: Count = 8
    batch: Size = 1
    sampling: FiniteSampling = "epoch"
    weight_decay: Positive | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        refuse(self.clashes())
        return self

    @property
    def independent_noise(self) -> bool:
        """Whether its noise is independent from step to step."""
        return True

    @property
    def samples_per_step(self) -> int:
        """Samples whose gradients are taken together: one, for its square."""
        return 1

    @property
    def multiplicative(self) -> bool:
        """Whether the noise depends on the state: it does."""
        return True

    @classmethod
    def follows_batch(cls, table: Mapping[str, Any]) -> bool:
        """Whether the batch is that of the study's first algorithm with batches: always."""
        return True

    @classmethod
    def default_batch(cls, plain: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the batch and sampling of the study's first algorithm with batches."""
        fresh = reference.get("sampling") == "fresh"  # of a population, which is refused as such
        return {**reference, "sampling": "replacement"} if fresh else reference

    def not_shared(self) -> str:
        """Say why paths at dt and dt / 2 cannot be compared."""
        return "its averages at dt and at dt / 2 do not share their noise"

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse what has no samples, or no noise, and check batch and terms."""
        if setting.samples == 0:
            yield no_samples("kind", self, where)
        elif setting.population:
            expected = "finite data: the variance of a gradient is taken from its samples"
            yield Fault((*where, "kind"), self.kind, expected, "give data.samples a number")
        elif (self.batch, self.sampling) not in setting.batches:
            yield from batch_faults(self, setting, where)
        if setting.samples and self.batch <= setting.samples and not batch_part(self, setting.samples):
            expected = f"below {setting.samples}, the samples: all of them together have no noise"
            yield Fault((*where, "batch"), self.batch, expected, "take a smaller batch")
        yield from super().faults(setting, where)

    def noise_words(self) -> str:
        """Say of which batches the noise is, with the terms, and how steps are taken."""
        decay = "" if self.weight_decay is None else f"; weight decay {self.weight_decay:g}"
        method = f"Euler with dt = 1/{self.substeps} of the learning rate"
        return f"batches of {self.batch}, {HOW_DRAWN[self.sampling]}{decay}: {method}"
