"""Noise laws of the increments: one module each."""
