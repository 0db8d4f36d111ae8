"""Pilot runs: what a step and a snapshot of a model cost on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastsde.run.likeness import likeness
from fastsde.storage import schema
from fastsde.storage.plan import default_size

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study
    from fastsde.system.progress import Progress

__all__ = ["Pilot", "Speed", "pilot_steps", "speeds"]

PROBE_STEPS, PROBE_TRAJECTORIES = 8, 512
PILOT_WORK = 2e8
"""Parameter-steps of a pilot run; its length depends only on the study, so that two forecasts agree."""
LEAST_ROUNDS, ROUNDS, ROUND_SECONDS = 3, 5, 1.5
"""Rounds of pilot runs: at least, at most, and in how many seconds per model. The shortest run of each kind
counts: what else the machine does can only make one longer."""


@dataclass(frozen=True)
class Speed:
    """The cost of a model on this machine, with all threads.

    Attributes
    ----------
    step
        Seconds of one integrator step of one trajectory.
    snapshot
        Seconds to measure one trajectory at one snapshot.
    share
        Fraction of the study that the pilot covers; steps become cheaper once all events have occurred.
    """

    step: float
    snapshot: float
    share: float

    def times(self, factor: float) -> Speed:
        """Return a speed at which everything takes `factor` as long."""
        return Speed(factor * self.step, factor * self.snapshot, self.share)


def speeds(
    study: Study, problem: Problem, threads: int, progress: Progress, known: dict[str, Speed]
) -> dict[str, Speed]:
    """Return the speed of every model; those that are not known yet are measured, and added to `known`.

    The models take turns, so that a short disturbance of the machine meets one round of each at most.
    """
    keys = {name: likeness(study, name) for name in study.models}
    pilots = {
        keys[name]: Pilot(study, name, problem, threads) for name in study.models if keys[name] not in known
    }
    if pilots:
        with progress.task("measure", ROUNDS * len(pilots), "pilot runs"):
            for pilot in pilots.values():
                pilot.prepare(progress)
            begun, limit = time.perf_counter(), ROUND_SECONDS * len(pilots)
            for number in range(ROUNDS):
                if number >= LEAST_ROUNDS and time.perf_counter() - begun >= limit:
                    break
                for place, pilot in enumerate(pilots.values()):
                    progress.update(number * len(pilots) + place, pilot.name)
                    pilot.measure()
            progress.update(ROUNDS * len(pilots))
        known.update({key: pilot.speed() for key, pilot in pilots.items()})
    return {name: known[key] for name, key in keys.items()}


class Pilot:
    """Short runs of one model on all threads: long and short ones, with many snapshots and with one.

    No trajectory stops at an event meanwhile.

    Parameters
    ----------
    study, name, problem, threads
        The model, and the threads on which it runs.
    """

    def __init__(self, study: Study, name: str, problem: Problem, threads: int) -> None:
        from fastsde.kernels.lanes import lane_count

        self.name, self._problem, self._threads = name, problem, threads
        self._study = study.replace(events={"stop": []}) if study.events.stops else study
        total = study.time.steps
        self._count = 2 * threads * int(lane_count(study.dtype))
        self._many = min(default_size(study, name), study.trajectories, PROBE_TRAJECTORIES)
        self._few = min(total, PROBE_STEPS)
        self._steps = min(total, max(PROBE_STEPS, pilot_steps(study, name, self._count)))
        self._runs = {
            "snapshots": (self._many, self._few, list(range(self._few + 1))),
            "snapshot": (self._many, self._few, [self._few]),
            "steps": (self._count, self._steps, [self._steps]),
            "step": (self._count, 1, [1]),
        }
        self._shortest: dict[str, float] = {}

    def prepare(self, progress: Progress) -> None:
        """Compile the model's code, load it, and start the threads."""
        from fastsde.integrate.compile_cache import ensure_compiled

        ensure_compiled(self._study, self.name, self._problem, progress=progress)
        self._run(self._count, self._few, list(range(self._few + 1)))

    def measure(self) -> None:
        """Do one run of each kind."""
        for kind, run in self._runs.items():
            begun = time.perf_counter()
            self._run(*run)
            taken = time.perf_counter() - begun
            self._shortest[kind] = min(taken, self._shortest.get(kind, taken))

    def speed(self) -> Speed:
        """Return what the shortest runs say."""
        total, substeps = self._study.time.steps, self._study.models[self.name].substeps
        snapshots = max(1e-9, self._shortest["snapshots"] - self._shortest["snapshot"])
        steps = max(1e-9, self._shortest["steps"] - self._shortest["step"])
        return Speed(
            steps / max(1, self._steps - 1) / substeps / self._count,
            snapshots / max(1, self._few - 1) / self._many,
            self._steps / total,
        )

    def _run(self, count: int, steps: int, snapshots: list[int]) -> None:
        from fastsde.run.integrate import integrate

        short = self._study.replace(time={"steps": steps, "snapshots": {"at": snapshots}}, trajectories=count)
        integrate(short, self.name, 0, count, problem=self._problem, threads=self._threads)


def pilot_steps(study: Study, name: str, count: int) -> int:
    """Return the number of learning-rate steps of a pilot run of `count` trajectories."""
    parameters = schema.dimension_sizes(study, 1)["parameter"]
    return max(1, int(PILOT_WORK / (count * study.models[name].substeps * max(parameters, 16))))
