"""Tails of the noise."""
