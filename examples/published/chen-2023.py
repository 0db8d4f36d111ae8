"""Stochastic collapse in a quartic well (Chen, Kunin, Yamamura and Ganguli 2023)."""

import numpy as np

from fastsde.published import Claim
from fastsde.report.style import model_lines

QUICK = {"trajectories": 1000}
PANELS = 2
MU = 1.5
NOISES = {
    "zeta2_05": 0.5,
    "zeta2_10": 1.0,
    "zeta2_20": 2.0,
    "zeta2_36": 3.6,
    "zeta2_40": 4.0,
    "zeta2_50": 5.0,
}
CRITICAL = 2 * MU
LATE = 5.0


def log_size(ensemble, name, first=0):
    """Return the mean of log |theta| at every snapshot: from the minimum (first = 0), or from near 0 (1)."""
    return np.log(np.abs(ensemble[name]["modes"][:, first::2, 0])).mean(axis=1)


def log_drift(ensemble, name):
    """Return the rate of the mean of log |theta| over the run, of trajectories that start near 0."""
    mean = log_size(ensemble, name, 1)
    return float((mean[-1] - mean[0]) / ensemble[name].time[-1])


def second_moment(ensemble, name):
    """Return the mean of theta^2 from t = 5 on, of trajectories that start at the minimum."""
    late = ensemble[name].time >= LATE
    return float(MU * np.mean(ensemble[name]["modes"][late, ::2, 0].astype(float) ** 2))


def claims(runs):
    """Compare drifts where trajectories collapse, and second moments where they do not."""
    ensemble, listed = runs.ensemble, []
    condition = "Chen et al. 2023, condition for attractivity L''(0) + D''(0) / 2 > 0, on the quartic well"
    drift_tolerance, moment_tolerance = (0.16, 0.1) if runs.quick else (0.08, 0.05)
    for name, noise in NOISES.items():
        if noise > CRITICAL:
            found = log_drift(ensemble, name)
            what = f"drift of log of abs theta, zeta^2 = {noise:g}"
            listed.append(Claim(what, MU - noise / 2, found, drift_tolerance, condition))
        else:
            what = f"stationary E theta^2, zeta^2 = {noise:g}"
            found = second_moment(ensemble, name)
            listed.append(Claim(what, MU - noise / 2, found, moment_tolerance, condition))
    beyond = {noise: log_drift(ensemble, name) for name, noise in NOISES.items() if noise > CRITICAL}
    slope, constant = np.polyfit(list(beyond), list(beyond.values()), 1)
    what = "zeta^2 at which the drift of log of abs theta vanishes"
    listed.insert(0, Claim(what, CRITICAL, float(-constant / slope), 0.4 if runs.quick else 0.2, condition))
    return listed


def figure(runs, axes):
    """Draw the mean of log |theta|, and both closed forms."""
    ensemble, lines = runs.ensemble, model_lines(list(NOISES), "")
    for name, noise in NOISES.items():
        label = f"zeta^2 = {noise:g}"
        axes[0].plot(ensemble[name].time, log_size(ensemble, name), color=lines[name].color, label=label)
    axes[0].set(xlabel="time", ylabel="mean of log |theta|", title="quartic well, mu = 1.5")
    fine = np.linspace(0, 5.2, 50)
    axes[1].plot(fine, MU - fine / 2, color="k", linewidth=1, label="mu - zeta^2 / 2")
    for name, noise in NOISES.items():
        found = log_drift(ensemble, name) if noise > CRITICAL else second_moment(ensemble, name)
        axes[1].plot([noise], [found], "s" if noise > CRITICAL else "o", color=lines[name].color)
    axes[1].axvline(CRITICAL, color="0.6", linewidth=1)
    axes[1].set(xlabel="zeta^2", title="dots: E theta^2; squares: drift of log |theta|")
