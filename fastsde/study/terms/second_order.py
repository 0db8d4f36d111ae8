"""The second-order drift of the modified equation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.term import TERMS, Term

__all__ = ["SecondOrder", "float32_faults"]


def float32_faults(key: str, value: Any, setting: Setting, where: Where) -> Iterator[Fault]:
    """Refuse derivatives of a landscape's gradient, which are differences, in ``float32``."""
    if setting.landscape and setting.dtype == "float32":
        expected = "nothing in float32: derivatives of a landscape are differences"
        yield Fault((*where, key), value, expected, 'set dtype = "float64"')


class SecondOrder(Term):
    """Adds ``(eta/2) H grad U``, the gradient of ``(eta/4) |grad U|^2``."""

    name: ClassVar[str] = "second_order"
    order: ClassVar[int] = 40
    equation: ClassVar[str] = "d theta = -[grad U + (eta/2) H grad U] dt"
    source: ClassVar[str] = "Li, Tai and E 2019; Barrett and Dherin 2021"
    drift: ClassVar[bool] = True

    def words(self, value: bool, model: Any) -> str:
        """Name the term."""
        return "the second-order term of the modified equation"

    def faults(self, value: bool, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse landscapes in ``float32``."""
        yield from float32_faults(self.name, value, setting, where)

    def drift_parts(self, value: bool, model: Any, setting: Setting) -> Mapping[str, Any]:
        """Return half the learning rate."""
        return {"second": 0.5 * setting.learning_rate}


TERMS.register(SecondOrder())
