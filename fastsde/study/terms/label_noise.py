"""Label noise drawn at every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.term import TERMS, Term

__all__ = ["LabelNoise"]


class LabelNoise(Term):
    """Normal noise on the labels of SGD, drawn again at every step; its step is one of SGD's."""

    name: ClassVar[str] = "label_noise"
    order: ClassVar[int] = 10
    equation: ClassVar[str] = "y_i + label_noise xi in place of y_i, xi standard normal"
    source: ClassVar[str] = "Blanc et al. 2020"
    refined: ClassVar[bool] = False

    def words(self, value: float, model: Any) -> str:
        """Name the term."""
        return f"label noise of standard deviation {value:g} drawn at every step"

    def faults(self, value: float, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse populations, and landscapes without labels."""
        here = (*where, self.name)
        if not setting.objective.labels:
            yield Fault(here, value, "nothing: the samples of this landscape have no labels", "remove it")
        elif setting.population:
            fix = "set data.label_noise: a population draws its labels again anyway"
            yield Fault(here, value, "label noise only with finite data", fix)


TERMS.register(LabelNoise())
