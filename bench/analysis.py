"""CPU time and peak memory of the analysis of a large ensemble: ``python -m bench.analysis``.

The ensemble is made up as it is read, one snapshot of one model at a time, so that the numbers are the
analysis's own: time to make the values is measured apart and taken off. Seconds are of all cores together, so
that a busy machine does not spoil them; two idle cores need about half as many on the clock.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastsde.analysis import Settings, analyze, cost, sections
from fastsde.analysis.section_cost import Size, terms
from fastsde.analysis.selection import SNAPSHOTS
from fastsde.problem.data import build_problem
from fastsde.study.study import Study

STUDY = """
trajectories = {trajectories}
[network]
widths = [{modes}, 32, {modes}]
init = {{ kind = "gaussian", gamma = 2.0 }}
[data]
samples = 64
teacher = {{ singular_values = [{strengths}] }}
label_noise = 1.0
[time]
learning_rate = 1e-4
steps = 20_000
snapshots = {{ count = {snapshots}, spacing = "log" }}
[record]
observables = [
    "loss", "modes", "singular_values", "mode_drift", "mode_diffusion", "mode_alignment", "update_noise"
]
[events]
mode_learned = [0.5]
[models.sgd]
kind = "sgd"
[models.langevin]
kind = "sde"
noise = "isotropic"
[models.sgd_gauss]
kind = "sde"
noise = "gradient"
dt = "learning-rate"
[models.sde]
kind = "sde"
noise = "gradient"
[models.levy]
kind = "sde"
noise = "gradient"
alpha = 1.6
[models.tempered]
kind = "sde"
noise = "gradient"
alpha = 1.6
tempering = 1e4
"""


@dataclass
class Clock:
    """Seconds spent on making values."""

    seconds: float = 0.0


@dataclass
class MadeUp:
    """One model's trajectories: logistic growth of each mode at its own random time."""

    study: Study
    number: int
    clock: Clock
    attributes: dict[str, Any] = field(default_factory=lambda: {"dt": 1e-4})
    variables = (
        "loss",
        "modes",
        "singular_values",
        "mode_drift",
        "mode_diffusion",
        "mode_alignment",
        "update_noise",
        "diverged_step",
        "mode_learned_step",
    )

    def __post_init__(self) -> None:
        self.step = self.study.time.snapshot_steps()
        self.time = self.step * self.study.time.learning_rate
        self.count = self.study.trajectories
        self.strength = np.array(self.study.data.teacher.singular_values)
        rng = np.random.default_rng([7, self.number])
        shape = (self.count, self.strength.size)
        centre = np.geomspace(300, 5000, self.strength.size) * (1 + 0.02 * self.number)
        self._log_time = np.log(centre) + 0.3 * rng.standard_normal(shape, dtype=np.float32)
        self._noise = rng.standard_normal(shape, dtype=np.float32)

    def read(self, name: str, snapshot: int | None = None, trajectories: slice = slice(None)) -> Any:
        start = time.thread_time()
        values = self._make(name, snapshot, trajectories)
        self.clock.seconds += time.thread_time() - start
        return values

    __getitem__ = read

    def _make(self, name: str, snapshot: int | None, trajectories: slice) -> Any:
        if name == "diverged_step":
            return np.full(self.count, -1)[trajectories]
        if name == "mode_learned_step":
            return np.ceil(np.exp(self._log_time[trajectories])).astype(np.int64)[:, None, :]
        if snapshot is None:
            return np.stack([self._make(name, one, trajectories) for one in range(self.step.size)])
        noise = np.roll(self._noise, snapshot, axis=0)[trajectories]
        if name == "update_noise":
            return noise.astype(np.float64)
        late = np.log(self.step[snapshot] + 1) - self._log_time[trajectories]
        share = 1 / (1 + np.exp(-8 * late)) + 1e-3 * noise
        if name == "modes":
            return share.astype(np.float64) * self.strength
        if name == "singular_values":
            return np.sort(np.abs(share * self.strength), axis=1)[:, ::-1].astype(np.float64)
        if name in ("mode_drift", "mode_diffusion", "mode_alignment"):
            return (share * (1.1 - share)).astype(np.float64)
        return 1.0 + np.square((1 - share) * self.strength).sum(axis=1, dtype=np.float64)

    def passage_time(self, event: str) -> Any:
        steps = self.read(f"{event}_step")
        return np.where(steps >= 0, steps * self.attributes["dt"], np.nan)


@dataclass
class MadeUpEnsemble:
    """Several models, with the interface of `fastsde.storage.ensemble.Ensemble`."""

    study: Study
    problem: Any
    views: dict[str, MadeUp]

    @property
    def names(self) -> list[str]:
        return list(self.views)

    def __getitem__(self, name: str) -> MadeUp:
        return self.views[name]


