"""Philox keys: which random numbers a model draws."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["philox_key", "stream_of"]


def philox_key(seed: int, name: str) -> tuple[np.uint64, np.uint64]:
    """Return the two 32-bit words of the Philox key of a seed and a name.

    Examples
    --------
    >>> philox_key(0, "sgd") == philox_key(0, "sgd") != philox_key(1, "sgd")
    True
    """
    words = np.frombuffer(hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest(), "<u4")
    return np.uint64(words[0]), np.uint64(words[1])


def stream_of(study: Study, name: str) -> str:
    """Return the name of a model's random stream; what starts from states must not repeat their noise."""
    origin = None if study.network is None else study.network.init.origin
    return f"model {name}" if origin is None else f"model {name} from {origin}"
