"""Equilibrium: probability currents, entropy production and correlation times."""
