"""What Adam, RMSProp and signSGD share: the gradients that they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from fastsde.study.fields import Expect, Fault, Positive, Size, refuse
from fastsde.study.models.batches import HOW_DRAWN, Sampling, batch_faults, no_samples
from fastsde.study.models.population import moment_faults
from fastsde.study.models.ruled import Ruled
from fastsde.study.setting import Setting, Where

__all__ = ["Adaptive"]

Gradient = Annotated[Literal["batch", "full"], Expect('"batch" or "full"')]


class Adaptive(Ruled):
    """An algorithm that takes steps by a rule of its own along gradients of batches, or of the whole loss.

    Parameters
    ----------
    gradient : {"batch", "full"}
        g: the gradient of a batch of samples, by default, or of the whole loss, without noise.
    batch : int, default 1
        Samples in a batch; the last batch of an epoch may be smaller.
    sampling : str
        How a batch is drawn, as for `Sgd`: ``"epoch"``, ``"without-replacement"``, ``"replacement"`` or
        ``"fresh"``.
    weight_decay : float, optional
        Adds ``weight_decay theta`` to every gradient.
    label_noise : float, optional
        Standard deviation of normal noise on the labels, drawn again at every step.
    """

    hints: ClassVar[Mapping[str, str]] = {
        "dt": "remove it: a step takes one time.learning_rate",
        "substeps": "remove it: the algorithm has no smaller steps; its SDE has",
    }
    sets_batch: ClassVar[bool] = True
    needs_gradient: ClassVar[bool] = False

    kind: str
    gradient: Gradient = "batch"
    batch: Size = 1
    sampling: Sampling = "epoch"
    weight_decay: Positive | None = None
    label_noise: Positive | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = list(self.clashes())
        if self.gradient == "full" and self.label_noise is not None:
            expected = 'label noise only with gradient = "batch"'
            faults.append(Fault(("label_noise",), self.label_noise, expected, "remove one of the two"))
        refuse(faults)
        return self

    @property
    def substeps(self) -> int:
        """Integrator steps in one learning rate: always 1."""
        return 1

    @property
    def samples_per_step(self) -> int:
        """Samples that one step uses: those of a batch; 0 for the full gradient."""
        return 0 if self.gradient == "full" else self.batch

    @property
    def multiplicative(self) -> bool:
        """Whether the noise depends on the state: it does."""
        return True

    @property
    def batch_for_others(self) -> tuple[int, str]:
        """Batch and sampling that other models may take over."""
        return self.batch, self.sampling

    def control(self) -> Self | None:
        """Return the same algorithm sampled with replacement, if its batches are drawn in shuffled epochs."""
        if self.gradient == "full" or self.sampling != "epoch":
            return None
        return self.model_copy(update={"sampling": "replacement"})

    @classmethod
    def default_batch(cls, plain: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the batch and sampling of the study's kind of data."""
        return plain

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check batch and sampling, and the terms."""
        if self.gradient == "full":
            yield from moment_faults(self, setting, where)
        elif setting.samples == 0:
            fault = no_samples("kind", self, where)
            yield Fault((*where, "gradient"), "batch", fault.expected, 'set gradient = "full"')
        else:
            yield from batch_faults(self, setting, where)
        yield from super().faults(setting, where)

    def gradient_words(self) -> str:
        """Say which gradients the algorithm takes, with its terms."""
        words = [term.words(value, self) for term, value in self.terms()]
        batches = f"batches of {self.batch}, {HOW_DRAWN[self.sampling]}"
        return "; ".join(["the full gradient" if self.gradient == "full" else batches, *filter(None, words)])
