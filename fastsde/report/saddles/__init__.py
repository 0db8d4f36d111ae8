"""Saddles: visits, curvature and noise."""
