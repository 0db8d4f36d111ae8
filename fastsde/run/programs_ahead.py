"""Compile the programs of a study's models for a GPU in several processes, kernel by kernel.

A model has four to eight kernels, each of which takes a core for seconds. Compiled side by side they are
there after the longest of them; those of the next models are compiled while the first one computes.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fastsde.integrate.devices import survey
from fastsde.run.compile_ahead import room_for
from fastsde.system.cache_lock import POLL_SECONDS, is_there, once
from fastsde.system.children import Child, ChildError, serve
from fastsde.system.errors import Interrupted
from fastsde.system.progress import Progress

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["ProgramsAhead"]

MOST = 8
"""Processes: as many as the largest models have kernels."""


class ProgramsAhead:
    """Processes that compile for a GPU; nothing depends on them but the time until the first launch.

    They need no device. What they have not compiled, the process that launches it compiles itself.

    Parameters
    ----------
    study : Study
    names : sequence of str
        The models in the order in which they will be integrated.
    threads : int
        That this process may use; with one alone nothing is done.
    capability : str, optional
        Compute capability of the device, such as ``"9.0"``; by default it is asked.
    """

    def __init__(
        self, study: Study, names: Sequence[str], threads: int, capability: str | None = None
    ) -> None:
        self._study, self._text = study, study.to_toml()
        self._names = [name for name in dict.fromkeys(names) if not study.models[name].replayed]
        self._threads = threads
        self._capability = capability or str(survey().get("compute_capability", "0.0"))
        self._children: list[Child] = []
        self._asked: dict[str, bool] = {}
        self._left: dict[str, int] = {}
        self._counting = threading.Lock()
        self._failed = self._begun = False

    def ensure(self, name: str, problem: Problem, stop: Callable[[], bool], progress: Progress) -> None:
        """Return when the programs of a model are on disk, or cannot be compiled here.

        Raises
        ------
        Interrupted
            If `stop` says so meanwhile.
        """
        if name not in self._names or self._capability == "0.0":  # numba's simulator
            return
        mark = self._mark(name)
        if is_there(mark) or self._stored(name, problem):
            return
        self._begin()
        if self._children:
            with progress.aside("compiling", f"{name}, for the GPU"), contextlib.suppress(ChildError):
                once(mark, lambda: self._wait(name, stop), stop)

    def end(self) -> None:
        """End the processes, if any still run."""
        for child in self._children:
            child.end()

    def _stored(self, name: str, problem: Problem) -> bool:
        """Return whether all is on disk already: another study may have the same code with other numbers."""
        from fastsde.integrate.gpu.ahead import are_stored

        if name not in self._asked:
            self._asked[name] = are_stored(self._study, name, _numbers(self._capability), problem)
        return self._asked[name]

    def _mark(self, name: str) -> str:
        from fastsde.kernels.gpu.stored import sources, versions

        parts = (self._text, name, self._capability, sources(), sorted(versions().items()))
        return f"programs-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"

    def _begin(self) -> None:
        """Start the processes, unless they were started before, or there is room for one alone."""
        if self._begun:
            return
        self._begun = True
        count = room_for(MOST, self._threads)
        if count < 2:
            return
        with contextlib.suppress(ChildError):
            for _ in range(count):
                self._children.append(Child(__name__))
        self._left = dict.fromkeys(self._names, len(self._children))
        for number, child in enumerate(self._children):
            threading.Thread(target=self._work, args=(child, number), daemon=True).start()

    def _work(self, child: Child, number: int) -> None:
        share = number, len(self._children)
        try:
            for name in self._names:
                child.ask((self._text, name, self._capability, share))
                with self._counting:
                    self._left[name] -= 1
        except ChildError:
            self._failed = True

    def _wait(self, name: str, stop: Callable[[], bool]) -> None:
        wake = threading.Event()
        while self._left[name] > 0:
            if self._failed:
                raise ChildError("a process could not compile")
            if stop():
                raise Interrupted("stopped while other processes compile")
            wake.wait(POLL_SECONDS)


def main() -> None:
    """Compile the kernels that another process names."""
    serve(_compile)


def _compile(request: tuple[str, str, str, tuple[int, int]]) -> int:
    from fastsde.integrate.gpu.ahead import store_programs
    from fastsde.study.study import Study

    text, name, capability, share = request
    return store_programs(Study.from_toml(text), name, _numbers(capability), share=share)


def _numbers(capability: str) -> tuple[int, int]:
    major, minor = map(int, capability.split("."))
    return major, minor
