"""How far neighbouring layers are from balanced."""

from fastsde.study.observable import Observable, register

register(
    Observable(
        name="balance",
        order=70,
        dims=("interface",),
        long_name="Frobenius norm of W_{l+1}^T W_{l+1} - W_l W_l^T",
        objectives=("network",),
        default_for=("network",),
        needs=(),
        measure=lambda snapshot: snapshot.balance,
    )
)
