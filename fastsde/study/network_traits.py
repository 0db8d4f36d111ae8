"""What is said of a deep linear network as an objective."""

from __future__ import annotations

from fastsde.study.objective import NETWORK_WORDS, ObjectiveTraits
from fastsde.study.tables import Data, Network

__all__ = ["network_traits"]


def network_traits(network: Network, data: Data) -> ObjectiveTraits:
    """Return the traits of a deep linear network and its data."""
    widths = network.widths
    return ObjectiveTraits(
        table="network",
        kind="network",
        widths=widths,
        modes=min(widths[0], widths[-1]),
        samples=data.sample_count(widths[0], widths[-1]),
        linear=True,
        measured=data.measured,
        positive=True,
        bounded=True,
        smooth=True,
        degree=2 * (len(widths) - 1) - 1,
        by_point=False,
        vocabulary=NETWORK_WORDS,
        labels=widths[-1],
    )
