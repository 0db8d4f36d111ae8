"""How far trajectories go."""
