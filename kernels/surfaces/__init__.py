"""Energies and gradients of landscapes, one per file, registered by `fastsde.kernels.surface`."""
