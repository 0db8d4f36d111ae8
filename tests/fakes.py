"""A small ensemble in memory with plausible saddle-to-saddle curves, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from fastsde.problem.data import build_problem
from fastsde.study.study import Study

STRENGTH = np.array([100.0, 90.0, 80.0, 70.0])

STUDY = """
seed = 0
trajectories = {trajectories}
[network]
widths = [4, 10, 10, 10, 4]
init = {{ kind = "gaussian", gamma = 2.0 }}
[data]
samples = 16
inputs = {{ kind = "gaussian", whiten = true }}
teacher = {{ singular_values = [100, 90, 80, 70] }}
label_noise = 1.0
[time]
learning_rate = 1e-4
steps = 20_000
snapshots = {{ count = {snapshots}, spacing = "log" }}
[events]
mode_learned = [0.5]
{models}
"""

MODELS = {
    "sgd": '[models.sgd]\nkind = "sgd"\nbatch = 1',
    "gd": '[models.gd]\nkind = "gd"',
    "langevin": '[models.langevin]\nkind = "sde"\nnoise = "isotropic"\ndt = "learning-rate"',
    "sgd_gauss": '[models.sgd_gauss]\nkind = "sde"\nnoise = "gradient"\ndt = "learning-rate"',
    "levy": '[models.levy]\nkind = "sde"\nnoise = "gradient"\nalpha = 1.6',
    "tempered": '[models.tempered]\nkind = "sde"\nnoise = "gradient"\nalpha = 1.6\ntempering = 10.0',
}

SHIFT = {"gd": 0.75, "langevin": 1.25}
"""Learning times of these models relative to SGD's; all others have SGD's law."""


@dataclass
class FakeTrajectories:
    """One model's arrays by name, with the interface of `fastsde.storage.ensemble.Trajectories`."""

    step: np.ndarray
    time: np.ndarray
    arrays: dict[str, np.ndarray]
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    @property
    def count(self) -> int:
        return int(self.arrays["diverged_step"].shape[0])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def read(self, name: str, snapshot: int | None = None, trajectories: slice = slice(None)) -> np.ndarray:
        values = self.arrays[name] if snapshot is None else self.arrays[name][snapshot]
        return values[trajectories]

    @property
    def diverged(self) -> np.ndarray:
        return self.arrays["diverged_step"] >= 0

    def passage_time(self, event: str) -> np.ndarray:
        steps = self.arrays[f"{event}_step"]
        return np.where(steps >= 0, steps * self.attributes["dt"], np.nan)


@dataclass
class FakeEnsemble:
    """Several models, with the interface of `fastsde.storage.ensemble.Ensemble`."""

    study: Study
    problem: Any
    views: dict[str, FakeTrajectories]

    @property
    def names(self) -> list[str]:
        return list(self.views)

    def __getitem__(self, name: str) -> FakeTrajectories:
        return self.views[name]


def fake_problem() -> Any:
    """The study's data with round strengths of the optimum; a namespace, so that tests may spoil it."""
    problem = build_problem(fake_study(4, 4, ("gd",)))
    optimum = (problem.mode_left * STRENGTH) @ problem.mode_right.T
    changed = {
        "mode_strength": STRENGTH, "optimum": optimum, "optimum_loss": 0.75,
        "covariance": np.eye(4), "factor": np.eye(4), "cross": optimum, "white": True,
    }  # fmt: skip
    return SimpleNamespace(**{**vars(problem), **changed})


def fake_study(
    trajectories: int = 400, snapshots: int = 24, models: tuple[str, ...] = tuple(MODELS)
) -> Study:
    chosen = "\n".join(MODELS[name] for name in models)
    return Study.from_toml(STUDY.format(trajectories=trajectories, snapshots=snapshots, models=chosen))


def fake_ensemble(
    trajectories: int = 400,
    snapshots: int = 24,
    models: tuple[str, ...] = tuple(MODELS),
    seed: int = 0,
    shift: dict[str, float] | None = None,
) -> FakeEnsemble:
    """Logistic growth of each mode at its own random time; a few Levy trajectories diverge."""
    study = fake_study(trajectories, snapshots, models)
    shifts = SHIFT if shift is None else shift
    views = {
        name: _trajectories(study, name, np.random.default_rng([seed, number]), shifts.get(name, 1.0))
        for number, name in enumerate(models)
    }
    return FakeEnsemble(study, fake_problem(), views)


def _trajectories(study: Study, name: str, rng: np.random.Generator, shift: float) -> FakeTrajectories:
    count, rate = study.trajectories, study.time.learning_rate
    step = study.time.snapshot_steps()
    learned = shift * np.array([500.0, 1100.0, 1400.0, 2600.0]) * rng.lognormal(0.0, 0.35, (count, 4))
    learned[:, 3] *= np.where(rng.random(count) < 0.05, 12.0, 1.0)
    width = 0.12 * learned
    with np.errstate(over="ignore"):
        modes = STRENGTH / (1 + np.exp(-(step[:, None, None] - learned) / width))
    modes += rng.normal(0.0, 0.02, (step.size, count, 4)) + 1e-3
    loss = 0.75 + 0.25 * ((STRENGTH - modes) ** 2).sum(axis=2) + 0.01 * rng.random((step.size, count))
    noise = 0.02 * _noise(name, rng, (step.size, count, 4))
    slope = 2 * modes * (1 - modes / STRENGTH)
    gradient = np.sqrt((slope**2).sum(axis=2))
    lowest, highest = -60.0 - rng.random((step.size, count)), 1500.0 + rng.random((step.size, count))
    diverged = _divergences(name, rng, count, int(step[-1]))
    gone = (diverged >= 0) & (step[:, None] >= diverged)
    for values in (modes, loss, noise, gradient, lowest, highest):
        values[gone] = np.nan
    passage = np.where(learned <= step[-1], np.ceil(learned), -1).astype(np.int64)
    passage[(diverged[:, None] >= 0) & (passage >= diverged[:, None])] = -1
    arrays = {
        "loss": loss,
        "modes": modes,
        "update_noise": noise,
        "gradient_norm": gradient,
        "hessian_min": lowest,
        "hessian_max": highest,
        "hessian_error": 1e-6 * highest,
        "diverged_step": diverged,
        "mode_learned_step": passage[:, None, :],
    }
    return FakeTrajectories(step, step * rate, arrays, {"dt": rate})


def _noise(name: str, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    normal = rng.standard_normal(shape)
    if name == "gd":
        return 0.0 * normal
    if name == "levy":
        return rng.standard_t(1.6, shape)
    if name == "tempered":
        return rng.standard_t(6.0, shape)
    return normal


def _divergences(name: str, rng: np.random.Generator, count: int, steps: int) -> np.ndarray:
    when = rng.integers(1, steps, count)
    return np.where(rng.random(count) < (0.06 if name == "levy" else 0.0), when, -1).astype(np.int64)
