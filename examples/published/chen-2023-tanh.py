"""Stochastic collapse of one neuron under label noise (Chen, Kunin, Yamamura and Ganguli 2023)."""

import numpy as np

from fastsde.published import Claim
from fastsde.report.style import model_lines

QUICK = {"trajectories": 96, "time": {"steps": 12_000}}
PANELS = 2
NOISES = {"a_030": 0.3, "a_060": 0.6, "a_115": 1.15, "a_130": 1.3, "a_150": 1.5, "a_180": 1.8}
NEAR = 1e-2
"""Size of both weights together below which the authors count a neuron as collapsed."""


def data_moments(ensemble):
    """Return the means of x y and of x^2."""
    data = ensemble.study.landscape.data
    x, y = np.array(data.inputs)[:, 0], np.array(data.labels)[:, 0]
    return float(np.mean(x * y)), float(np.mean(x * x))


def size(ensemble, name):
    """Return the norm of the weights, (snapshot, trajectory)."""
    weights = ensemble[name]["parameters"]
    return np.hypot(weights[:, :, 0], weights[:, :, 1])


def log_drift(ensemble, name):
    """Return the slope of the mean of log |w| over the second three quarters of the run."""
    time = ensemble[name].time
    late = time >= time[-1] / 4
    return float(np.polyfit(time[late], np.log(size(ensemble, name)[late]).mean(axis=1), 1)[0])


def claims(runs):
    """Compare drifts beyond the threshold, the threshold, and who has collapsed at the end."""
    ensemble, listed = runs.ensemble, []
    both, square = data_moments(ensemble)
    source = "Chen et al. 2023, single-neuron model: collapse beyond eta zeta^2 / 2 = sum x y / sum x^2"
    beyond = {noise: log_drift(ensemble, name) for name, noise in NOISES.items() if noise > both / square}
    for noise, found in beyond.items():
        what = f"drift of the log of the norm of w, eta zeta^2 / 2 = {noise:g}"
        listed.append(Claim(what, both - noise * square, found, 0.1 if runs.quick else 0.06, source))
    slope, constant = np.polyfit(list(beyond), list(beyond.values()), 1)
    what = "eta zeta^2 / 2 at which the drift vanishes"
    zero, tolerance = float(-constant / slope), 0.2 if runs.quick else 0.08
    listed.insert(0, Claim(what, both / square, zero, tolerance, source))
    for name, bounds in (("a_030", (0.0, 0.05)), ("a_180", (0.95, 1.0))):
        share = float(np.mean(size(ensemble, name)[-1] < NEAR))
        what = f"share with a norm of w below 0.01 at the end, eta zeta^2 / 2 = {NOISES[name]:g}"
        listed.append(Claim(what, bounds, share, 0.0, source + " (figure on the single neuron)"))
    return listed


def figure(runs, axes):
    """Draw the mean of log |w| over time, and its drift against the noise."""
    ensemble, lines = runs.ensemble, model_lines(list(NOISES), "")
    both, square = data_moments(ensemble)
    for name, noise in NOISES.items():
        label = f"eta zeta^2 / 2 = {noise:g}"
        mean = np.log(size(ensemble, name)).mean(axis=1)
        axes[0].plot(ensemble[name].time, mean, color=lines[name].color, label=label)
        if noise > both / square:
            axes[1].plot([noise], [log_drift(ensemble, name)], "s", color=lines[name].color)
    axes[0].set(xlabel="time", ylabel="mean of log |w|", title="w2 tanh(w1 x)")
    fine = np.linspace(0.9, 1.9, 20)
    axes[1].plot(fine, both - fine * square, color="k", linewidth=1, label="published")
    axes[1].axvline(both / square, color="0.6", linewidth=1)
    axes[1].set(xlabel="eta zeta^2 / 2", ylabel="drift of log |w|", title="squares: found")
