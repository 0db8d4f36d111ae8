"""Feature learning: diffusion, rank, alignment and late-time laws."""
