"""Escape times, escape rates, and what changes them."""
