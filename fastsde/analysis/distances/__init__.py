"""Distances between laws, each with its null band, p-value and existence."""
