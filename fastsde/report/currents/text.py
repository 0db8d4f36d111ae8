"""The text beside the figures on equilibrium."""

from __future__ import annotations
