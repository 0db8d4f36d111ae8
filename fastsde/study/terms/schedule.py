"""The schedule of the learning rate."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fastsde.study.fields import Count, Expect, Fault, Section, Share, refuse
from fastsde.study.setting import Setting
from fastsde.study.terms.term import TERMS, Term

__all__ = ["Schedule", "ScheduledRate"]


class Schedule(Section):
    """The learning rate as a share of the nominal one, by learning-rate step.

    Parameters
    ----------
    kind : {"constant", "step", "cosine"}
        "step": times `drop` after each `every` steps. "cosine": half a cosine down to `final` at the last
        step (Loshchilov and Hutter 2017).
    warm_up : int, optional
        Steps of linear increase before: step k has the share ``(k + 1) / (warm_up + 1)``.
    every, drop : int, float, optional
        For "step".
    drops : int, optional
        For "step": how many times the rate drops; by default again and again.
    final : float, optional
        For "cosine", 0 by default.
    """

    kind: Annotated[Literal["constant", "step", "cosine"], Expect('"constant", "step" or "cosine"')] = (
        "constant"
    )
    warm_up: Count | None = None
    every: Count | None = None
    drop: Share | None = None
    drops: Count | None = None
    final: Annotated[float | None, Field(ge=0, le=1), Expect("a number from 0 to 1")] = None

    @model_validator(mode="after")
    def _agree(self) -> Schedule:
        faults = []
        for name, kind in (("every", "step"), ("drop", "step"), ("drops", "step"), ("final", "cosine")):
            value = getattr(self, name)
            if value is not None and self.kind != kind:
                faults.append(Fault((name,), value, f'{name} only with kind = "{kind}"', f"remove {name}"))
        if self.kind == "step" and (self.every is None or self.drop is None):
            fix = 'write { kind = "step", every = 1000, drop = 0.1 }'
            faults.append(Fault((), self.model_dump(exclude_none=True), "every and drop", fix))
        refuse(faults)
        return self

    @property
    def varies(self) -> bool:
        """Whether the learning rate is ever another than the nominal one."""
        return self.kind != "constant" or self.warm_up is not None


class ScheduledRate(Term):
    """The learning rate of a study as a share of the nominal one, for all its models."""

    name: ClassVar[str] = "schedule"
    order: ClassVar[int] = 80
    equation: ClassVar[str] = "eta f(k) in place of eta at learning-rate step k"
    refined: ClassVar[bool] = False
    in_mean: ClassVar[bool] = True

    def of(self, model: Any, setting: Setting | None) -> Any:
        """Return the schedule of the study, if it has one that varies."""
        return None if setting is None else setting.schedule

    def lower(self, value: Schedule, model: Any, setting: Setting) -> Any:
        """Return the schedule for the steps of a model as the kernels take it."""
        from fastsde.kernels.steps.scheduled import CONSTANT, COSINE, ENDLESS, STAIRS
        from fastsde.kernels.steps.scheduled import Schedule as Kernel

        return Kernel(
            kind={"constant": CONSTANT, "step": STAIRS, "cosine": COSINE}[value.kind],
            warm=value.warm_up or 0,
            every=value.every or 1,
            drop=value.drop or 1.0,
            total=setting.steps,
            final=value.final or 0.0,
            substeps=model.substeps,
            drops=value.drops or ENDLESS,
        )

    def around(self, step: Any, value: Schedule, model: Any, setting: Setting) -> Any:
        """Return the step at the learning rate of the schedule."""
        from fastsde.kernels.steps.scheduled import Scheduled

        schedule = self.lower(value, model, setting)
        return Scheduled(step.dense, step.dt, step, schedule, model.noise_exponent)


TERMS.register(ScheduledRate())
