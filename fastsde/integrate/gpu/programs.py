"""The programs of models for a GPU, each made once in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastsde.integrate.gpu.placements import shared_limit

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.study.study import Study

__all__ = ["model_program"]


def model_program(study: Study, lowered: Lowered, where: str, **more: Any) -> Any:
    """Return the program of a model, the same for all of its parts: they differ in numbers only."""
    from fastsde.kernels.cuda import Program
    from fastsde.kernels.gpu.arguments import frozen, structure
    from fastsde.kernels.gpu.plan import most_samples

    dynamics = more.pop("dynamics", lowered.dynamics)
    limit = more.pop("limit", None) or shared_limit()
    key = (
        study.dtype,
        where,
        limit,
        most_samples(dynamics),
        frozen(lowered.network),
        lowered.carried,
        lowered.choice,
        lowered.trace,
        structure(lowered.data),
        getattr(lowered.data, "kind", None),
        structure(dynamics),
        tuple((name, frozen(value)) for name, value in more.items()),
    )
    if key not in _PROGRAMS:
        _PROGRAMS[key] = Program(
            lowered.network,
            lowered.data,
            study.dtype,
            dynamics=dynamics,
            carried=lowered.carried,
            indices=lowered.choice,
            trace=lowered.trace,
            where=where,
            limit=limit,
            **more,
        )
    return _PROGRAMS[key]


_PROGRAMS: dict[Any, Any] = {}
