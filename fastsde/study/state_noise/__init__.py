"""Noise of an SDE that follows the state, one form per file."""
