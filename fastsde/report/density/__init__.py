"""Densities from Fokker-Planck equations, beside the trajectories."""
