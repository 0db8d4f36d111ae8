"""One-way jumps from high to low rank of Wang and Jacot (2024)."""

import math

import numpy as np

from fastsde.published import Claim
from fastsde.report.style import model_lines

QUICK = {"trajectories": 64, "time": {"steps": 3000, "snapshots": {"count": 61}}}
LOST, KEPT = 0.05, 0.3
"""Second singular values below and above which a state counts as of rank 1 and of rank 2."""
PAPER = "Wang and Jacot 2024"


def second(runs, name):
    """Return the second singular value, (snapshot, trajectory), of trajectories that did not diverge."""
    view = runs.ensemble[name]
    return view["singular_values"][:, ~view.diverged, 1]


def jumps(values):
    """Return how many trajectories fell from rank 2 to rank 1, and how many came back."""
    fell = back = 0
    for series in values[1:].T:
        state, ever = 2 if series[0] > LOST else 1, False
        for value in series:
            if state == 2 and value < LOST:
                state, ever = 1, True
            elif state == 1 and ever and value > KEPT:
                state, back = 2, back + 1
        fell += ever
    return fell, back


def claims(runs):
    """Count jumps in both directions, and compare the shares of rank 1 with and without noise."""
    sgd, descent = second(runs, "sgd"), second(runs, "gd")
    middle, step = len(sgd) // 2, runs.ensemble["sgd"].step
    fell, back = jumps(sgd)
    stuck, _ = jumps(descent[middle:])
    late, _ = jumps(sgd[middle:])
    ended = float(np.mean(sgd[-1] < LOST) - np.mean(descent[-1] < LOST))
    least = 3.0 if runs.quick else 10.0
    absorbing = f"{PAPER}, abstract: probability 0 of jumping back"
    return [
        Claim(
            f"trajectories of SGD that come back to rank 2, of {fell} that left it", 0.0, back, 0.0, absorbing
        ),
        Claim(
            f"trajectories of SGD that fall to rank 1 after step {step[middle]}",
            (least, math.inf),
            late,
            0.0,
            f"{PAPER}, abstract: a probability to jump to a lower rank",
        ),
        Claim(
            f"trajectories of gradient descent that fall after step {step[middle]}",
            0.0,
            stuck,
            0.0,
            f"{PAPER}, abstract: gradient descent is stuck at minima of too high rank",
        ),
        Claim(
            "share of rank 1 at the end, SGD less gradient descent",
            (0.2, 1.0),
            ended,
            0.0,
            f"{PAPER}, abstract: low-rank bias of SGD",
        ),
    ]


def figure(runs, axes):
    """Draw the share of trajectories of rank 1 against the step."""
    lines = model_lines(["sgd", "gd"], "sgd")
    for name, label in (("sgd", "SGD"), ("gd", "gradient descent")):
        share = np.mean(second(runs, name) < LOST, axis=1)
        line = lines[name]
        axes[0].plot(runs.ensemble[name].step, share, color=line.color, linestyle=line.linestyle, label=label)
    axes[0].set(xlabel="step", ylabel="share of trajectories of rank 1", ylim=(0, 1))
