"""How far trajectories go: mean squared displacement and its exponent, and the length of their paths."""
