"""Convergence of SVAG to the SDE in its level, of Li, Malladi and Arora (2021)."""

import numpy as np

from fastsde.published import Claim

QUICK = {"trajectories": 4096, "models": {"sde": {"substeps": 16}}}
RATE, BATCH, LABEL_VARIANCE = 0.5, 4, 1.0
SOURCE = "Li, Malladi and Arora 2021, theorem 4.3"


def exact(level):
    """Return the stationary mean of D^2 for SVAG of a level, infinite for the equation."""
    return RATE * LABEL_VARIANCE / BATCH / (2.0 - RATE / level - 2.0 * RATE / BATCH)


def level_of(name):
    """Return the level of a model of the study: 1 of SGD."""
    return 1 if name == "sgd" else int(name.removeprefix("svag-substeps"))


def measured(ensemble):
    """Return levels, the mean of D^2 in the second half of the snapshots, and its standard error."""
    rows = [(level_of(name), *second_moment(ensemble[name])) for name in ensemble if name != "sde"]
    return np.array(sorted(rows)).T


def second_moment(model):
    """Return the mean of D^2 over late snapshots and trajectories, and its standard error."""
    late = model["modes"][len(model.step) // 2 :, :, 0] - 1.0
    each = (late**2).mean(axis=0)
    return each.mean(), each.std() / np.sqrt(len(each))


def claims(runs):
    """Compare the order in the level, and the limit."""
    levels, values, errors = measured(runs.ensemble)
    gaps = values - exact(np.inf)
    used = slice(1, 4) if runs.quick else slice(1, None)
    order = -np.polyfit(np.log(levels[used]), np.log(gaps[used]), 1)[0]
    limit = 2.0 * values[-1] - values[-2]
    equation = second_moment(runs.ensemble["sde"])[0]
    spread = 3.0 * np.hypot(2.0 * errors[-1], errors[-2])
    return [
        Claim("order of the weak error in 1 / l", 1.0, order, 0.4 if runs.quick else 0.15, SOURCE),
        Claim("E D^2 of SVAG, extrapolated to l -> infinity", exact(np.inf), limit, spread + 1e-4, SOURCE),
        Claim(
            "E D^2 of the equation itself, by Euler's method",
            exact(np.inf),
            equation,
            0.004 if runs.quick else 0.001,
            "closed form of the equation that the theorem is about",
        ),
    ]


def figure(runs, axes):
    """Draw the weak error of every level over its exact value."""
    levels, values, errors = measured(runs.ensemble)
    fine = np.linspace(1.0, levels[-1], 200)
    axes[0].plot(fine, exact(fine) - exact(np.inf), label="exact")
    axes[0].errorbar(
        levels, values - exact(np.inf), 2.0 * errors, fmt="o", label="found, two standard errors"
    )
    axes[0].set(
        xscale="log",
        yscale="log",
        xlabel="level l of SVAG (1: SGD)",
        ylabel="weak error of D^2",
        title="difference from the equation",
    )
