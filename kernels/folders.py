"""The folder below which everything is kept that another process need not compute again."""

import os
from pathlib import Path

__all__ = ["cache_root"]


def cache_root():
    """Return ``NUMBA_CACHE_DIR``, or fastsde's folder in the user's cache folder."""
    base = os.environ.get("NUMBA_CACHE_DIR")
    return (
        Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastsde"
    )
