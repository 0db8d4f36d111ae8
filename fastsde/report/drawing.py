"""Draw the figures of a report: on several cores, if it takes long enough to be worth other processes."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from fastsde.analysis import Analysis
from fastsde.report import style
from fastsde.report.spec import FIGURES, FigureSpec
from fastsde.system.children import Child, ChildError, serve
from fastsde.system.progress import Progress
from fastsde.system.threads import default_threads

__all__ = ["draw", "files_of"]

Files = dict[str, bytes]
"""A figure's files by format."""
WORTHWHILE_SECONDS = 8.0
"""Other processes help if drawing the rest would take this long: starting one takes about two seconds."""
FIRST_FIGURES = 2
"""How many figures are drawn before the time of the rest is estimated."""


def draw(
    analysis: Analysis,
    progress: Progress,
    formats: Sequence[str],
    paper: bool = False,
    source: Path | None = None,
) -> dict[str, Files]:
    """Draw every figure that the analysis has the numbers for; files by name and format.

    Parameters
    ----------
    analysis : Analysis
    progress : Progress
        Told how many figures are drawn.
    formats : sequence of str
        Of files, as Matplotlib names them.
    paper : bool
        Whether figures are for a paper in two columns.
    source : Path, optional
        The file of the analysis, from which other processes can load it; without it this process draws alone.
    """
    wanted = [spec for spec in FIGURES.values() if spec.applies(analysis)]
    drawn = [spec for spec in wanted if spec.draw is not None]
    images: dict[str, Files] = {}
    left = deque(drawn)
    helpers: list[_Helper] = []
    begun = time.monotonic()
    with style.template(paper), progress.task("report", len(drawn), "figures"):
        try:
            while spec := _next(left):
                progress.update(len(images), spec.name)
                images[spec.name] = files_of(spec, analysis, formats)
                if source is not None and len(images) == FIRST_FIGURES:
                    seconds = (time.monotonic() - begun) / FIRST_FIGURES * len(left)
                    count = default_threads() - 1 if seconds >= WORTHWHILE_SECONDS else 0
                    helpers = [_Helper(source, formats, paper, left, images) for _ in range(count)]
            for helper in helpers:
                helper.wait()
        finally:
            for helper in helpers:
                helper.end()
        for spec in drawn:  # what a helper could not draw
            if spec.name not in images:
                images[spec.name] = files_of(spec, analysis, formats)
        progress.update(len(drawn))
    return {spec.name: images[spec.name] for spec in drawn}


def files_of(spec: FigureSpec, analysis: Analysis, formats: Sequence[str]) -> Files:
    """Draw a figure, and return its files; its panels are laid out once."""
    assert spec.draw is not None
    figure = spec.draw(analysis)
    lay_out(figure)
    return {kind: _file(figure, kind) for kind in formats}


def lay_out(figure: Figure) -> None:
    """Place the panels of a figure as Matplotlib would each time that it is saved, once for all formats.

    Then the figure has no layout engine: with one, even one that does nothing, Matplotlib draws twice.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    figure.set_dpi(style.DPI)
    engine.execute(figure)
    figure.set_layout_engine(None)  # none by default; "none" would be one that does nothing


def _file(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=style.DPI)
    return buffer.getvalue()


def _next(left: deque[FigureSpec]) -> FigureSpec | None:
    try:
        return left.popleft()
    except IndexError:
        return None


class _Helper:
    """Another process that draws figures while any are left, and the thread that tells it which."""

    def __init__(
        self,
        source: Path,
        formats: Sequence[str],
        paper: bool,
        left: deque[FigureSpec],
        images: dict[str, Files],
    ) -> None:
        self._left, self._images = left, images
        self._begin = (str(source.absolute()), tuple(formats), paper)
        self._child: Child | None = None
        with contextlib.suppress(ChildError):
            self._child = Child(__name__)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        """Have figures drawn; what it cannot draw is left to the parent, which then says why."""
        with contextlib.suppress(ChildError):
            if self._child is None or not self._child.ask(self._begin):
                return
            while spec := _next(self._left):
                self._images[spec.name] = self._child.ask(spec.name)

    def wait(self) -> None:
        """Wait until it has drawn its last figure."""
        self._thread.join()

    def end(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.end()


def main() -> None:
    """Draw figures of an analysis for another process: first its file, formats and form, then names."""
    given: list[tuple[Analysis, Sequence[str], bool]] = []

    def answer(request: str | tuple[str, Sequence[str], bool]) -> Files | bool:
        if not isinstance(request, str):
            path, formats, paper = request
            given.append((Analysis.load(path), formats, paper))
            return True
        analysis, formats, paper = given[0]
        with style.template(paper):
            return files_of(FIGURES[request], analysis, formats)

    serve(answer)
