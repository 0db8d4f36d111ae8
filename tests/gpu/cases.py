"""One small study of every step, noise, law, refinement and landscape that kernels know."""

import os

from landscape_studies import landscape_study
from studies import study

EVENTS = {"loss_below": [2.0, 1.0], "mode_learned": [0.3, 0.6], "every": 2}
SDE = {"kind": "sde", "noise": "gradient", "substeps": 2}
ISOTROPIC = {"kind": "sde", "noise": "isotropic", "temperature": 0.05, "substeps": 2}
DIAGONAL = {"diagonal": [0.1] * 20, "factor": [[0.05]] * 20}

MODELS = {
    "gd": {"kind": "gd"},
    "gd momentum": {"kind": "gd", "momentum": 0.9, "nesterov": True},
    "gd central flow": {"kind": "gd", "central_flow": 2, "substeps": 2},
    "gd second order": {"kind": "gd", "second_order": True, "rotation": {"layer": 1, "strength": 0.5}},
    "sgd": {"kind": "sgd"},
    "sgd batch": {"kind": "sgd", "batch": 2, "sampling": "replacement"},
    "sgd distinct": {"kind": "sgd", "batch": 2, "sampling": "without-replacement"},
    "sgd weights": {"kind": "sgd", "batch": 5},
    "sgd label noise": {"kind": "sgd", "label_noise": 0.5, "momentum": 0.5, "weight_decay": 0.1},
    "svag": {"kind": "svag", "substeps": 2, "batch": 2},
    "svag weights": {"kind": "svag", "substeps": 2, "batch": 5},
    "gradient": SDE,
    "gradient epochs": {**SDE, "batch": 2, "epoch_bridge": True},
    "gradient stable": {**SDE, "alpha": 1.6},
    "gradient components": {**SDE, "alpha": 1.6, "by_component": True, "truncation": 5.0},
    "tempered": {**SDE, "alpha": 1.5, "tempering": 20.0},
    "truncated": {**SDE, "alpha": 1.5, "truncation": 3.0},
    "jumps": {**SDE, "jumps": {"rate": 30.0, "share": 0.5}},
    "anisotropic stable": {**SDE, "anisotropy": 0.5, "rotated": True, "alpha": 1.6},
    "langevin": ISOTROPIC,
    "langevin local": {**ISOTROPIC, "temperature": "matched", "match_at": "local"},
    "given": {"kind": "sde", "noise": "given", "covariance": DIAGONAL, "substeps": 2},
    "adam": {"kind": "adam", "batch": 2, "weight_decay": 0.1},
    "signum": {"kind": "signsgd", "batch": 2, "beta": 0.5},
    "adam sde": {"kind": "adam-sde", "batch": 2, "substeps": 2},
    "signsgd sde": {"kind": "signsgd-sde", "batch": 2, "substeps": 2},
    "underdamped": {"kind": "underdamped", "friction": 1.0, "temperature": 0.1, "velocity": "equilibrium"},
    "momentum sde": {"kind": "momentum-sde", "momentum": 0.9, "substeps": 2},
    "fractional time": {**ISOTROPIC, "subordination": {"beta": 0.7}},
}
POPULATION = {
    "population": SDE,
    "population sheared": SDE,
    "population anisotropic": {**SDE, "anisotropy": 0.5},
    "population local": {**ISOTROPIC, "temperature": "matched", "match_at": "local"},
    "fresh": {"kind": "sgd", "sampling": "fresh", "batch": 2},
    "fresh student": {"kind": "sgd", "sampling": "fresh", "batch": 2},
    "fresh stable": {"kind": "sgd", "sampling": "fresh", "batch": 1},
    "fresh svag": {"kind": "svag", "substeps": 2, "batch": 2},
}
ATTENTION = {
    "kind": "linear-attention", "spectrum": [1.0, 0.5], "heads": 1, "rank": 1, "context": 3, "samples": 5,
}  # fmt: skip
POINTS = [[0.5, -1.0, 0.3], [-0.2, 0.4, 1.0], [1.2, 0.1, -0.6], [0.0, -0.7, 0.8]]
CLASSES = {"kind": "arrays", "inputs": POINTS, "classes": [0, 1, 1, 0]}
CLOUDS = {"kind": "mixture", "means": POINTS[:2], "samples": 5, "test": 8}
MLP = {"kind": "mlp", "widths": [3, 4, 2], "data": CLOUDS}
LANDSCAPES = {
    "quadratic": ({"kind": "quadratic", "matrix": [[2.0, 0.5], [0.5, 1.0]]}, ISOTROPIC),
    "double-well": ({"kind": "double-well"}, ISOTROPIC),
    "monkey-saddle": ({"kind": "monkey-saddle"}, {"kind": "gd"}),
    "mueller-brown": ({"kind": "mueller-brown"}, {"kind": "gd"}),
    "phase-retrieval": ({"kind": "phase-retrieval", "size": 2, "samples": 5}, {"kind": "sgd"}),
    "diagonal-network": ({"kind": "diagonal-network", "features": 2, "samples": 5}, SDE),
    "mlp": (MLP, {"kind": "sgd"}),
    "mlp classes": ({**MLP, "activation": "gelu", "loss": "cross-entropy", "data": CLASSES}, SDE),
    "superposition": ({"kind": "superposition", "features": 3, "hidden": 2, "samples": 5}, {"kind": "sgd"}),
    "linear-attention": (ATTENTION, {"kind": "sgd"}),
    "two-basins": (
        {"kind": "two-basins", "samples": 5, "start": {"point": [0.9, 0.8]}},
        {"kind": "sde", "noise": "gradient-leading", "trace": 2.0, "substeps": 2, "batch": 2},
    ),
}
MEASURED = {
    "completion": ({"kind": "completion", "observed": 0.7, "samples": "each"}, {"kind": "sgd", "batch": 2}),
    "completion drawn": (
        {"kind": "completion", "observed": 0.7, "samples": 9},
        {"kind": "sgd", "batch": 2, "label_noise": 0.1},
    ),
    "sensing": ({"kind": "sensing", "samples": 9}, SDE),
    "sensing local": (
        {"kind": "sensing", "samples": 9},
        {**ISOTROPIC, "temperature": "matched", "match_at": "local"},
    ),
    "completion fresh": (
        {"kind": "completion", "observed": 0.7, "samples": "population"},
        {"kind": "svag", "substeps": 2, "batch": 2},
    ),
    "sensing fresh": ({"kind": "sensing", "samples": "population"}, {"kind": "sgd", "batch": 2}),
    "completion population": ({"kind": "completion", "observed": 0.7, "samples": "population"}, SDE),
    "sensing population": ({"kind": "sensing", "samples": "population"}, SDE),
}
SADDLES = {"saddle random": "random", "saddle escape": "escape"}
"""Starts at a saddle, on the device and on the host, with the event of its escape."""
SCHEDULES = {
    "cosine gradient": SDE,
    "cosine sgd momentum": {"kind": "sgd", "momentum": 0.5},
}
ALL = (*MODELS, *POPULATION, *LANDSCAPES, *SCHEDULES, *MEASURED, *SADDLES)
SOME = (
    "svag",
    "anisotropic stable",
    "fractional time",
    "mlp",
    "underdamped",
    "completion",
)
"""Samples and weights, a law, a clock, a landscape, inertia, and measurements."""
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
CHOSEN = ALL if WHOLE else SOME
TEAMS = ("sgd", "sgd weights", "gradient", *(("sgd batch", "svag", "given") if WHOLE else ()))


