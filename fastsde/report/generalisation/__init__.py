"""Generalisation of nonlinear networks: training against test examples."""
