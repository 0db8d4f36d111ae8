"""The end-to-end matrix and the parameters themselves."""

from fastsde.study.observable import Observable, register

register(
    Observable(
        name="end_to_end",
        order=150,
        dims=("output", "input"),
        long_name="end-to-end matrix W_L ... W_1",
        objectives=("network",),
        needs=(),
        measure=lambda snapshot: snapshot.end_to_end,
    )
)
register(
    Observable(
        name="parameters",
        order=160,
        dims=("parameter",),
        long_name="all weights, layer 1 first, each matrix row by row",
        measure=lambda snapshot: snapshot.parameters,
    )
)
