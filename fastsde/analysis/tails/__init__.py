"""Tail indices by several estimators, with intervals and a verdict where they disagree."""
