"""SVAG: SGD on its way to its SDE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from fastsde.study.fields import Count, Expect, Fault, Size
from fastsde.study.models.batches import HOW_DRAWN, batch_faults, no_samples
from fastsde.study.models.model import MODEL_KINDS, Model
from fastsde.study.models.population import moment_faults
from fastsde.study.setting import Setting, Where

__all__ = ["Svag"]


@MODEL_KINDS.register
class Svag(Model):
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
    order: ClassVar[int] = 30
    has_mode_rates: ClassVar[bool] = True

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

    @property
    def multiplicative(self) -> bool:
        """Whether the noise depends on the state: it does."""
        return True

    @classmethod
    def follows_batch(cls, table: Mapping[str, Any]) -> bool:
        """Whether the batch is that of the study's SGD: always."""
        return True

    @classmethod
    def default_batch(cls, plain: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those of the study's SGD, drawn with replacement in place of epochs."""
        return {**reference, "sampling": "replacement"} if reference["sampling"] == "epoch" else reference

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check batch and sampling, and the terms."""
        yield from moment_faults(self, setting, where)
        if setting.samples == 0:
            yield no_samples("kind", self, where)
        else:
            yield from batch_faults(self, setting, where, finite=("without-replacement", "replacement"))
        yield from super().faults(setting, where)

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return "theta <- theta - (eta/l) [(1 + s) g_1 + (1 - s) g_2] / 2, s = (2l - 1)^(1/2)"

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        return (
            f"SVAG of level {self.substeps}: two batches of {self.batch}, {HOW_DRAWN[self.sampling]}, in "
            f"each step of 1/{self.substeps} of the learning rate."
        )
