"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from fastsde.study.fields import Fault, Positive, Size, refuse
from fastsde.study.models.batches import HOW_DRAWN, IN_SHORT, Sampling, batch_faults, no_samples
from fastsde.study.models.drifting import Switch
from fastsde.study.models.model import MODEL_KINDS, Model
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.momentum import MomentumShare, nesterov_faults

__all__ = ["Sgd"]


@MODEL_KINDS.register
class Sgd(Model):
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
    order: ClassVar[int] = 20
    sets_batch: ClassVar[bool] = True
    has_mode_rates: ClassVar[bool] = True
    needs_gradient: ClassVar[bool] = False

    kind: Literal["sgd"] = "sgd"
    batch: Size = 1
    sampling: Sampling = "epoch"
    momentum: MomentumShare = None
    nesterov: Switch = None
    weight_decay: Positive | None = None
    label_noise: Positive | None = None

    @model_validator(mode="after")
    def _agree(self) -> Sgd:
        refuse([*nesterov_faults(self), *self.clashes()])
        return self

    @property
    def substeps(self) -> int:
        """Integrator steps in one learning rate: always 1."""
        return 1

    @property
    def samples_per_step(self) -> int:
        """Samples that one step uses: those of a batch."""
        return self.batch

    @property
    def multiplicative(self) -> bool:
        """Whether the noise depends on the state: it does."""
        return True

    @property
    def has_gradient_noise(self) -> bool:
        """Whether the covariance of the noise is that of SGD's gradient: it is."""
        return True

    @property
    def batch_for_others(self) -> tuple[int, str]:
        """Batch and sampling that other models may take over."""
        return self.batch, self.sampling

    def control(self) -> Sgd | None:
        """Return the same SGD sampled with replacement, if its batches are drawn in shuffled epochs."""
        return self.model_copy(update={"sampling": "replacement"}) if self.sampling == "epoch" else None

    @classmethod
    def default_batch(cls, plain: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the batch and sampling of the study's kind of data."""
        return plain

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check batch and sampling, and the terms."""
        if setting.samples == 0:
            yield no_samples("kind", self, where)
        else:
            yield from batch_faults(self, setting, where)
        yield from super().faults(setting, where)

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return "theta <- theta - eta g, g the gradient of a batch"

    def title(self) -> str:
        """Name the model in a few plain words.

        Examples
        --------
        >>> Sgd(batch=2, sampling="epoch").title()
        'SGD in shuffled epochs'
        """
        terms = [term.words(value, self) for term, value in self.terms()]
        return ", ".join([f"SGD {IN_SHORT[self.sampling]}", *filter(None, terms)])

    def summary(self) -> str:
        """Say in one sentence what the model is.

        Examples
        --------
        >>> Sgd(batch=2, sampling="replacement").summary()
        'Stochastic gradient descent with batches of 2, drawn with replacement.'
        """
        terms = [term.words(value, self) for term, value in self.terms()]
        words = [f"batches of {self.batch}, {HOW_DRAWN[self.sampling]}", *filter(None, terms)]
        return f"Stochastic gradient descent with {'; '.join(words)}."
