"""Generalisation: what networks have learned of their training and test examples, over time."""
