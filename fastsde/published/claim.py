"""One number of a published result: expected, found, and the verdict on it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Claim", "Deviation", "Verdict", "counted"]


class Verdict(StrEnum):
    """What comparing the number found with the published one says."""

    REPRODUCED = "reproduced"
    DEVIATES = "deviates as stated"
    FAILED = "not reproduced"
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Deviation:
    """A known deviation from a published number: what is found instead, and why.

    Parameters
    ----------
    expected : float
        The number that this program finds.
    tolerance : float
        Largest absolute difference from it.
    why : str
        Reason, one sentence.
    """

    expected: float
    tolerance: float
    why: str


@dataclass(frozen=True)
class Claim:
    """A published number, and the number found.

    Parameters
    ----------
    what : str
        The quantity, for instance ``"half-time of mode 1, time units"``.
    expected : float or pair of float
        The published number; or the published bounds, infinite for a one-sided bound.
    found : float
        The number found; NaN counts as not reproduced.
    tolerance : float
        Largest absolute difference from `expected`, or distance outside its bounds.
    source : str
        Author, year and place in the paper: equation, table, figure, or section.
    deviation : Deviation, optional
        A known deviation from the published number.
    untested : str
        Why this run cannot test the claim, for instance because it is shortened; empty if it can.

    Examples
    --------
    >>> Claim("share", 0.6, 0.585, 0.02, "Smith 2020, eq. 3").verdict
    <Verdict.REPRODUCED: 'reproduced'>
    >>> bound = Claim("sharpness times rate", (0.0, 2.0), 2.4, 0.01, "Smith 2020, figure 1")
    >>> bound.verdict, bound.expected_text()
    (<Verdict.FAILED: 'not reproduced'>, '0 to 2')
    """

    what: str
    expected: float | tuple[float, float]
    found: float
    tolerance: float
    source: str
    deviation: Deviation | None = None
    untested: str = ""

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the lowest and the highest number that agree with the published one."""
        low, high = self.expected if isinstance(self.expected, tuple) else (self.expected, self.expected)
        return low - self.tolerance, high + self.tolerance

    @property
    def verdict(self) -> Verdict:
        """Return the verdict."""
        if self.untested:
            return Verdict.UNTESTED
        low, high = self.bounds
        if low <= self.found <= high:
            return Verdict.REPRODUCED
        known = self.deviation
        if known is not None and abs(self.found - known.expected) <= known.tolerance:
            return Verdict.DEVIATES
        return Verdict.FAILED

    def expected_text(self) -> str:
        """Return the published number, or its bounds, as text.

        Examples
        --------
        >>> Claim("x", (-math.inf, 2.0), 1.0, 0.0, "").expected_text()
        'at most 2'
        """
        if not isinstance(self.expected, tuple):
            return f"{self.expected:.4g}"
        low, high = self.expected
        if math.isinf(low):
            return f"at most {high:.4g}"
        return f"at least {low:.4g}" if math.isinf(high) else f"{low:.4g} to {high:.4g}"

    def row(self) -> dict[str, str]:
        """Return the claim as a row of a table of text."""
        return {
            "quantity": self.what,
            "expected": self.expected_text(),
            "found": f"{self.found:.4g}",
            "tolerance": f"{self.tolerance:.2g}",
            "verdict": str(self.verdict),
        }

    def document(self) -> dict[str, Any]:
        """Return the claim in types that JSON can represent; infinite bounds are None."""
        document = asdict(self)
        if isinstance(self.expected, tuple):
            document["expected"] = [None if math.isinf(end) else end for end in self.expected]
        document["found"] = self.found if math.isfinite(self.found) else None
        return document | {"verdict": str(self.verdict)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Claim:
        """Return the claim that `document` describes."""
        values = {key: value for key, value in document.items() if key != "verdict"}
        if isinstance(values["expected"], list):
            low, high = values["expected"]
            values["expected"] = (-math.inf if low is None else low, math.inf if high is None else high)
        values["found"] = math.nan if values["found"] is None else values["found"]
        if values["deviation"] is not None:
            values["deviation"] = Deviation(**values["deviation"])
        return cls(**values)


def counted(claims: Iterable[Claim]) -> list[str]:
    """Return how many claims have each verdict, in words.

    Examples
    --------
    >>> counted([Claim("x", 1.0, 1.0, 0.1, ""), Claim("x", 1.0, 2.0, 0.1, ""), Claim("y", 1.0, 1.0, 0.1, "")])
    ['2 reproduced', '1 not reproduced']
    """
    counts = Counter(claim.verdict for claim in claims)
    words = {Verdict.DEVIATES: "deviate as stated"}
    return [
        f"{count} {words.get(verdict, verdict) if count > 1 else verdict}"
        for verdict in Verdict
        if (count := counts[verdict])
    ]
