"""Small studies for tests, and how to look into one step of a model."""

import numpy as np

import fastsde
from fastsde.study.study import Study


def study(
    widths=(3, 4, 2), model=None, *, samples=6, dtype="float64", rate=0.05, steps=1, inputs=None, noise=0.3,
    spectrum=None, **more,
):  # fmt: skip
    """A study with one model, ``m``, and snapshots at every step; `spectrum` gives the ends of a ramp."""
    strengths = [2.0, 1.0, 0.5][: min(widths[0], widths[-1], 3)]
    inputs = dict(inputs or {"kind": "gaussian"})
    if spectrum is not None:
        inputs["spectrum"] = np.linspace(*spectrum, widths[0]).tolist()
    mapping = {
        "seed": 3,
        "trajectories": 8,
        "dtype": dtype,
        "network": {"widths": list(widths), "init": {"std": 0.6}, "loss": "half"},
        "data": {
            "samples": samples,
            "inputs": inputs,
            "teacher": {"singular_values": strengths},
            "label_noise": noise,
        },
        "time": {"learning_rate": rate, "steps": steps, "snapshots": {"at": list(range(steps + 1))}},
        "models": {"m": model or {"kind": "gd"}},
    }
    for table, values in more.items():
        mapping[table] = {**mapping.get(table, {}), **values} if isinstance(values, dict) else values
    return Study.from_mapping(mapping)


def one_step(a_study, theta, *, first=0, threads=2, problem=None):
    """Parameters after the study's last step, each row of `theta` one trajectory."""
    return fastsde.integrate(
        a_study, "m", first, len(theta), start=np.asarray(theta), threads=threads, problem=problem
    ).parameters


def snapshots(a_study, count=8, first=0, **options):
    """All recorded variables, snapshot axis first, and the outcome."""
    kept = []
    outcome = fastsde.integrate(
        a_study, "m", first, count, on_snapshot=lambda _, v: kept.append(v), **options
    )
    return {name: np.stack([k[name] for k in kept]) for name in kept[0]}, outcome
