"""Run a published result, and keep what was found."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from fastsde.published.claim import Claim, Verdict
from fastsde.published.result import Result
from fastsde.published.runs import Runs
from fastsde.report import style
from fastsde.run.run import run
from fastsde.storage.ensemble import open_ensemble
from fastsde.study.sweep import Case
from fastsde.system.atomic import replacing
from fastsde.system.errors import Interrupted
from fastsde.system.progress import Progress
from fastsde.system.provenance import host, now, versions

__all__ = ["FIGURE_FILE", "REPRODUCTION_FILE", "Reproduction", "reproduce"]

REPRODUCTION_FILE = "reproduction.json"
FIGURE_FILE = "reproduction.png"


@dataclass(frozen=True)
class Reproduction:
    """What running a published result gave.

    Attributes
    ----------
    name, title, summary : str
        Of the result.
    quick : bool
        Whether the shortened form was run.
    claims : tuple of Claim
    seconds, processor_seconds : float
        Time to integrate, compiling included: of the clock, and of all cores together.
    fingerprints : tuple of str
        Of the studies that were run.
    created : str
        When.
    versions : dict of str to str
        Of the libraries.
    machine : str
        Processor, and number of cores that the process may use.
    """

    name: str
    title: str
    summary: str
    quick: bool
    claims: tuple[Claim, ...]
    seconds: float
    processor_seconds: float
    fingerprints: tuple[str, ...]
    created: str
    versions: dict[str, str]
    machine: str = ""

    @property
    def failed(self) -> list[Claim]:
        """The claims that are not reproduced and have no stated deviation."""
        return [claim for claim in self.claims if claim.verdict is Verdict.FAILED]

    @property
    def cost(self) -> str:
        """The processor time in words."""
        places = 0 if self.processor_seconds >= 10.0 else 1
        return f"{self.processor_seconds:,.{places}f} s"

    def document(self) -> dict[str, Any]:
        """Return everything in types that JSON can represent."""
        return vars(self) | {"claims": [claim.document() for claim in self.claims]}

    def save(self, path: Path) -> None:
        """Write ``reproduction.json``."""
        text = json.dumps(self.document(), indent=2, allow_nan=False, ensure_ascii=False)
        with replacing(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Reproduction:
        """Read a file that `save` wrote."""
        values = json.loads(path.read_text(encoding="utf-8"))
        values["claims"] = tuple(Claim.from_document(claim) for claim in values["claims"])
        values["fingerprints"] = tuple(values["fingerprints"])
        return cls(**values)


def reproduce(
    result: Result,
    directory: Path | str,
    *,
    quick: bool = False,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    **options: Any,
) -> Reproduction:
    """Run the studies of a published result, and compare what they give with what was published.

    Parameters
    ----------
    result : Result
    directory : path
        Of its runs; finished ones are used as they are, unfinished ones are resumed. Afterwards it also has
        ``reproduction.json`` and ``reproduction.png``.
    quick : bool
        Run the shortened form.
    progress : fastsde.system.progress.Progress, optional
    stop : callable, optional
        Called about once a second; once it returns True, `Interrupted` is raised.
    **options
        Of `fastsde.run.run.run`.

    Raises
    ------
    FastsdeError
        If a run fails or is interrupted.

    Examples
    --------
    >>> from fastsde.published import results_named
    >>> reproduce(results_named(["saxe-2014"])[0], "runs/saxe").failed  # doctest: +SKIP
    []
    """
    directory = Path(directory)
    cases = result.cases(quick=quick)
    places = [directory / case.name for case in cases]
    clock, processor = time.perf_counter(), time.process_time()
    for case, place in zip(cases, places, strict=True):
        run(case.study, place, progress=progress, stop=stop, **options)
        if stop is not None and stop():
            raise Interrupted(f"stopped; finished runs of {result.name} are in {directory}")
    spent = time.perf_counter() - clock, time.process_time() - processor
    found = _evaluated(result, cases, places, directory, quick, spent)
    found.save(directory / REPRODUCTION_FILE)
    return found


def _evaluated(
    result: Result,
    cases: Sequence[Case],
    places: Sequence[Path],
    directory: Path,
    quick: bool,
    spent: tuple[float, float],
) -> Reproduction:
    """Compute the claims, and draw the figure."""
    fingerprints, here = tuple(case.study.fingerprint() for case in cases), host()
    with contextlib.ExitStack() as stack:
        ensembles = [stack.enter_context(open_ensemble(place)) for place in places]
        runs = Runs([case.values for case in cases], ensembles, quick)
        claims = tuple(result.claims(runs))
        image = _drawn(result, runs)
    with replacing(directory / FIGURE_FILE) as temporary:
        temporary.write_bytes(image)
    before = _earlier(directory / REPRODUCTION_FILE, fingerprints)
    seconds, processor_seconds = (max(*pair) for pair in zip(spent, before, strict=True))
    return Reproduction(
        result.name,
        result.title,
        result.summary,
        quick,
        claims,
        round(seconds, 1),
        round(processor_seconds, 1),
        fingerprints,
        now(),
        versions(),
        f"{here['processor']}, {here['cores']} cores",
    )


def _earlier(path: Path, fingerprints: tuple[str, ...]) -> tuple[float, float]:
    """Return the times that an earlier call needed for the same runs, which this one only reads."""
    if path.is_file():
        earlier = Reproduction.load(path)
        if sorted(earlier.fingerprints) == sorted(fingerprints):
            return earlier.seconds, earlier.processor_seconds
    return 0.0, 0.0


def _drawn(result: Result, runs: Runs) -> bytes:
    """Draw the figure of a result; a PNG file."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(style.RC):
        figure: Figure
        figure, axes = style.grid(result.panels, 2, 3.4)
        result.figure(runs, axes)
        style.legend_below(figure, axes)
        figure.savefig(buffer, format="png", dpi=style.DPI)
    return buffer.getvalue()
