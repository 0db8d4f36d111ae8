"""Feature learning: drift and diffusion of modes, ranks, alignment, late-time laws."""
