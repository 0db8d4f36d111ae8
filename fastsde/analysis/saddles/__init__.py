"""Saddles along trajectories: visits, curvature, and the gradient noise there."""
