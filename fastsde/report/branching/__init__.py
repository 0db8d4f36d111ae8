"""Variance explained by the initial state: ensembles that branch from states of another run."""
