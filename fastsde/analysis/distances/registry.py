"""All distances by name: fastsde's own (`fastsde.analysis.distances.kinds`) and those of a user's files.

A distance of one's own is one file:

    import numpy as np
    from fastsde.analysis.distances.registry import Distance, over_labellings, register

    register(Distance(
        name="median_shift",
        label="shift of the medians",
        units="share or decade",
        relabelled=over_labellings(
            lambda x, y: float(np.linalg.norm(np.median(x, axis=0) - np.median(y, axis=0)))
        ),
    ))

Once the file is imported, the section "distances" and ``fastsde compare`` measure it with its null band and
p-value, and every table shows it.
"""

from __future__ import annotations

from fastsde.analysis.distances.base import Distance, over_labellings
from fastsde.analysis.protocols import Bools, Floats
from fastsde.system.registry import Registry

__all__ = [
    "DISTANCES",
    "Distance",
    "between_all_pairs",
    "declared",
    "every_snapshot",
    "markdown",
    "over_labellings",
    "primary",
    "register",
]

DISTANCES: Registry[Distance] = Registry("distance", "fastsde.analysis.distances.kinds")
"""All distances, those of the main figure first."""

register = DISTANCES.register


def primary() -> Distance:
    """Return the distance that exists for every law and sees all trajectories."""
    return next(distance for distance in DISTANCES.values() if distance.primary)


def every_snapshot() -> tuple[Distance, ...]:
    """Return the distances that are measured at every snapshot."""
    return tuple(distance for distance in DISTANCES.values() if distance.every_snapshot)


def between_all_pairs() -> tuple[Distance, ...]:
    """Return the distances that are measured between any two models, those of all trajectories first."""
    return tuple(distance for distance in DISTANCES.values() if distance.all_pairs)


def declared(name: str) -> Distance:
    """Return the declaration of a distance in stored results.

    Where the file that declares it is not imported, all that is known of it is its name.

    Examples
    --------
    >>> declared("energy").units, declared("of another day").label
    ('(share or decade)^q', 'of another day')
    """
    return DISTANCES[name] if name in DISTANCES else Distance(name, name, "", _not_imported)


def _not_imported(pooled: Floats, labels: Bools, frame: object) -> Floats:
    raise ValueError("found a distance whose declaration is not imported, expected one that is registered")


def markdown() -> str:
    """Return the table of all distances in docs/distances.md."""
    rows = [
        (one.label, one.units, one.detects, one.exists, one.equation, one.source)
        for one in DISTANCES.values()
    ]
    heads = ("distance", "units", "detects", "exists where", "definition", "source")
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
