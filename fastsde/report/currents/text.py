"""What stands beside the figures on equilibrium."""

from __future__ import annotations
