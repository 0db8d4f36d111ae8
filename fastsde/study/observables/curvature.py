"""Extreme eigenvalues of the Hessian of the loss."""

from fastsde.study.observable import Observable, register

register(
    Observable(
        name="hessian_min",
        order=120,
        long_name="smallest eigenvalue of the Hessian of the loss (Lanczos)",
        objectives=("network",),
        needs=("curvature",),
        measure=lambda snapshot: snapshot.curvature.smallest,
    )
)
register(
    Observable(
        name="hessian_max",
        order=130,
        long_name="largest eigenvalue of the Hessian of the loss (Lanczos)",
        objectives=("network",),
        needs=("curvature",),
        measure=lambda snapshot: snapshot.curvature.largest,
    )
)
register(
    Observable(
        name="hessian_error",
        order=140,
        long_name="larger residual norm plus rounding: an eigenvalue lies within",
        objectives=("network",),
        needs=("curvature",),
        measure=lambda snapshot: snapshot.curvature.error,
    )
)
