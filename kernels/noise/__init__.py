"""Laws of noise, one per module, registered by `fastsde.kernels.noise_law`."""

from fastsde.kernels.declared import names_of

__getattr__ = names_of(__name__)
