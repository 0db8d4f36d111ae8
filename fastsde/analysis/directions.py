"""Random directions: along which laws of several coordinates are compared and their shape is measured."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.protocols import Floats


def directions(dimension: int, count: int, seed: int) -> Floats:
    """Draw ``count`` unit vectors uniformly on the sphere, shape (count, dimension)."""
    generator = np.random.Generator(np.random.Philox(seed))
    vectors = generator.standard_normal((count, dimension))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
