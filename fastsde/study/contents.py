"""The tables and values of a study, without what reads, checks and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from fastsde.study.extensions import Extensions
from fastsde.study.fields import Count, Expect, Section, Seed
from fastsde.study.landscapes import Landscape
from fastsde.study.models.model import Model
from fastsde.study.network_traits import network_traits
from fastsde.study.objective import ObjectiveTraits
from fastsde.study.setting import Setting
from fastsde.study.tables.data import Data
from fastsde.study.tables.events import Events
from fastsde.study.tables.network import Network
from fastsde.study.tables.record import Record
from fastsde.study.tables.time import Time

__all__ = ["TABLE", "Content"]


MAX_TRAJECTORIES = 2**40


def _not_taken(name: str) -> str:
    if name == "problem":
        raise ValueError
    return name


Name = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$"),
    AfterValidator(_not_taken),
    Expect(
        "a name of a model: a lower-case letter, then up to 40 lower-case letters, digits, _ or -; "
        "not problem, which the files use"
    ),
]


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return value if value is None else handler(value)


OrNone = WrapValidator(_or_none)
"""For tables that a landscape replaces: required in the file, None where there is one."""


TABLE = "sweep"


class Content(Section):
    """What a study file says: the fields of `fastsde.study.study.Study`."""

    shorthands: ClassVar[Mapping[str, str]] = {TABLE: "a table of lists of values, by dotted keys"}
    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("network", "data"), "add it, or a [landscape] in place of network and data"
    )

    extensions: Extensions | None = None
    seed: Seed = 0
    trajectories: Annotated[Count, Field(le=MAX_TRAJECTORIES), Expect("a whole number from 1 to 2^40")]
    dtype: Annotated[Literal["float64", "float32"], Expect('"float64" or "float32"')] = "float64"
    start: Annotated[Literal["independent", "paired"], Expect('"independent" or "paired"')] = "independent"
    network: Annotated[Network, OrNone]
    data: Annotated[Data, OrNone]
    landscape: Landscape | None = None
    time: Time
    record: Record = Field(default_factory=Record)
    events: Events = Events()
    models: Annotated[
        dict[Name, Model],
        Field(min_length=1),
        Expect('one or more tables such as [models.sgd] with kind = "sgd"'),
    ]

    @property
    def starts_from_states(self) -> bool:
        """Whether trajectories start from states of another ensemble, or of a file."""
        return self.network is not None and self.network.init.from_states

    @cached_property
    def objective(self) -> ObjectiveTraits:
        """What trajectories descend: sizes, what it supports, and its words."""
        return network_traits(self.network, self.data) if self.landscape is None else self.landscape.traits()

    @property
    def widths(self) -> tuple[int, ...]:
        """Sizes of the layers; a landscape of d coordinates counts as one layer from 1 to d."""
        return self.objective.widths

    @property
    def setting(self) -> Setting:
        """What the models are checked against and lowered for: problem, time and record."""
        schedule, data = self.time.schedule, self.data
        return Setting(
            objective=self.objective,
            learning_rate=self.time.learning_rate,
            steps=self.time.steps,
            schedule=schedule if schedule is not None and schedule.varies else None,
            dtype=self.dtype,
            inputs=None if data is None else data.inputs,
            labels=None if data is None else data.label_noise,
            given_states=self.starts_from_states,
            observables=self.record.observables,
            batches=frozenset(filter(None, (model.batch_for_others for model in self.models.values()))),
        )
