"""The networks and models that are timed, as data, and the study of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from fastsde.problem.data import build_problem
from fastsde.study.study import Study

__all__ = [
    "CASES",
    "GRADIENT",
    "LANGEVIN",
    "MODEL",
    "SGD",
    "STABLE",
    "TANH",
    "TEMPERED",
    "Case",
    "Precision",
    "cases",
]

Precision = Literal["float32", "float64"]
MODEL = "model"
"""Name of the only model of a case's study."""

LEARNING_RATE = 0.01
LANGEVIN: Mapping[str, Any] = {"kind": "sde", "noise": "isotropic", "temperature": 0.01, "substeps": 1}
GRADIENT: Mapping[str, Any] = {"kind": "sde", "noise": "gradient", "substeps": 1}
SGD: Mapping[str, Any] = {"kind": "sgd", "batch": 1}
STABLE: Mapping[str, Any] = {"kind": "sde", "noise": "gradient", "alpha": 1.6, "substeps": 8}
TEMPERED: Mapping[str, Any] = {**STABLE, "tempering": 1 / LEARNING_RATE}
"""With tempering rate 1 / learning rate: clearly heavier tails than Gaussian, with the same covariance."""


@dataclass(frozen=True)
class Case:
    """A network, its data and one model to time.

    Parameters
    ----------
    name : str
        Short unique name, such as ``"langevin-10"``.
    title : str
        Description.
    widths : tuple of int
        Input first.
    model : mapping
        The model's table, as in a study file.
    samples : int or "population"
        Finite data are whitened Gaussian inputs; the population's covariance is the identity.
    dtype : {"float32", "float64"}
    trajectories : int
    activation : str, optional
        Of a nonlinear network with biases, which start as 0; None for a deep linear network.

    Examples
    --------
    >>> Case("small", "a small one", (2, 2), LANGEVIN).study(steps=10).time.steps
    10
    """

    name: str
    title: str
    widths: tuple[int, ...]
    model: Mapping[str, Any] = field(default_factory=lambda: LANGEVIN)
    samples: int | Literal["population"] = "population"
    dtype: Precision = "float32"
    trajectories: int = 8192
    activation: str | None = None

    @property
    def substeps(self) -> int:
        """Integrator steps per learning rate."""
        return int(self.model.get("substeps", 1))

    def study(self, steps: int, seed: int = 0) -> Study:
        """Return the study with `steps` learning-rate steps, snapshots only at both ends, and no events.

        The teacher's singular values fall from 2 to 1/2, layers start at ``std = 1 / (2 sqrt(width))``, the
        loss is "half", the learning rate 0.01 and the label noise 0.1: a smooth descent at any depth and
        width.
        """
        rank = min(self.widths[0], self.widths[-1])
        widest = max(self.widths)
        data: dict[str, Any] = {
            "samples": self.samples,
            "seed": 0,
            "teacher": {"singular_values": np.linspace(2.0, 0.5, rank).tolist()},
            "label_noise": 0.1,
        }
        if self.samples != "population":
            data["inputs"] = {"kind": "gaussian", "whiten": True}
        init = {"std": 0.5 * widest**-0.5}
        objective: dict[str, Any] = {
            "network": {"widths": list(self.widths), "init": init, "loss": "half"},
            "data": data,
        }
        if self.activation is not None:
            objective = {"landscape": self._landscape(init)}
        return Study.from_mapping(
            {
                "seed": seed,
                "trajectories": self.trajectories,
                "dtype": self.dtype,
                **objective,
                "time": {"learning_rate": LEARNING_RATE, "steps": steps, "snapshots": {"count": 2}},
                "record": {"observables": ["loss"]},
                "events": {"mode_learned": []},
                "models": {MODEL: dict(self.model)},
            }
        )

    def _landscape(self, init: dict[str, float]) -> dict[str, Any]:
        """Return the nonlinear network, with the data of the linear one."""
        problem = build_problem(self.replace(activation=None).study(1))
        assert problem.inputs is not None
        assert problem.labels is not None
        data = {"kind": "arrays", "inputs": problem.inputs.tolist(), "labels": problem.labels.tolist()}
        return {
            "kind": "mlp",
            "widths": list(self.widths),
            "activation": self.activation,
            "loss": "half",
            "init": init,
            "data": data,
        }

    def replace(self, **changes: Any) -> Case:
        """Return a changed case."""
        return dataclasses.replace(self, **changes)


SQUARE = (10, 10, 10, 10)
FIELD = (4, 10, 10, 10, 4)
CASES = (
    Case("langevin-10", "Langevin, 3 layers of 10x10", SQUARE),
    Case("langevin-10-f64", "Langevin, 3 layers of 10x10", SQUARE, dtype="float64"),
    Case("gradient-10", "gradient noise, 3 layers of 10x10", SQUARE, GRADIENT),
    Case("gradient-10-f64", "gradient noise, 3 layers of 10x10", SQUARE, GRADIENT, dtype="float64"),
    Case("stable-10", "stable gradient noise, 3 layers of 10x10", SQUARE, STABLE),
    Case("tempered-10", "tempered gradient noise, 3 layers of 10x10", SQUARE, TEMPERED),
    Case("sgd-4-10", "SGD of batch 1, 4-10-10-10-4, 16 samples", FIELD, SGD, samples=16),
    Case("finite-4-10", "gradient noise, 4-10-10-10-4, 16 samples", FIELD, GRADIENT, samples=16),
    Case("langevin-32", "Langevin, 4 layers of 32x32", (32,) * 5, trajectories=1024),
    Case("langevin-64", "Langevin, 4 layers of 64x64", (64,) * 5, trajectories=256),
)
"""The cases of ``fastsde bench``."""

TANH = Case(
    "tanh-4-10", "SGD of batch 1, tanh, 4-10-10-10-4, 16 samples", FIELD, SGD, samples=16, activation="tanh"
)
"""A nonlinear network, which ``python -m bench`` compares with other libraries."""


def cases(*, quick: bool = False, dtype: Precision | None = None) -> tuple[Case, ...]:
    """Return the cases to time: all, or all of one precision.

    Without a `dtype`, `quick` omits ``float64``, and hence half of the compile time.

    Examples
    --------
    >>> len(cases(quick=True)) < len(cases())
    True
    >>> {case.dtype for case in cases(dtype="float64")}
    {'float64'}
    """
    if dtype is None and not quick:
        return CASES
    single = [case for case in CASES if case.dtype == "float32"]
    if dtype in (None, "float32"):
        return tuple(single)
    return tuple(case.replace(name=f"{case.name}-f64", dtype=dtype) for case in single)
