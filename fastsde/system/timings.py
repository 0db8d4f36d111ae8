"""How long past runs on this machine took, against their forecasts: the factors that correct later forecasts.

They are in one small file per version and kind of CPU in the cache folder, which is whole or absent; a file
that cannot be read or written counts as absent. Nothing but forecasts depends on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import statistics
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fastsde.kernels.folders import cache_root
from fastsde.system.atomic import replacing
from fastsde.system.errors import DiskError
from fastsde.system.provenance import host, versions

__all__ = ["UNCORRECTED", "Correction", "Times", "correction", "keep", "long_enough"]

KEPT = 9
"""Works per phase: their median follows a machine that becomes busier within five runs."""
LEAST_SECONDS = 0.5
"""Work that is shorter, or expected to be, says nothing about longer work."""
LARGEST_FACTOR = 20.0
"""Beyond it something else was measured, such as a computer that slept."""

_Table = dict[str, dict[str, list[float | None]]]
"""Forecast and measured seconds by phase and work, the latest last."""


class Times(NamedTuple):
    """What a phase of a run took, or was forecast to take; the two may become known at different times.

    Attributes
    ----------
    phase
        Kind of work, such as ``"report"``: works of one phase share their correction.
    work
        Identifies the work: where the same work has both times, their ratio counts.
    forecast, measured
        Seconds in any unit of work, the same for both.
    """

    phase: str
    work: str
    forecast: float | None = None
    measured: float | None = None


class Correction(NamedTuple):
    """By what a forecast is multiplied, and from how many runs that is known."""

    factor: float
    runs: int


UNCORRECTED = Correction(1.0, 0)
"""Where no run is known."""


def correction(phase: str, work: str = "") -> Correction:
    """Return how forecasts of a phase are corrected: as this work if it was measured, else by the median."""
    ratios = {key: ratio for key, times in _read().get(phase, {}).items() if (ratio := _ratio(times))}
    if not ratios:
        return UNCORRECTED
    return Correction(ratios[work] if work in ratios else statistics.median(ratios.values()), len(ratios))


def keep(times: Iterable[Times]) -> None:
    """Add times to the file; what is known already of the same work is completed or replaced."""
    table = _read()
    for phase, work, forecast, measured in times:
        works = table.setdefault(phase, {})
        before = works.pop(work, [None, None])
        works[work] = [
            before[0] if forecast is None else forecast,
            before[1] if measured is None else measured,
        ]
        _forget_old(works)
    with contextlib.suppress(OSError, DiskError, RuntimeError):
        target = path()
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            temporary.write_text(json.dumps(table), encoding="utf-8")


def _forget_old(works: dict[str, list[float | None]]) -> None:
    """Keep the latest works of a phase, both of those that have both times and of those that wait."""
    for whole in (True, False):
        alike = [work for work, times in works.items() if (None not in times) == whole]
        for work in alike[:-KEPT]:
            del works[work]


def long_enough(seconds: float) -> bool:
    """Return whether work of so many seconds says something about longer work, beyond what any work takes."""
    return seconds >= LEAST_SECONDS


def path() -> Path:
    """Return the file; below the same folder as compiled code (`fastsde.kernels.options.cache_folder`)."""
    return Path(cache_root()) / _name()


@cache
def _name() -> str:
    """Return the name of the file, by versions and kind of CPU: looked up once, since that takes 20 ms."""
    found, machine = versions(), host()
    key = (found.get("fastsde"), found["kernels"], machine["machine"], machine["processor"])
    return f"timings-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.json"


def _read() -> _Table:
    """Return the content of the file; empty if there is none, or if it is not what `keep` writes."""
    try:
        table = json.loads(path().read_text(encoding="utf-8"))
        return {
            str(phase): {str(work): [_seconds(value) for value in pair] for work, pair in works.items()}
            for phase, works in table.items()
        }
    except (OSError, ValueError, AttributeError, TypeError, RuntimeError):
        return {}


def _seconds(value: float | None) -> float | None:
    return None if value is None else float(value)


def _ratio(times: list[float | None]) -> float | None:
    """Return measured over forecast, if both are known and comparable."""
    if len(times) != 2 or times[0] is None or times[1] is None or min(times[0], times[1]) <= 0:
        return None
    ratio = times[1] / times[0]
    return ratio if 1 / LARGEST_FACTOR <= ratio <= LARGEST_FACTOR else None
