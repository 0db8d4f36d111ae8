"""Sharpness after training of Marion and Chizat (2024)."""

import math

import numpy as np

from fastsde.published import Claim
from fastsde.report.style import mode_line

QUICK = {
    "trajectories": 8,
    "time": {"steps": 10_000},
    "sweep": {"time.learning_rate": [0.02, 0.1], "network.init.std": [0.35, 0.5]},
}
DEPTH = 10
PAPER = "Marion and Chizat 2024"


def bounds(ensemble):
    """Return the bounds 2 L a and 8 L max eig of the sharpness of minima, from the data."""
    problem = ensemble.problem
    second, optimum = problem.covariance, problem.optimum[0]
    size = np.linalg.norm(optimum)
    scale = size ** (2.0 - 2.0 / DEPTH)
    lower = 2.0 * DEPTH * scale * (optimum @ second @ optimum) / size**2
    return lower, 8.0 * DEPTH * scale * np.linalg.eigvalsh(second)[-1]


def ends(ensemble):
    """Return sharpness at the start and at the end of the trajectories that reached a minimum."""
    descent = ensemble["descent"]
    arrived = ~descent.diverged & (descent["gradient_norm"][-1] < 1e-3)
    sharpness = descent["hessian_max"][:, arrived]
    return sharpness[0], sharpness[-1]


def claims(runs):
    """Compare the largest and the least final sharpness with the bounds."""
    lower, upper = bounds(runs.ensembles[0])
    final = {}
    for values, ensemble in runs:
        final.setdefault(values["time.learning_rate"], []).append(ends(ensemble)[1])
    listed = []
    for rate, groups in final.items():
        sharpness = np.concatenate(groups)
        if 2.0 / rate < lower:
            what = f"runs that end at a minimum at rate {rate:g}: 2 / rate is below the bound"
            listed.append(Claim(what, 0.0, len(sharpness), 0.0, f"{PAPER}, theorem 1"))
            continue
        top = float(sharpness.max()) * rate if sharpness.size else math.nan
        what = f"largest final sharpness times rate, rate {rate:g} ({sharpness.size} runs)"
        listed.append(Claim(what, (-math.inf, 2.0), top, 0.02, f"{PAPER}, figure 1, lines at 2 / rate"))
    least = min(group.min() for groups in final.values() for group in groups if group.size)
    what = "least final sharpness over the lower bound of minima"
    listed.append(Claim(what, (1.0, math.inf), least / lower, 0.01, f"{PAPER}, theorem 1"))
    small = final[0.005 if not runs.quick else 0.02][0]
    what = "median final sharpness over its lower bound, least rate and start"
    listed.append(
        Claim(what, (1.0, upper / lower), float(np.median(small)) / lower, 0.01, f"{PAPER}, corollary 2")
    )
    return listed


def figure(runs, axes):
    """Draw the final sharpness against the scale of the start, as figure 1 of the paper."""
    lower, upper = bounds(runs.ensembles[0])
    start, final = {}, {}
    for values, ensemble in runs:
        rate, scale = values["time.learning_rate"], values["network.init.std"]
        descent = ensemble["descent"]
        start[scale] = np.median(descent["hessian_max"][0])
        last = ends(ensemble)[1]
        final.setdefault(rate, []).append((scale, np.median(last) if last.size else math.nan))
    axes[0].semilogy(start.keys(), start.values(), "k-", label="at the start")
    for number, (rate, points) in enumerate(final.items()):
        line = mode_line(number)
        label = f"rate {rate:g}" + ("" if np.isfinite(points).all(axis=1).any() else " (no minimum)")
        axes[0].semilogy(*zip(*points, strict=True), "o-", color=line.color, label=label)
        axes[0].axhline(2.0 / rate, color=line.color, linestyle="--", linewidth=0.9)
    for bound in (lower, upper):
        axes[0].axhline(bound, color="#222222", linestyle=":", linewidth=0.9)
    axes[0].set(xlabel="scale of the start", ylabel="sharpness (median)")
    axes[0].set_title("dashed: 2 / rate; dotted: bounds")
