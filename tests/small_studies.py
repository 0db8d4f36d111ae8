"""Small studies of one model, for the tests that integrate: a mapping with what the test needs changed."""

import numpy as np

import fastsde
from fastsde.network import DeepLinearNetwork
from fastsde.study import Study

GRADIENT = {"kind": "sde", "noise": "gradient"}
ISOTROPIC = {"kind": "sde", "noise": "isotropic"}
POPULATION = {"samples": "population"}

MODELS = {
    "descent": {"kind": "gd"},
    "epochs": {"kind": "sgd", "batch": 2, "sampling": "epoch"},
    "distinct": {"kind": "sgd", "batch": 3, "sampling": "without-replacement"},
    "replacing": {"kind": "sgd", "batch": 3, "sampling": "replacement"},
    "large-batch": {"kind": "sgd", "batch": 5, "sampling": "without-replacement"},
    "isotropic": {**ISOTROPIC, "temperature": 0.01, "substeps": 2},
    "isotropic-stable": {**ISOTROPIC, "temperature": 0.01, "substeps": 2, "alpha": 1.5},
    "isotropic-tempered": {**ISOTROPIC, "temperature": 0.01, "substeps": 2, "alpha": 1.5, "tempering": 30.0},
    "local": {**ISOTROPIC, "match_at": "local", "substeps": 2},
    "gradient": {**GRADIENT, "substeps": 2},
    "gradient-stable": {**GRADIENT, "substeps": 2, "alpha": 1.6},
    "gradient-tempered": {**GRADIENT, "substeps": 2, "alpha": 1.6, "tempering": 30.0},
}
POPULATION_MODELS = {
    "fresh": {"kind": "sgd", "batch": 2},
    "population": {**GRADIENT, "substeps": 2},
    "population-stable": {**GRADIENT, "substeps": 2, "alpha": 1.6},
    "population-tempered": {**GRADIENT, "substeps": 2, "alpha": 1.6, "tempering": 30.0},
    "population-local": {**ISOTROPIC, "match_at": "local", "substeps": 2},
}


def one_model(model, widths=(3, 4, 2), rate=0.05, steps=1, singular_values=None, **changes):
    """Make a study of the model ``m``; tables in `changes` are merged, values replace."""
    rank = min(widths[0], widths[-1])
    mapping = {
        "seed": 5,
        "trajectories": 8,
        "network": {"widths": list(widths), "init": {"std": 0.5}, "loss": "half"},
        "data": {
            "samples": 7,
            "teacher": {"singular_values": list(singular_values or [2.0, 1.0, 0.5][:rank])},
            "label_noise": 0.3,
        },
        "time": {"learning_rate": rate, "steps": steps, "snapshots": {"at": []}},
        "models": {"m": model},
    }
    for table, values in changes.items():
        old = mapping.get(table, {})
        mapping[table] = {**old, **values} if isinstance(values, dict) else values
    return Study.from_mapping(mapping)


def every_model(name, **changes):
    """Make the study of a model of `MODELS` or `POPULATION_MODELS`."""
    if name in MODELS:
        return one_model(MODELS[name], **changes)
    return one_model(POPULATION_MODELS[name], data=POPULATION, **changes)


def integrated(study, count=8, first=0, **options):
    """Integrate the model ``m``: its snapshots, stacked, by name; and the outcome."""
    kept = []
    outcome = fastsde.integrate(study, "m", first, count, on_snapshot=lambda _, v: kept.append(v), **options)
    return {name: np.stack([values[name] for values in kept]) for name in kept[0]}, outcome


def last_points(study, start, **options):
    """Integrate from given points, a trajectory a row; the last points, float64."""
    outcome = fastsde.integrate(study, "m", 0, len(start), start=np.asarray(start), **options)
    return outcome.parameters.astype(np.float64)


def reference(study):
    """Give the plain network of a study."""
    return DeepLinearNetwork(study.network.widths, study.network.loss_scale)


def random_points(study, count=1, scale=0.6, seed=0):
    """Draw parameters, (count, p)."""
    return np.random.default_rng(seed).normal(0, scale, (count, reference(study).size))


def copies(point, count):
    """Repeat one point (p,) as the start of `count` trajectories."""
    return np.broadcast_to(point, (count, len(point))).copy()
