"""The end-to-end matrix in the modes of the optimum; of a landscape, the coordinates."""

from fastsde.study.observable import Observable, register

register(
    Observable(
        name="modes",
        order=30,
        dims=("mode",),
        long_name="mode strength u_a^T W v_a",
        default_for=("network", "landscape"),
        needs=(),
        measure=lambda snapshot: snapshot.modes,
    )
)
register(
    Observable(
        name="mode_matrix",
        order=40,
        dims=("mode", "mode_in"),
        long_name="end-to-end matrix in the modes, u_a^T W v_b",
        objectives=("network",),
        needs=(),
        measure=lambda snapshot: snapshot.mode_matrix,
    )
)