def case(name, dtype="float64", steps=6, **more):
    """Return the study of a case; its model is ``m``."""
    if name in LANDSCAPES:
        landscape, model = LANDSCAPES[name]
        events = {
            "loss_below": [0.1],
            "radius_above": [0.5],
            "mode_learned": [],
            "intervals": [{"mode": 1, "outside": [-0.5, 0.5]}, {"mode": 1, "inside": [-0.5, 0.5]}],
        }
        return landscape_study(
            landscape, model, steps=steps, dtype=dtype, events=events, rate=1e-3 if "brown" in name else 0.02,
            **more,
        )  # fmt: skip
    common = {"steps": steps, "dtype": dtype, "events": EVENTS, **more}
    if name in MODELS:
        return study(model=MODELS[name], **common)
    if name in SADDLES:
        init = {"kind": "saddle", "rank": 1, "perturbation": 0.5, "direction": SADDLES[name]}
        events = {"escaped": [0.4, 0.6], "mode_learned": [0.5]}
        return study(model={"kind": "gd"}, network={"init": init}, **common | {"events": events})
    if name in MEASURED:
        data, model = MEASURED[name]
        return study(model=model, data=data, **common)
    if name in SCHEDULES:
        schedule = {"kind": "cosine", "warm_up": 2}
        return study(model=SCHEDULES[name], time={"schedule": schedule}, **common)
    inputs = {
        "fresh student": {"kind": "student-t", "nu": 5.0},
        "fresh stable": {"kind": "stable", "alpha": 1.7},
    }
    spectrum = (1.0, 0.5) if name == "population sheared" else None
    return study(
        model=POPULATION[name], samples="population", inputs=inputs.get(name), spectrum=spectrum, **common
    )
