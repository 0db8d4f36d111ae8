"""Compile the steps of a study's models in a second process, while this one compiles or integrates."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastsde.integrate.compile_cache import compile_steps
from fastsde.run.resources import available_memory
from fastsde.system.children import Child, ChildError, serve

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["CompileAhead", "room_for"]

MEMORY = 2 << 30
"""Bytes that must be available for another process that compiles: it takes up to 1.3 GB."""


def room_for(most: int, threads: int) -> int:
    """Return how many processes, at most, may compile: as cores, memory and a common cache allow."""
    from fastsde.kernels.options import is_private

    if threads < 2 or is_private():
        return 0
    memory = available_memory()
    return min(most, threads, most if memory is None else memory // MEMORY)


class CompileAhead:
    """Another process that compiles, once it is begun; nothing depends on it but the time that a run takes.

    Parameters
    ----------
    study : Study
    names : sequence of str
        The models in the order in which they will be integrated.
    threads : int
        That this process may use; with one alone nothing is done.
    """

    def __init__(self, study: Study, names: Sequence[str], threads: int) -> None:
        self._request = study.to_toml(), list(dict.fromkeys(names))
        self._threads, self._begun = threads, False
        self._child: Child | None = None

    def begin(self) -> None:
        """Start the process, unless it was started before, or there is no room for it."""
        if self._begun or not room_for(1, self._threads):
            return
        self._begun = True
        with contextlib.suppress(ChildError):
            self._child = Child(__name__)
            threading.Thread(target=self._work, args=(self._child,), daemon=True).start()

    def _work(self, child: Child) -> None:
        with contextlib.suppress(ChildError):
            child.ask(self._request)
        child.end()

    def end(self) -> None:
        """End the process, if it still runs."""
        if self._child is not None:
            self._child.end()


def main() -> None:
    """Compile the steps of the models that another process names."""
    serve(_compile)


def _compile(request: tuple[str, list[str]]) -> None:
    from fastsde.problem.data import build_problem
    from fastsde.study.study import Study

    study = Study.from_toml(request[0])
    compile_steps(study, request[1], build_problem(study))
