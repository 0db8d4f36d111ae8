"""Increments between evenly spaced snapshots."""
