"""Steps, one per module, registered by `fastsde.kernels.step.step_of`."""

from fastsde.kernels.declared import names_of

__getattr__ = names_of(__name__)