def made_up(trajectories: int, snapshots: int, modes: int, models: int) -> MadeUpEnsemble:
    """Return an ensemble of some size, at most six models."""
    strengths = ", ".join(str(100 - 2 * a) for a in range(modes))
    text = STUDY.format(trajectories=trajectories, snapshots=snapshots, modes=modes, strengths=strengths)
    mapping = Study.from_toml(text).to_mapping()
    mapping["models"] = dict(list(mapping["models"].items())[:models])
    study = Study.from_mapping(mapping)
    clock = Clock()
    views = {name: MadeUp(study, number, clock) for number, name in enumerate(study.models)}
    problem = build_problem(study)
    for view in views.values():
        view.strength = problem.mode_strength
    return MadeUpEnsemble(study, problem, views)


def measure(
    trajectories: int, snapshots: int, modes: int, models: int, only: list[str] | None = None
) -> dict[str, float]:
    """Return seconds by stage and peak memory in MiB of one analysis, or of some of its sections."""
    ensemble = made_up(trajectories, snapshots, modes, models)
    clock = next(iter(ensemble.views.values())).clock
    spent: dict[str, float] = {}
    timed = {name: _timed(section, spent, clock) for name, section in sections.SECTIONS.items()}
    original = sections.SECTIONS
    sections.SECTIONS = timed  # type: ignore[assignment]
    start, wall = time.process_time(), time.perf_counter()
    try:
        analyze(ensemble, settings=Settings(), sections=only)
    finally:
        sections.SECTIONS = original
    total = time.process_time() - start
    return {
        "on the clock": time.perf_counter() - wall,
        "all cores": total,
        "making values": clock.seconds,
        "snapshots": total - sum(spent.values()) - clock.seconds,
        **spent,
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _timed(section: sections.Section[Any], spent: dict[str, float], clock: Clock) -> sections.Section[Any]:
    def run(context: sections.Context) -> Any:
        start, made = time.process_time(), clock.seconds
        found = section.measure(context)
        spent[section.name] = time.process_time() - start - (clock.seconds - made)
        return found

    return dataclasses.replace(section, measure=run)


SIZES = (
    (64, 10, 2, 2),
    (64, 40, 8, 3),
    (100, 10, 2, 2),
    (1_000, 10, 2, 2),
    (1_000, 64, 4, 2),
    (256, 20, 4, 3),
    (500, 40, 4, 6),
    (1_000, 40, 16, 2),
    (10_000, 10, 4, 2),
    (10_000, 40, 4, 2),
    (1_000, 300, 2, 2),
    (200, 200, 4, 3),
    (4_000, 30, 4, 4),
    (300, 64, 8, 3),
    (20_000, 20, 8, 2),
)
"""Trajectories, snapshots, modes and models of the runs that the cost model is fitted to."""


def calibrate(only: list[str] | None) -> None:
    """Fit the cost of every section to some analyses, and print it with its errors."""
    from scipy.optimize import nnls

    costs = {SNAPSHOTS: cost.SNAPSHOTS_COST, **{name: one.cost for name, one in sections.SECTIONS.items()}}

    taken: dict[str, list[float]] = {}
    sizes = []
    for trajectories, snapshots, modes, models in SIZES:
        found = measure(trajectories, snapshots, modes, models, only)
        sizes.append(Size(models, snapshots, modes, trajectories))
        for name in (name for name in found if costs.get(name) is not None):
            taken.setdefault(name, []).append(max(found[name], 1e-3))
        print(f"# {trajectories} {snapshots} {modes} {models}: {found['all cores']:.1f} s", flush=True)
    print(f"YARDSTICK_SECONDS = {cost.yardstick():.4f}")
    for name, seconds in taken.items():
        real = np.array(seconds)
        products = np.array([terms(costs[name].counted(size)) for size in sizes])
        coefficients, _ = nnls(products / real[:, None], np.ones(len(real)))
        ratio = products @ coefficients / real
        numbers = ", ".join(f"{value:.3g}" for value in coefficients)
        print(f"{name}: cost=Cost(({numbers})),  # {ratio.min():.2f} to {ratio.max():.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trajectories", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--snapshots", type=int, default=64)
    parser.add_argument("--modes", type=int, default=16)
    parser.add_argument("--models", type=int, default=6, choices=range(1, 7))
    parser.add_argument("--calibrate", action="store_true", help="print the cost of every section")
    parser.add_argument("--sections", metavar="A,B,...", help="with --calibrate: of these sections only")
    given = parser.parse_args()
    if given.calibrate:
        calibrate(given.sections.split(",") if given.sections else None)
        return
    for trajectories in given.trajectories:
        print(f"{trajectories:,} trajectories x {given.snapshots} snapshots x {given.modes} modes")
        for name, value in measure(trajectories, given.snapshots, given.modes, given.models).items():
            print(f"  {name:<20}{value:10.1f}")


if __name__ == "__main__":
    main()
