"""Studies of one model on a landscape, and what comes of them."""

import numpy as np

import fastsde
from fastsde.study.study import Study


def landscape_study(landscape, model, *, rate=0.01, steps=100, dtype="float64", seed=5, **more):
    """A study with one model, ``m``, observed at its start and end unless `more` says otherwise."""
    mapping = {
        "seed": seed,
        "trajectories": 8,
        "dtype": dtype,
        "landscape": landscape,
        "time": {"learning_rate": rate, "steps": steps, "snapshots": {"at": [steps]}},
        "events": {"mode_learned": []},
        "record": {"observables": ["parameters"]},
        "models": {"m": model},
    }
    for table, values in more.items():
        mapping[table] = {**mapping.get(table, {}), **values} if isinstance(values, dict) else values
    return Study.from_mapping(mapping)


def run(study, count, start=None, name="m"):
    """Snapshots by variable, snapshot axis first, and the outcome."""
    kept = []
    outcome = fastsde.integrate(
        study, name, 0, count, start=start, threads=2, on_snapshot=lambda _, values: kept.append(values)
    )
    return {key: np.stack([values[key] for values in kept]) for key in kept[0]}, outcome


def free(dimension=1):
    """No forces at all."""
    return {"kind": "quadratic", "eigenvalues": [0.0] * dimension}


def unit_scale(alpha, h):
    """Temperature at which one Euler step of length h has stable scale ``h^(1/alpha)``."""
    return h ** (2 / alpha - 1)
