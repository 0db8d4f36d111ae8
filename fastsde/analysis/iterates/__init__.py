"""The law of the iterates across trajectories: its tail, and whether it is Gaussian."""
