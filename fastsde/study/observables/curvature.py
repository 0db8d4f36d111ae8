"""Extreme eigenvalues of the Hessian of the loss, by products with directions."""

from collections.abc import Iterator
from typing import Any

from fastsde.study.fields import Fault
from fastsde.study.observable import Observable, register
from fastsde.study.observables.learning import without_learner


def _without_hessian(study: Any, name: str) -> Iterator[Fault]:
    """Refuse what is no network: of other landscapes there are no products with the Hessian."""
    if study.landscape is not None:
        yield from without_learner(study, name)


register(
    Observable(
        name="hessian_min",
        check=lambda study: _without_hessian(study, "hessian_min"),
        order=120,
        long_name="smallest eigenvalue of the Hessian of the loss (Lanczos)",
        needs=("curvature",),
        measure=lambda snapshot: snapshot.curvature.smallest,
    )
)
register(
    Observable(
        name="hessian_max",
        check=lambda study: _without_hessian(study, "hessian_max"),
        order=130,
        long_name="largest eigenvalue of the Hessian of the loss (Lanczos)",
        needs=("curvature",),
        measure=lambda snapshot: snapshot.curvature.largest,
    )
)
register(
    Observable(
        name="hessian_error",
        check=lambda study: _without_hessian(study, "hessian_error"),
        order=140,
        long_name="larger residual norm plus rounding: an eigenvalue lies within",
        needs=("curvature",),
        measure=lambda snapshot: snapshot.curvature.error,
    )
)
