"""Exact learning curves of Saxe, McClelland and Ganguli (2014), one hidden layer."""

import numpy as np

from fastsde.published import Claim
from fastsde.report.style import mode_line

QUICK = {"models": {"flow": {"substeps": 16}}}
STRENGTHS, START = np.array([4.0, 3.0, 2.0, 1.0]), 0.01


def curve(time, strength):
    """Return the strength of a mode, u(t) = s e^(2 s t) / (e^(2 s t) - 1 + s / u(0))."""
    grown = np.exp(-2.0 * strength * time)
    return strength / (1.0 - grown + grown * strength / START)


def claims(runs):
    """Compare half-times, and whole curves, with the exact solution."""
    flow = runs.ensemble["flow"]
    half = np.log((STRENGTHS - START) / START) / (2.0 * STRENGTHS)
    found = flow.passage_time("mode_learned")[0, 0]
    tolerance = 0.01 if runs.quick else 0.003
    source = "Saxe et al. 2014, section 1.2, learning time of a mode"
    listed = [
        Claim(f"half-time of mode {k + 1}, s = {s:g}", half[k], found[k], tolerance, source)
        for k, s in enumerate(STRENGTHS)
    ]
    exact = curve(flow.time[:, None], STRENGTHS)
    apart = np.abs(flow["modes"][:, 0] - exact).max()
    curves = "Saxe et al. 2014, section 1.2, time course of a mode"
    listed.append(Claim("largest distance from the four curves", 0.0, apart, 4.0 * tolerance, curves))
    return listed


def figure(runs, axes):
    """Draw found and exact curves."""
    flow = runs.ensemble["flow"]
    fine = np.linspace(0.0, flow.time[-1], 400)
    for k, strength in enumerate(STRENGTHS):
        line = mode_line(k)
        axes[0].plot(fine, curve(fine, strength), color=line.color, label=f"exact, s = {strength:g}")
        axes[0].plot(flow.time[::2], flow["modes"][::2, 0, k], ".", color=line.color)
    axes[0].set(xlabel="time (learning rate times steps)", ylabel="strength of a mode", title="dots: found")
