"""Weight decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastsde.study.setting import Setting
from fastsde.study.terms.term import TERMS, Term

__all__ = ["WeightDecay"]


class WeightDecay(Term):
    """Adds ``weight_decay theta`` to the gradient."""

    name: ClassVar[str] = "weight_decay"
    order: ClassVar[int] = 20
    equation: ClassVar[str] = "U = L + weight_decay |theta|^2 / 2"
    drift: ClassVar[bool] = True

    def words(self, value: float, model: Any) -> str:
        """Name the term."""
        return f"weight decay {value:g}"

    def drift_parts(self, value: float, model: Any, setting: Setting) -> Mapping[str, Any]:
        """Return the rate of decay."""
        return {"decay": float(value)}


TERMS.register(WeightDecay())
