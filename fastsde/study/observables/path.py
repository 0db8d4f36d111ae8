"""What every step of a trajectory adds to: the average of its states, and how far it has gone."""

from __future__ import annotations

from typing import Any

from fastsde.study.observable import Array, Observable, Snapshot, register
from fastsde.study.terms.tracking import AVERAGE, AVERAGE_LOSS, DISPLACEMENT, LENGTH


def _average(snapshot: Snapshot) -> Array:
    return snapshot.path.average


def _average_loss(snapshot: Snapshot) -> Any:
    return snapshot.loss_at(snapshot.path.average)


register(
    Observable(
        name=AVERAGE,
        order=162,
        dims=("parameter",),
        long_name="mean of the parameters after each integrator step so far; at step 0 the parameters",
        needs=("path",),
        measure=_average,
    )
)
register(
    Observable(
        name=AVERAGE_LOSS,
        order=12,
        long_name="training loss at the mean of the parameters after each integrator step so far",
        needs=("path",),
        measure=_average_loss,
    )
)
register(
    Observable(
        name=LENGTH,
        order=164,
        long_name="length of the path so far, sum of |theta_{k+1} - theta_k| over integrator steps",
        needs=("path",),
        measure=lambda snapshot: snapshot.path.length,
    )
)
register(
    Observable(
        name=DISPLACEMENT,
        order=166,
        long_name="distance from the start, |theta_k - theta_0|",
        needs=("path",),
        measure=lambda snapshot: snapshot.path.displacement,
    )
)
