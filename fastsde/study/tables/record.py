"""The record of a study file: what each snapshot keeps."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from fastsde.study.fields import Expect, Fault, NameIn, Section, listed, refuse
from fastsde.study.observable import OBSERVABLES, default_observables

__all__ = ["Record"]


class ObservableName(NameIn):
    """The name of an observable that is declared when the study is validated."""

    registry = OBSERVABLES


def _default() -> Any:
    return default_observables("network")


class Record(Section):
    """What each snapshot keeps.

    Parameters
    ----------
    observables : tuple of str
        Names of observables; docs/format.md has all that are part of fastsde.
    """

    observables: Annotated[
        tuple[ObservableName, ...], listed, Field(min_length=1), Expect("a list of names of observables")
    ] = Field(default_factory=_default)

    @model_validator(mode="after")
    def _agree(self) -> Record:
        twice = sorted({name for name in self.observables if self.observables.count(name) > 1})
        refuse(Fault(("observables",), name, "each name once", "remove the repetition") for name in twice)
        return self
