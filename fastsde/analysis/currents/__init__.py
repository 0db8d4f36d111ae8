"""Out of equilibrium: areas, entropy production, currents in planes, mixing times."""
