"""What a kind of model says about itself, and the registry of model kinds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.kinds import Kind
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.term import Term, terms_of
from fastsde.system.registry import Registry

__all__ = [
    "MODEL_KINDS",
    "Model",
    "beginning",
    "fields_of",
    "first_setting_batch",
    "follows_batch",
    "with_default_batch",
]

MODEL_KINDS: Registry[type[Model]] = Registry("kind of model", "fastsde.study.models")


class Model(Kind):
    """A model of a study: dynamics that start from the same law as all others and are compared with them.

    A kind of model is a class that inherits from this one, with a `kind` and fields of its own, registered by
    ``@MODEL_KINDS.register``. It has a field or property `substeps`, and defines `summary`. Its step is what
    `fastsde.integrate.lowering.plain_step` returns for the class.

    Attributes
    ----------
    noisy : bool
        Whether its trajectories are random beyond their starting points.
    sets_batch : bool
        Whether the first model of the kind sets the batch and sampling of others that have none.
    needs_gradient : bool
        Whether it needs the gradient of the loss of a population, or only those of samples.
    replayed : bool
        Whether its trajectories are read from a file, and not integrated.
    has_mode_rates : bool
        Whether `fastsde.integrate.mode_rates` knows drift and diffusion of its modes; they are NaN otherwise.
    """

    kinds: ClassVar[Registry[type[Model]]] = MODEL_KINDS
    order: ClassVar[int] = 1000
    noisy: ClassVar[bool] = True
    sets_batch: ClassVar[bool] = False
    needs_gradient: ClassVar[bool] = True
    replayed: ClassVar[bool] = False
    has_mode_rates: ClassVar[bool] = False

    kind: str

    if TYPE_CHECKING:

        @property
        def substeps(self) -> int:
            """Integrator steps in one learning rate."""

    def dt(self, learning_rate: float) -> float:
        """Give the time of one integrator step, ``learning_rate / substeps``."""
        return learning_rate / self.substeps

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md; empty of a model that has none."""
        return ""

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        raise NotImplementedError(f"{type(self).__name__}.summary")

    def title(self) -> str:
        """Name the model in a few plain words: by default the beginning of its summary.

        Examples
        --------
        >>> from fastsde.study.models.adam import Adam
        >>> Adam(batch=2, sampling="replacement").title()
        'Adam'
        """
        return beginning(self.summary())

    def terms(self, setting: Setting | None = None) -> list[tuple[Term, Any]]:
        """Return the terms of the model with their values; with those of the study's `setting`, if given."""
        return terms_of(self, setting)

    @property
    def noise_exponent(self) -> float:
        """Exponent p of the noise of a step, which goes as ``f^p`` with the learning rate's share f."""
        return 1.0

    @property
    def independent_noise(self) -> bool:
        """Whether its noise is independent from step to step and compared with that of SGD."""
        return False

    @property
    def multiplicative(self) -> bool:
        """Whether the noise depends on the state."""
        return False

    @property
    def has_gradient_noise(self) -> bool:
        """Whether the covariance of the noise is that of SGD's gradient, batch by batch."""
        return False

    @property
    def tail_index(self) -> float:
        """Moments of an increment exist below this order; infinite if all exist."""
        return math.inf

    @property
    def batch_for_others(self) -> tuple[int, str] | None:
        """Batch and sampling that other models may take over; None of a kind that does not set them."""
        return None

    def control(self) -> Model | None:
        """Return the same model with independent steps, if the noise of a step depends on those before."""
        return None

    @classmethod
    def follows_batch(cls, table: Mapping[str, Any]) -> bool:
        """Whether the model of a table has the batch of the study's SGD if it has none of its own."""
        return False

    @classmethod
    def default_batch(cls, plain: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the batch and sampling of a model without them.

        Parameters
        ----------
        plain
            Those of the study's kind of data.
        reference
            Those of the first model that sets them.
        """
        return {}

    def not_shared(self) -> str:
        """Say why paths at dt and dt / 2 cannot be compared; empty if they can."""
        return f"kind = {self.kind!r} takes batches at steps of the learning rate: it has no dt to halve"

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check the model against the rest of the study; `where` is its path."""
        for term, value in self.terms(setting):
            yield from term.faults(value, self, setting, where)

    def clashes(self) -> Iterator[Fault]:
        """Check the terms of the model against each other; paths start at the model."""
        for term, value in self.terms():
            yield from term.clashes(value, self)

    def drift_words(self) -> str:
        """Say what the drift has besides the gradient, as the end of a sentence."""
        words = [term.words(value, self) for term, value in self.terms() if term.drift]
        return " with " + " and ".join(words) if words else ""

    def other_words(self) -> list[str]:
        """Name the terms that are not drift."""
        words = [term.words(value, self) for term, value in self.terms() if not term.drift]
        return [name for name in words if name]


def _class_of(table: Any) -> type[Model] | None:
    """Return the class of a table that is not validated yet; None if its kind is unknown."""
    kind = table.get("kind") if isinstance(table, Mapping) else None
    return MODEL_KINDS.get(kind) if isinstance(kind, str) else None


def fields_of(table: Any) -> frozenset[str]:
    """Return the keys that a model may have, by its table; none of a kind that there is not.

    Examples
    --------
    >>> "batch" in fields_of({"kind": "sde"}), "batch" in fields_of({"kind": "gd"})
    (True, False)
    """
    kind = _class_of(table)
    return frozenset() if kind is None else frozenset(kind.model_fields)


def follows_batch(table: Any) -> bool:
    """Whether the model of a table depends on the batch of the study's SGD.

    Examples
    --------
    >>> follows_batch({"kind": "svag", "substeps": 4}), follows_batch({"kind": "sgd"})
    (True, False)
    """
    kind = _class_of(table)
    return kind is not None and kind.follows_batch(table)


def first_setting_batch(tables: Mapping[str, Any]) -> str | None:
    """Return the name of the first model that sets the batch of others; None if there is none.

    Examples
    --------
    >>> first_setting_batch({"gd": {"kind": "gd"}, "small": {"kind": "sgd"}, "large": {"kind": "sgd"}})
    'small'
    """
    kinds = ((name, _class_of(table)) for name, table in tables.items())
    return next((name for name, kind in kinds if kind is not None and kind.sets_batch), None)


def with_default_batch(
    table: Mapping[str, Any], plain: Mapping[str, Any], reference: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the table of a model with the batch and sampling it has where it says none.

    Parameters
    ----------
    table
    plain
        Batch and sampling of the study's kind of data.
    reference
        Those of the first model that sets them for others.
    """
    kind = _class_of(table)
    return dict(table) if kind is None else {**kind.default_batch(plain, reference), **table}


def beginning(sentence: str) -> str:
    """Return a sentence up to its first parenthesis, comma or colon.

    Examples
    --------
    >>> beginning("SDE of SGD with momentum 0.9, noise of the covariance of SGD's gradient: splitting.")
    'SDE of SGD with momentum 0.9'
    """
    return re.split(r" \(|[,;:]|\.$", sentence)[0]
