"""What a term of a model says about itself, and the registry of terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.system.registry import Registry

__all__ = ["TERMS", "Term", "terms_of"]

TERMS: Registry[Term] = Registry("term", "fastsde.study.terms")


class Term:
    """A term of a model: drift besides the gradient, memory, or a change of time.

    A term is written under the key `name` of a model, and applies where the model has that key. Terms are
    applied in the order of `order`, from the inside: first the drift, then what surrounds the whole step.

    Attributes
    ----------
    name : str
        Key of the study.
    order : int
        Place among the terms.
    equation, source : str
        What it adds, and where it is from.
    drift : bool
        Whether it adds drift: its part of the displacement is what `drift_parts` describes.
    refined : bool
        Whether a step needs the memory of refinements for it.
    in_mean : bool
        Whether what it does around a step belongs to the mean displacement per unit time.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 1000
    equation: ClassVar[str] = ""
    source: ClassVar[str] = ""
    drift: ClassVar[bool] = False
    refined: ClassVar[bool] = True
    in_mean: ClassVar[bool] = False

    def of(self, model: Any, setting: Setting | None) -> Any:
        """Return the value of the term in a model, None if it has none; `setting` may be unknown."""
        return getattr(model, self.name, None) or None

    def words(self, value: Any, model: Any) -> str:
        """Name the term in the summary of a model; empty if it is not named there."""
        return ""

    def clashes(self, value: Any, model: Any) -> Iterator[Fault]:
        """Check the term against the other keys of its model; paths start at the model."""
        yield from ()

    def faults(self, value: Any, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check the term against the rest of the study; `where` is the path of the model."""
        yield from ()

    def not_shared(self, value: Any) -> str:
        """Say why paths at dt and dt / 2 cannot be compared with this term; empty if they can."""
        return ""

    def carried(self, value: Any, setting: Setting) -> int:
        """Return how many numbers besides the parameters a trajectory carries from step to step."""
        return 0

    def drift_parts(self, value: Any, model: Any, setting: Setting) -> Mapping[str, Any]:
        """Return the fields of `fastsde.kernels.steps.drifted.Drifted` that the term sets."""
        return {}

    def around(self, step: Any, value: Any, model: Any, setting: Setting) -> Any:
        """Return the kernels' step with this term around it."""
        return step


def terms_of(model: Any, setting: Setting | None = None) -> list[tuple[Term, Any]]:
    """Return the terms that a model has, with their values, from the inside."""
    values = ((term, term.of(model, setting)) for term in TERMS.values())
    return [(term, value) for term, value in values if value is not None]
