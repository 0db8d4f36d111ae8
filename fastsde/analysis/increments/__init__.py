"""Increments between evenly spaced snapshots: their autocorrelation and spectrum."""
