"""Drift and diffusion of the modes under the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastsde.study.fields import Fault
from fastsde.study.observable import Observable, register


def known_rates(name: str) -> Callable[[Any], Iterator[Fault]]:
    """Return the check that no model of a study has momentum, and that its data are inputs and labels."""

    def check(study: Any) -> Iterator[Fault]:
        if study.objective.measured:
            expected = (
                f'nothing of the kind with data.kind = "{study.data.kind}": it is for inputs and labels'
            )
            yield Fault(("record", "observables"), name, expected, f"remove {name}")
        for model_name, model in study.models.items():
            if getattr(model, "momentum", None) is not None:
                expected = f"nothing of the kind: with the momentum of models.{model_name}, "
                expected += "the modes have a velocity of their own"
                yield Fault(("record", "observables"), name, expected, f"remove {name} or the momentum")

    return check


register(
    Observable(
        name="mode_drift",
        order=170,
        dims=("mode",),
        long_name="drift of u_a^T W v_a under the model, per unit time",
        objectives=("network",),
        needs=("rates",),
        check=known_rates("mode_drift"),
        measure=lambda snapshot: snapshot.rates.drift,
    )
)
register(
    Observable(
        name="mode_diffusion",
        order=180,
        dims=("mode",),
        long_name="variance that the model's noise gives u_a^T W v_a, per unit time",
        objectives=("network",),
        needs=("rates",),
        check=known_rates("mode_diffusion"),
        measure=lambda snapshot: snapshot.rates.diffusion,
    )
)
