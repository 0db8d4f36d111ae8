"""Exact learning curves of Saxe, McClelland and Ganguli (2014), three hidden layers."""

import numpy as np
from scipy.integrate import quad

from fastsde.published import Claim
from fastsde.report.style import mode_line

QUICK = {"models": {"flow": {"substeps": 16}}}
STRENGTHS, START, DEPTH = np.array([4.0, 3.0, 2.0, 1.0]), 0.3**4, 4


def time_of(value, strength):
    """Return when a mode has a value: the integral of du / (L u^(2 - 2/L) (s - u)) from the start."""
    return quad(lambda u: 1.0 / (DEPTH * u ** (2.0 - 2.0 / DEPTH) * (strength - u)), START, value)[0]


def claims(runs):
    """Compare half-times, and times of other shares, with the exact solution."""
    flow = runs.ensemble["flow"]
    found = flow.passage_time("mode_learned")[0]
    tolerance = 0.02 if runs.quick else 0.006
    source = "Saxe et al. 2014, section 1.3, deeper networks"
    listed = []
    for k, s in enumerate(STRENGTHS):
        for number, share in enumerate((0.5, 0.9)):
            what = f"time at which {100 * share:g} % of mode {k + 1} (s = {s:g}) are learned"
            listed.append(Claim(what, time_of(share * s, s), found[number, k], tolerance, source))
    return listed


def figure(runs, axes):
    """Draw found and exact curves."""
    flow = runs.ensemble["flow"]
    for k, strength in enumerate(STRENGTHS):
        line, values = mode_line(k), np.linspace(START, 0.995 * strength, 200)
        times = [time_of(value, strength) for value in values]
        axes[0].plot(times, values, color=line.color, label=f"exact, s = {strength:g}")
        axes[0].plot(flow.time[::2], flow["modes"][::2, 0, k], ".", color=line.color)
    axes[0].set(xlabel="time (learning rate times steps)", ylabel="strength of a mode", title="dots: found")
