"""The finished runs of a published result, as its claims and its figure see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastsde.storage.ensemble import Ensemble
from fastsde.system.errors import RequestError

__all__ = ["Runs"]


@dataclass(frozen=True)
class Runs:
    """The cases of a study file, in its order: one, or one for each combination of swept values.

    Iterating yields pairs of swept values and ensemble.

    Attributes
    ----------
    values : sequence of mapping
        For each case, the swept values by dotted key.
    ensembles : sequence of fastsde.storage.ensemble.Ensemble
        For each case, its ensemble, open.
    quick : bool
        Whether this is the shortened form.
    """

    values: Sequence[Mapping[str, Any]]
    ensembles: Sequence[Ensemble]
    quick: bool = False

    def __iter__(self) -> Iterator[tuple[Mapping[str, Any], Ensemble]]:
        return iter(zip(self.values, self.ensembles, strict=True))

    def __len__(self) -> int:
        return len(self.ensembles)

    @property
    def ensemble(self) -> Ensemble:
        """The ensemble of a study without a sweep.

        Raises
        ------
        RequestError
            If there are several cases.
        """
        if len(self.ensembles) != 1:
            raise RequestError(f"this result has {len(self.ensembles)} cases; iterate over them")
        return self.ensembles[0]
