"""Distances between models."""
