"""Shapes of noise that follows the state, one per module, registered by `shape_noise_of`."""

from fastsde.kernels.declared import names_of

__getattr__ = names_of(__name__)
