"""What a trajectory descends: data, networks, initial points and user functions."""
