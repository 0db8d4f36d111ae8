"""The noise of a sample's gradient, and of an integrator step."""

from fastsde.study.observable import Observable, register

register(
    Observable(
        name="noise_trace",
        order=80,
        long_name="trace of the covariance of one sample's gradient",
        default_for=("network",),
        needs=("noise_trace",),
        measure=lambda snapshot: snapshot.noise_trace,
    )
)
register(
    Observable(
        name="update_noise",
        order=90,
        dims=("mode",),
        long_name="noise of one integrator step, u_a^T (W(theta') - W(theta' without noise)) v_a",
        default_for=("network",),
        needs=("update_noise",),
        measure=lambda snapshot: snapshot.update_noise,
    )
)
