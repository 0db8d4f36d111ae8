"""Starts the tasks of programs on a device, with the global memory that some of them work in."""

from __future__ import annotations

from typing import Any

from fastsde.kernels.gpu import arrays, driver
from fastsde.kernels.gpu.loops import GLOBAL_MEMORY
from fastsde.kernels.gpu.target import THREADS
from fastsde.system.stopwatch import spend

__all__ = ["Launcher"]

ROOM_SHARE = 0.25
"""Of the free memory, what threads may take as global memory to work in."""
MOST_SLOTS, MOST_BLOCKS = 1 << 16, 1 << 12
"""Threads, and blocks of threads, that have global memory to work in at most."""


class Launcher:
    """Starts tasks on a stream.

    Parameters
    ----------
    stream
        Of the device.
    count : int
        Trajectories of a launch at most.
    """

    def __init__(self, stream: Any, count: int) -> None:
        self.stream, self._count = stream, count
        self._rooms: dict[Any, Any] = {}

    def run(self, program: Any, task: str, count: int, job: Any) -> None:
        """Start a task of `count` trajectories, which is compiled before if it never was."""
        with spend("launch" if program.is_ready(task) else "compile"):
            program.launch(task, count, job, self.stream, self._room(program))

    def drop(self) -> None:
        """Give the global memory back."""
        self._rooms.clear()

    def _room(self, program: Any) -> Any:
        """Return the global memory of a program, if that is where its trajectories work."""
        if program.where not in GLOBAL_MEMORY:
            return ()
        if program not in self._rooms:
            fitting = int(ROOM_SHARE * driver.free_bytes()) // program.bytes
            most = MOST_BLOCKS if program.where == "team" else MOST_SLOTS
            slots = max(1, min(fitting, most, self._count))
            if program.where == "global" and slots > THREADS:
                slots -= slots % THREADS
            self._rooms[program] = arrays.workspace(program, slots)
        return self._rooms[program]
