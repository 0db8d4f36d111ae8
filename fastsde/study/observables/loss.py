"""The loss and the norm of its gradient."""

from fastsde.study.observable import Observable, register

register(
    Observable(
        name="loss",
        order=10,
        long_name="training loss, in the study's convention",
        default_for=("network", "landscape"),
        needs=(),
        measure=lambda snapshot: snapshot.loss,
    )
)
register(
    Observable(
        name="gradient_norm",
        order=20,
        long_name="Euclidean norm of the gradient of the loss in the parameters",
        default_for=("network", "landscape"),
        needs=(),
        measure=lambda snapshot: snapshot.gradient_norm,
    )
)
