"""The experiment of Corlouer, Semler, Strang and Gietelink Oldenziel (2026) at its full length."""

import math

import numpy as np

from fastsde.analysis.features.peaks import CrossingTracker, PeakTracker
from fastsde.published import Claim, Deviation
from fastsde.report.style import mode_line

QUICK = {"trajectories": 16, "time": {"steps": 40_000, "snapshots": {"late": {"every": 64}}}}
PANELS = 2
LATE, DEPTH = 129, 4
PAPER = "Corlouer et al. 2026"


def peaks(runs):
    """Return, per trajectory and mode, the share learned at the peak of the diffusion, and if it came first."""
    sgd, strength = runs.ensemble["sgd"], runs.ensemble.problem.mode_strength
    peak, learned = PeakTracker(), CrossingTracker(0.9)
    for time, value, mode in zip(sgd.time, sgd["mode_diffusion"], sgd["modes"], strict=True):
        peak.add(float(time), value, mode / strength)
        learned.add(float(time), mode / strength)
    found = peak.result()
    return found.progress, found.clock < learned.clock


def late_variance(runs, name):
    """Return the variance of each mode over trajectories, mean over the late snapshots, (mode,)."""
    modes = runs.ensemble[name]["modes"][-LATE:]
    return modes.var(axis=1, ddof=1).mean(axis=0)


def theory(runs):
    """Return the late variance of each mode for independent batches of one sample, balanced layers.

    A mode of strength s has the mobility g = L s^(2 - 2/L); its error decays by the factor 1 - rate c g per
    step, and a step adds noise of variance (rate c g)^2 times the variance of u.e x.v over the samples.
    """
    problem, rate = runs.ensemble.problem, runs.ensemble.study.time.learning_rate
    residual = problem.labels - problem.inputs @ problem.optimum.T
    noise = ((residual @ problem.mode_left) * (problem.inputs @ problem.mode_right)).var(axis=0)
    decay = rate * problem.loss_scale * DEPTH * problem.mode_strength ** (2.0 - 2.0 / DEPTH)
    return decay * noise / (2.0 - decay)


def claims(runs):
    """Compare when the diffusion peaks, and the late variances."""
    share, first = peaks(runs)
    source = f"{PAPER}, abstract and section 4: maximal diffusion precedes learning"
    before = first.mean(axis=0)
    listed = [
        Claim(
            f"runs whose diffusion peaks before mode {k + 1} is learned", (0.5, 1.0), before[k], 0.0, source
        )
        for k in range(4)
    ]
    listed.append(Claim("median share learned at the peak, mode 1", 0.6, np.median(share[:, 0]), 0.1, source))
    ratio = late_variance(runs, "sgd_replacement") / theory(runs)
    law = f"{PAPER}, section 5: stationary law of a mode with label noise"
    untested = "needs the whole length" if runs.quick else ""
    listed += [
        Claim(
            f"late variance of mode {k + 1} over theory, independent batches",
            1.0,
            ratio[k],
            0.25,
            law,
            None,
            untested,
        )
        for k in range(4)
    ]
    return listed


def figure(runs, axes):
    """Draw modes and diffusion of one trajectory, and the late variances."""
    sgd, strength = runs.ensemble["sgd"], runs.ensemble.problem.mode_strength
    steps = np.maximum(sgd.step, 1)
    for k in range(4):
        line, diffusion = mode_line(k), sgd["mode_diffusion"][:, 0, k]
        axes[0].semilogx(steps, sgd["modes"][:, 0, k] / strength[k], color=line.color, label=f"mode {k + 1}")
        axes[0].semilogx(steps, diffusion / np.nanmax(diffusion), ":", color=line.color)
    axes[0].set(xlabel="step", ylabel="share learned; diffusion / largest (dotted)")
    axes[1].plot(range(1, 5), theory(runs), "k_", markersize=14, label="theory, independent batches")
    for name, mark in (("sgd_replacement", "o"), ("sgd", "s")):
        axes[1].plot(range(1, 5), late_variance(runs, name), mark, label=name)
    axes[1].set(xlabel="mode", ylabel="late variance", yscale="log", xticks=range(1, 5))
